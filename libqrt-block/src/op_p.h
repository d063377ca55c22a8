/* SPDX-License-Identifier: MIT */
/* A request inside the library: one of a queue's slots. Its queue's thread owns it; while an engine has it,
 * the engine does, and of the other members the queue's thread touches none. */
#ifndef QRT_BLOCK_OP_P_H
#define QRT_BLOCK_OP_P_H

#include <qrt/block.h>
#include <stdatomic.h>
#include <stddef.h>

#include "ranges_p.h"

#define QRT_BLOCK_P_NOT_IN_HEAP UINT32_MAX

/* Who has an op that waits for a worker: one of both takes it. */
enum qrt_block_p_claim { QRT_BLOCK_P_UNCLAIMED, QRT_BLOCK_P_RUNS, QRT_BLOCK_P_DROPPED };

struct qrt_block_p_mailbox;

struct qrt_block_p_op {
	/* The engine's while it has the op. */
	struct qrt_block_p_op *next, *previous; /* in a list: waiting, returned, or an engine's own */
	struct qrt_block_p_mailbox *mailbox;    /* where a worker leaves it */
	_Atomic uint32_t claim;                 /* enum qrt_block_p_claim */
	uint32_t kind, flags, priority;         /* of the request */
	uint64_t offset, length;                /* bytes that are left, and where */
	struct iovec *run;                      /* and their memory */
	uint32_t run_count;
	int64_t answer;       /* bytes of this turn, 0 of kinds without, or a negative errno */
	uint64_t answered_ns; /* 0: when it is seen */
	uint64_t due_ns;      /* faults: held up until */
	uint32_t fault;       /* faults: what happens to it */
	uint32_t cut_count;   /* faults: run_count, and the last part's length, before it was cut */
	uint64_t cut_length;
	uint64_t whole_length; /* faults: length before it was cut */
	uint64_t sequence;     /* faults: of a flush */
	/* The queue's. */
	struct qrt_block_p_op *next_ready;
	uint32_t index, generation;
	uint32_t heap_index;
	uint32_t retries;
	uint8_t is_used, is_waiting, is_inside, is_ready, is_ended, is_held, is_released, is_paid;
	struct iovec *iov; /* the caller's, copied; iov_max of them */
	uint32_t iov_count;
	uint64_t total; /* bytes of the request */
	struct qrt_block_p_range_claim claim_of_range;
	/* What goes by a bounce buffer, as much at a time as that has room for: a window, of which each turn
	 * does a part (queue_window.c). */
	uint32_t is_by_window, turn;
	uint32_t asked, asked_flags; /* kind and flags of the request: those above are of a turn */
	uint64_t begin, gone; /* of the request: where it begins, and bytes of windows before this one */
	uint64_t window;      /* bytes of this one */
	void *bounce;
	struct iovec bounce_part;
	int64_t result;
	uint32_t detail;
	uint64_t deadline_ns, submitted_ns, started_ns, done_ns;
	void *user;
};

/* Kinds that move bytes, and those of them (and others) that change the device. */
int qrt_block_p_op_has_data(const struct qrt_block_p_op *op);
int qrt_block_p_op_is_read(const struct qrt_block_p_op *op);
int qrt_block_p_op_is_change(const struct qrt_block_p_op *op);
/* `bytes` of it are done: offset, length and run are what is left. */
void qrt_block_p_op_advance(struct qrt_block_p_op *op, uint64_t bytes);
/* The same op, of `bytes` (less than its length) only, until it is whole again. */
void qrt_block_p_op_cut(struct qrt_block_p_op *op, uint64_t bytes);
void qrt_block_p_op_uncut(struct qrt_block_p_op *op);

/* 0: best before others; for loops and comparisons. */
uint32_t qrt_block_p_rank_of(uint32_t priority);
uint32_t qrt_block_p_priority_of(uint32_t rank);
/* The kernel's I/O priority (ioprio_set(2)) for it; none of these needs a right. */
int qrt_block_p_ioprio_of(uint32_t priority);

/* What a negative errno of the kernel means. */
uint32_t qrt_block_p_detail_of(int64_t code);

/* ---- lists ---- */

struct qrt_block_p_list {
	struct qrt_block_p_op *first, *last;
};

void qrt_block_p_list_add(struct qrt_block_p_list *list, struct qrt_block_p_op *op);
void qrt_block_p_list_add_first(struct qrt_block_p_list *list, struct qrt_block_p_op *op);
void qrt_block_p_list_remove(struct qrt_block_p_list *list, struct qrt_block_p_op *op);
/* The first one, or NULL. */
struct qrt_block_p_op *qrt_block_p_list_take(struct qrt_block_p_list *list);

uint64_t qrt_block_p_now(void);

#endif
