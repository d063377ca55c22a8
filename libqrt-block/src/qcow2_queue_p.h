/* SPDX-License-Identifier: MIT */
/* What a queue of an image has of its own: an engine, whose ops walk through the image from extent to extent.
 * A walk that needs a table parks until that is there, and then asks the map again, from where it was. All is
 * by the queue's thread but tasks, which workers do. */
#ifndef QRT_BLOCK_QCOW2_QUEUE_P_H
#define QRT_BLOCK_QCOW2_QUEUE_P_H

#include "engine_p.h"
#include "qcow2_chain_p.h"

#define QRT_BLOCK_P_QCOW2_PIECES    16u /* of one walk at the files at the same time */
#define QRT_BLOCK_P_QCOW2_PARTS     64u /* of a piece */
#define QRT_BLOCK_P_QCOW2_SETS      32u
#define QRT_BLOCK_P_QCOW2_WAYS      8u
#define QRT_BLOCK_P_QCOW2_SCRATCHES 2u

/* What a request at a file is for: where its `user` points to. */
struct qrt_block_p_qcow2_errand {
	enum { QRT_BLOCK_P_QCOW2_FOR_PIECE, QRT_BLOCK_P_QCOW2_FOR_TABLE, QRT_BLOCK_P_QCOW2_FOR_SCRATCH } what;
};

/* ---- tables (qcow2_cache.c) ---- */

enum qrt_block_p_qcow2_slot_state {
	QRT_BLOCK_P_QCOW2_EMPTY,
	QRT_BLOCK_P_QCOW2_LOADING,
	QRT_BLOCK_P_QCOW2_FULL,
};

struct qrt_block_p_qcow2_slot {
	struct qrt_block_p_qcow2_errand errand;
	uint32_t state; /* enum qrt_block_p_qcow2_slot_state */
	uint32_t layer;
	uint64_t host, used;
	struct qrt_block_p_list waiting; /* ops that parked here */
	uint8_t *bytes;
};

struct qrt_block_p_qcow2_cache {
	struct qrt_block_p_qcow2_slot slots[QRT_BLOCK_P_QCOW2_SETS * QRT_BLOCK_P_QCOW2_WAYS];
	uint64_t clock;
	uint8_t *bytes;
};

int qrt_block_p_qcow2_cache_open(struct qrt_block_p_qcow2_cache *cache);
void qrt_block_p_qcow2_cache_close(struct qrt_block_p_qcow2_cache *cache);
/* Full or loading; NULL: it is not there. */
struct qrt_block_p_qcow2_slot *qrt_block_p_qcow2_cache_look(struct qrt_block_p_qcow2_cache *cache,
							    uint32_t layer, uint64_t host);
/* One to load it to, empty until then; NULL: all that it may take are being loaded. */
struct qrt_block_p_qcow2_slot *qrt_block_p_qcow2_cache_take(struct qrt_block_p_qcow2_cache *cache,
							    uint32_t layer, uint64_t host);

/* ---- a place in an op's memory, and what workers do there (qcow2_task.c) ---- */

struct qrt_block_p_qcow2_cursor {
	const struct iovec *part;
	uint64_t inside;
};

/* The next piece of it, of at most max bytes; moves on. */
struct iovec qrt_block_p_qcow2_cursor_next(struct qrt_block_p_qcow2_cursor *cursor, uint64_t max);
void qrt_block_p_qcow2_fill(struct qrt_block_p_qcow2_cursor cursor, const uint8_t *from, uint64_t length);

/* A compressed cluster, as the file has it and as it is. */
struct qrt_block_p_qcow2_scratch {
	struct qrt_block_p_qcow2_errand errand;
	struct qrt_block_p_qcow2_walk *walk; /* NULL: it is nobody's, or who wanted it has gone */
	uint32_t is_busy, is_full;
	uint32_t layer;
	uint64_t host;
	uint64_t before, in_length;                      /* what of `in` is in front of it; its bytes */
	uint64_t cluster;                                /* bytes */
	struct qrt_block_p_qcow2_inflater *inflaters[2]; /* by compression */
	uint32_t compression;
	uint8_t *in, *out;
};

