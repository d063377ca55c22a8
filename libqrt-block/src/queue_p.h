/* SPDX-License-Identifier: MIT */
/* A queue's insides. An op is in one place at a time: free; waiting for its turn (is_waiting); at the engine
 * (is_inside). Besides that it may be to be harvested (is_ready). One that was ended early (is_ended) while
 * the engine has it stays inside until the engine gives it back, and is free after that. */
#ifndef QRT_BLOCK_QUEUE_P_H
#define QRT_BLOCK_QUEUE_P_H

#include "engine_p.h"

struct qrt_block_queue {
	struct qrt_block_device *device;
	struct qrt_block_p_engine *engine;
	struct qrt_block_p_mailbox *mailbox;
	int epoll;
	int timer; /* the next deadline, and what the engine wants */
	int bell;  /* there is something to harvest already */
	uint32_t is_rung;
	uint32_t is_silent;    /* the descriptor is off */
	uint32_t is_harvested; /* after each submit, which need not ring for what was done at once */
	uint64_t armed_ns;     /* 0: not */
	uint64_t throttled_ns; /* when a throttle lets the first one that waits go; 0: none holds it */
	uint64_t guard_ns;     /* until when it is on guard (mailbox_p.h); 0: it is not */
	uint32_t depth, iov_max;
	struct qrt_block_p_op *ops;
	struct iovec *parts;
	struct qrt_block_p_list free;
	struct qrt_block_p_list waiting[QRT_BLOCK_PRIORITIES]; /* by rank */
	uint32_t bounds[QRT_BLOCK_PRIORITIES];                 /* by priority */
	uint32_t inside, waiting_count;
	struct qrt_block_p_op **heap; /* by deadline */
	uint32_t heap_count;
	struct qrt_block_p_op *ready_first, *ready_last;
	uint32_t bounces_count, bounces_free, bounce_bytes;
	char *bounce_memory;
	void **bounces;
	struct qrt_block_queue_statistics statistics;
};

/* ---- a request (queue_request.c) ---- */

/* Makes an op of it. 0, or what is wrong with it. */
uint32_t qrt_block_p_request_take(struct qrt_block_queue *queue, struct qrt_block_p_op *op,
				  const struct qrt_block_request *request);
/* ---- windows: what is not aligned, or must not be held (queue_window.c) ---- */

/* How it goes, which is seen when it is taken. A discard that is not aligned becomes shorter. */
void qrt_block_p_window_plan(const struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* 1: it is as the engine needs it; 0: there is no bounce buffer now. */
int qrt_block_p_window_begin(struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* A turn is done. 1: it has another one to take; 0: all of it is done. */
int qrt_block_p_window_go_on(const struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* What came of one that was ended before, and whose turn has a good answer. */
int64_t qrt_block_p_window_result(const struct qrt_block_p_op *op);
/* It has no turn to take any more. */
void qrt_block_p_window_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op);

/* ---- ranges, among all queues of the device (queue_range.c) ---- */

/* 1: it may change what it changes; 0: it waits for others, and the queue hears when to try again. */
int qrt_block_p_range_begin(struct qrt_block_queue *queue, struct qrt_block_p_op *op);
void qrt_block_p_range_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op);

/* ---- deadlines (queue_deadline.c) ---- */

void qrt_block_p_heap_add(struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* Not in it: nothing. */
void qrt_block_p_heap_remove(struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* The timer wakes when the first of them, or the engine, wants to. */
void qrt_block_p_timer_arm(struct qrt_block_queue *queue);
void qrt_block_p_timer_quiet(struct qrt_block_queue *queue, uint64_t now);

/* ---- progress (queue_progress.c) ---- */

/* Hands on what waits; takes in what came back; ends what is late. */
void qrt_block_p_queue_dispatch(struct qrt_block_queue *queue, uint64_t now);
void qrt_block_p_queue_progress(struct qrt_block_queue *queue);
/* Ends one that waits or is inside, before its time. */
void qrt_block_p_queue_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op, int64_t result,
			   uint32_t detail, uint64_t now);
/* To be harvested, with that result. */
void qrt_block_p_queue_ready(struct qrt_block_queue *queue, struct qrt_block_p_op *op);
/* The descriptor is readable as long as something is ready. After that it stays so until a harvest finds
 * nothing: who submits what is done at once, again and again, saves the calls. */
void qrt_block_p_queue_ring(struct qrt_block_queue *queue);
void qrt_block_p_queue_silence(struct qrt_block_queue *queue);

/* ---- statistics (queue_statistics.c) ---- */

uint32_t qrt_block_p_latency_index(uint64_t ns);
void qrt_block_p_queue_count(struct qrt_block_queue *queue, const struct qrt_block_p_op *op);

#endif
