/* SPDX-License-Identifier: MIT */
/* An engine, of one queue: takes ops, and gives each of them back once. All calls are by the queue's thread.
 */
#ifndef QRT_BLOCK_ENGINE_P_H
#define QRT_BLOCK_ENGINE_P_H

#include "buffers_p.h"
#include "device_p.h"

/* What is longer would hold up the submitting thread for too long, where it is copied from or to the page
 * cache. */
#define QRT_BLOCK_P_CACHED_MAX 65536u

struct qrt_block_p_engine;

struct qrt_block_p_engine_type {
	/* Takes it: 0. -EAGAIN: it has as many as it can, and some will come back. */
	int (*submit)(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op);
	/* What was submitted goes to the kernel now. */
	void (*push)(struct qrt_block_p_engine *engine);
	/* Adds what is back to engine->done. */
	void (*reap)(struct qrt_block_p_engine *engine);
	/* 1: nobody will touch the op's memory any more, though it comes back later; 0: somebody may. */
	int (*cancel)(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op);
	/* When it wants to be reaped, whatever its descriptors say; 0: never. NULL: never. */
	uint64_t (*get_due)(const struct qrt_block_p_engine *engine);
	/* Has these at hand from now on, and no others; takes the table. Nothing is inside. NULL: it has no
	 * use for them. */
	int (*set_buffers)(struct qrt_block_p_engine *engine, struct qrt_block_p_buffers *buffers);
	void (*close)(struct qrt_block_p_engine *engine);
};

struct qrt_block_p_engine {
	const struct qrt_block_p_engine_type *type;
	struct qrt_block_device *device;
	struct qrt_block_p_mailbox *mailbox;
	int event;                       /* readable when there is something to reap; -1: the mailbox is */
	struct qrt_block_p_list done;    /* what is back; the queue empties it */
	struct qrt_block_p_list handing; /* for the workers, with the next push */
};

struct qrt_block_p_engine_config {
	struct qrt_block_device *device;
	struct qrt_block_p_mailbox *mailbox;
	uint32_t depth;
	uint32_t is_blocking;
	uint32_t is_of_one_thread; /* who submits first alone uses it from then on */
};

/* Sets up what the engines have in common. */
void qrt_block_p_engine_begin(struct qrt_block_p_engine *engine, const struct qrt_block_p_engine_type *type,
			      const struct qrt_block_p_engine_config *config);
/* One that has nothing of its own, and its close. */
int qrt_block_p_engine_make(const struct qrt_block_p_engine_type *type,
			    const struct qrt_block_p_engine_config *config,
			    struct qrt_block_p_engine **ret_engine);
void qrt_block_p_engine_free(struct qrt_block_p_engine *engine);
/* It is done, with this answer. */
void qrt_block_p_engine_answer(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op, int64_t answer);
/* 1: it was done at once in the page cache, or a part of it, and is answered. */
int qrt_block_p_engine_do_cached(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op);
/* To the workers with the next hand_over, and back from them. */
void qrt_block_p_engine_delegate(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op);
/* Is a part of each push. */
void qrt_block_p_engine_hand_over(struct qrt_block_p_engine *engine);

/* The device's, with its faults around it. Negative errnos. */
int qrt_block_p_engine_open(const struct qrt_block_p_engine_config *config,
			    struct qrt_block_p_engine **ret_engine);

int qrt_block_p_memory_engine_open(const struct qrt_block_p_engine_config *config,
				   struct qrt_block_p_engine **ret_engine);
int qrt_block_p_threads_engine_open(const struct qrt_block_p_engine_config *config,
				    struct qrt_block_p_engine **ret_engine);
/* Of a queue that is BLOCKING, instead of the device's. */
int qrt_block_p_blocking_engine_open(const struct qrt_block_p_engine_config *config,
				     struct qrt_block_p_engine **ret_engine);
/* Of an image of qcow2, over queues of its files. */
int qrt_block_p_qcow2_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine **ret_engine);
/* These two may be absent from a build, and say -EOPNOTSUPP then. */
int qrt_block_p_libaio_engine_open(const struct qrt_block_p_engine_config *config,
				   struct qrt_block_p_engine **ret_engine);
int qrt_block_p_uring_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine **ret_engine);
/* Whether this kernel lets us, io_uring with a queue of that depth: 0 or a negative errno. */
int qrt_block_p_libaio_probe(void);
int qrt_block_p_uring_probe(uint32_t depth);

/* Around another one, which it closes with itself, and in any case where it fails. */
int qrt_block_p_fault_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine *inner, struct qrt_block_p_engine **ret_engine);

#endif
