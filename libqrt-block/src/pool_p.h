/* SPDX-License-Identifier: MIT */
/* Workers: threads of a device that do what blocks, the most urgent first. They are there from the opening of
 * the device to its closing. */
#ifndef QRT_BLOCK_POOL_P_H
#define QRT_BLOCK_POOL_P_H

#include <semaphore.h>

#include "op_p.h"
#include "ring_p.h"

struct qrt_block_device;

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
};

struct qrt_block_p_pool {
	struct qrt_block_device *device;
	struct qrt_block_thread_operations threads;
	struct qrt_block_p_ring rings[QRT_BLOCK_PRIORITIES]; /* by rank */
	_Atomic uint32_t waiting[QRT_BLOCK_PRIORITIES];      /* by rank: put, and not yet taken */
	_Atomic uint32_t at_work[QRT_BLOCK_PRIORITIES]; /* by rank: workers at such ops; not of NORMAL ones */
	sem_t items;                                    /* as many as there are in all rings */
	_Atomic uint32_t is_ending;
	uint32_t count;
	struct qrt_block_p_worker *workers;
};

/* Starts `count` workers that can have `requests` waiting. A negative errno; nothing runs then. */
int qrt_block_p_pool_open(struct qrt_block_p_pool *pool, struct qrt_block_device *device, uint32_t count,
			  uint32_t requests);
/* What waits is done first. */
void qrt_block_p_pool_close(struct qrt_block_p_pool *pool);
/* Always succeeds: there are no more ops than the rings have room for. The op comes back by its mailbox. */
void qrt_block_p_pool_put(struct qrt_block_p_pool *pool, struct qrt_block_p_op *op);
/* 1: no worker will touch its memory any more, though it comes back; 0: a worker is at it. */
int qrt_block_p_pool_drop(struct qrt_block_p_op *op);

/* Whether `threads`, which may be NULL, can be used; fills in the default. */
int qrt_block_p_threads_take(struct qrt_block_thread_operations *own,
			     const struct qrt_block_thread_operations *threads);

#endif