struct qrt_block_p_qcow2_task {
	struct qrt_block_p_op op; /* the first member: workers know no more */
	struct qrt_block_p_qcow2_cursor cursor;
	struct qrt_block_p_qcow2_scratch *scratch; /* NULL: zeroes */
	uint64_t from, length;                     /* of the cluster */
};

/* ---- walks (qcow2_walk.c, qcow2_start.c) ---- */

struct qrt_block_p_qcow2_piece {
	struct qrt_block_p_qcow2_errand errand;
	struct qrt_block_p_qcow2_walk *walk;
	uint32_t is_used, layer;
	uint64_t id; /* at the file's queue */
};

struct qrt_block_p_qcow2_walk {
	struct qrt_block_p_qcow2_task task;
	struct qrt_block_p_op *op;      /* NULL: it is free */
	struct qrt_block_p_list *place; /* where the op is parked */
	struct qrt_block_p_qcow2_cursor cursor;
	uint64_t mapped;   /* bytes of it that are on their way or there */
	uint64_t at_once;  /* of those so many without a file or a worker, in one go */
	int64_t error;     /* the first one */
	uint32_t is_short; /* a file was shorter than it was */
	uint32_t pieces_used, is_working;
	struct qrt_block_p_qcow2_scratch *scratch; /* that is being read for its task */
	struct qrt_block_p_qcow2_piece pieces[QRT_BLOCK_P_QCOW2_PIECES];
};

struct qrt_block_p_qcow2_engine {
	struct qrt_block_p_engine engine;
	const struct qrt_block_p_qcow2 *chain;
	int epoll; /* of more than one file */
	struct qrt_block_queue *queues[QRT_BLOCK_P_QCOW2_LAYERS];
	uint32_t out;                         /* requests that the files have */
	struct qrt_block_p_qcow2_walk *walks; /* by the op's index */
	struct qrt_block_p_qcow2_cache cache;
	struct qrt_block_p_qcow2_scratch scratches[QRT_BLOCK_P_QCOW2_SCRATCHES];
	/* By rank: all scratches were busy; there was no room for what they need. */
	struct qrt_block_p_list without_scratch[QRT_BLOCK_PRIORITIES];
	struct qrt_block_p_list stalled[QRT_BLOCK_PRIORITIES];
};

/* Sets off what that extent of it needs. 0: it has to wait before it goes on. */
int qrt_block_p_qcow2_start(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
			    const struct qrt_block_p_qcow2_extent *extent);
/* The task that is prepared goes to a worker. */
void qrt_block_p_qcow2_delegate(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk);

void qrt_block_p_qcow2_walk_begin(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op);
/* 1: nobody will touch the op's memory any more. */
int qrt_block_p_qcow2_walk_cancel(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op);
/* All that are parked there go on. */
void qrt_block_p_qcow2_walk_wake(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_list *list);
/* What came of a file's request, and of a worker's task. */
void qrt_block_p_qcow2_walk_take(struct qrt_block_p_qcow2_engine *engine,
				 const struct qrt_block_completion *completion);
void qrt_block_p_qcow2_walk_take_task(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op);

/* Takes in what the files have done (qcow2_engine.c). */
void qrt_block_p_qcow2_reap(struct qrt_block_p_qcow2_engine *own);

/* ---- compressed clusters (qcow2_scratch.c) ---- */

int qrt_block_p_qcow2_scratch_open(struct qrt_block_p_qcow2_scratch *scratch,
				   const struct qrt_block_p_qcow2_engine *engine);
void qrt_block_p_qcow2_scratch_close(struct qrt_block_p_qcow2_scratch *scratch);
/* One that has that cluster, or one for it; NULL: all are busy. */
struct qrt_block_p_qcow2_scratch *qrt_block_p_qcow2_scratch_take(
	struct qrt_block_p_qcow2_engine *engine, const struct qrt_block_p_qcow2_extent *extent);
/* The request that reads what it was taken for. */
struct qrt_block_request qrt_block_p_qcow2_scratch_request(struct qrt_block_p_qcow2_scratch *scratch,
							   const struct qrt_block_p_qcow2_engine *engine,
							   uint32_t priority);

#endif
