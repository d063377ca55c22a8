/* SPDX-License-Identifier: MIT */
/* How urgent a worker is: as its op, or as what waits for it, which is more urgent. What waits is a request
 * that no worker is free for, or one that another worker or the kernel is at, and that the kernel does not
 * let get on before this worker's op is over. */
#ifndef QRT_BLOCK_URGENCY_P_H
#define QRT_BLOCK_URGENCY_P_H

#include "pool_p.h"

struct qrt_block_p_range {
	uint32_t kind; /* enum qrt_block_kind */
	uint64_t offset, end;
};

/* Whether the kernel may let one of both wait until the other one is over. */
int qrt_block_p_ranges_meet(const struct qrt_block_p_range *a, const struct qrt_block_p_range *b,
			    int is_cached);

/* Around an op of that rank, by its worker. */
void qrt_block_p_urgency_begin(struct qrt_block_p_worker *worker, const struct qrt_block_p_op *op,
			       uint32_t rank);
void qrt_block_p_urgency_end(struct qrt_block_p_worker *worker);
/* It is about to sleep: as the usual one it is woken in time, whatever it is woken for. */
void qrt_block_p_urgency_rest(struct qrt_block_p_worker *worker);
/* An op of that rank waits for a worker. */
void qrt_block_p_urgency_hurry(struct qrt_block_p_pool *pool, uint32_t rank);
/* The kernel has that op without a worker, or it waits for the one that is at such an op. */
void qrt_block_p_urgency_meet(struct qrt_block_p_pool *pool, const struct qrt_block_p_op *op);

#endif
