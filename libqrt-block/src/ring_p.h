/* SPDX-License-Identifier: MIT */
/* A bounded first-in-first-out queue of pointers that any number of threads fill and empty, without locks:
 * each cell has a turn, which says who may use it next. */
#ifndef QRT_BLOCK_RING_P_H
#define QRT_BLOCK_RING_P_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct qrt_block_p_ring_cell {
	_Atomic uint64_t turn;
	void *item;
};

struct qrt_block_p_ring {
	struct qrt_block_p_ring_cell *cells;
	uint64_t mask;
	_Alignas(64) _Atomic uint64_t head; /* of who puts */
	_Alignas(64) _Atomic uint64_t tail; /* of who takes */
};

/* At least `capacity` items. -ENOMEM. */
int qrt_block_p_ring_init(struct qrt_block_p_ring *ring, uint32_t capacity);
void qrt_block_p_ring_finish(struct qrt_block_p_ring *ring);
/* 0, or -EAGAIN: it is full. */
int qrt_block_p_ring_put(struct qrt_block_p_ring *ring, void *item);
/* NULL: it is empty, or the next item is being put. */
void *qrt_block_p_ring_take(struct qrt_block_p_ring *ring);
/* Whether take() would find something now. */
int qrt_block_p_ring_has(struct qrt_block_p_ring *ring);

#endif
