/* SPDX-License-Identifier: MIT */
/* Workers: threads of a device that do what blocks, the most urgent first. They are started when it and its
 * queues are opened, and are there until it is closed. */
#ifndef QRT_BLOCK_POOL_P_H
#define QRT_BLOCK_POOL_P_H

#include <pthread.h>

#include "crew_p.h"
#include "lanes_p.h"

struct qrt_block_device;

#define QRT_BLOCK_P_WORKERS_MAX 64u

struct qrt_block_p_worker {
	struct qrt_block_p_pool *pool;
	void *handle;              /* what the thread operations call it */
	_Atomic uint32_t is_ready; /* handle can be used */
	_Atomic uint32_t is_busy;
	_Atomic uint32_t wanted; /* the rank at which it is to run */
	_Atomic uint32_t comers; /* threads that changed that, and of which the first one tells it */
	uint32_t told;           /* by whoever is that first one */
	/* What it is at, for those who may have to wait for that (urgency_p.h). */
	_Atomic uint32_t doing; /* 1 + enum qrt_block_kind; 0: nothing */
	_Atomic uint32_t rank;
	_Atomic uint64_t offset, end;
	uint32_t ioprio; /* the priority at which its requests go to the kernel */
	enum qrt_block_p_lane lane;
	uint32_t is_counted; /* among those who look */
	uint32_t patience;   /* how often in a row it is still to wait a little before it sleeps */
	uint32_t sleeps;
	struct qrt_block_p_mailbox *unrung; /* where it left something, and has yet to ring */
	uint32_t unrung_count;
	uint64_t unrung_ns; /* when it began with the first one of these */
	uint64_t begun_ns;  /* what it is at */
};

struct qrt_block_p_pool {
	struct qrt_block_device *device;
	struct qrt_block_thread_operations threads;
	struct qrt_block_p_lanes lanes;
	struct qrt_block_p_crew crew;
	_Atomic uint32_t at_work[QRT_BLOCK_PRIORITIES]; /* by rank: workers at such ops; not of NORMAL ones */
	_Atomic uint32_t is_ending;
	pthread_mutex_t growth;
	_Atomic uint32_t count;             /* of those that were started */
	struct qrt_block_p_worker *workers; /* QRT_BLOCK_P_WORKERS_MAX */
};

/* Starts `count` workers that can have `requests` waiting. A negative errno; nothing runs then. */
int qrt_block_p_pool_open(struct qrt_block_p_pool *pool, struct qrt_block_device *device, uint32_t count,
			  uint32_t requests);
/* Starts more where there are less than `count`, by any thread that opens things. A negative errno: there are
 * as many as could be started. */
int qrt_block_p_pool_grow(struct qrt_block_p_pool *pool, uint32_t count);
/* What waits is done first. */
void qrt_block_p_pool_close(struct qrt_block_p_pool *pool);
/* A group, or one op, which is unclaimed. Always succeeds: there are no more ops than the lanes have room
 * for. Each comes back by its mailbox. */
void qrt_block_p_pool_put(struct qrt_block_p_pool *pool, struct qrt_block_p_op *op);
/* 1: no worker will touch its memory any more, though it comes back; 0: a worker is at it. */
int qrt_block_p_pool_drop(struct qrt_block_p_op *op);

/* ---- what a worker does (worker.c) ---- */

/* A group, or one op; each of them comes back as soon as it is done. */
void qrt_block_p_worker_do(struct qrt_block_p_worker *worker, struct qrt_block_p_op *op);
/* Somebody is told of what came back. */
void qrt_block_p_worker_ring(struct qrt_block_p_worker *worker);

/* ---- thread operations ---- */

/* Whether `threads`, which may be NULL, can be used; fills in the default. */
int qrt_block_p_threads_take(struct qrt_block_thread_operations *own,
			     const struct qrt_block_thread_operations *threads);

#endif
