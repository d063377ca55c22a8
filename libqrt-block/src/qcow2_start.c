/* SPDX-License-Identifier: MIT */
/* One extent of a walk: what has to be asked of a file or a worker. */
#include <errno.h>

#include "qcow2_queue_p.h"

static void park(struct qrt_block_p_qcow2_walk *walk, struct qrt_block_p_list *list)
{
	qrt_block_p_list_add(list, walk->op);
	walk->place = list;
}

static void stall(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk)
{
	park(walk, &engine->stalled[qrt_block_p_rank_of(walk->op->priority)]);
}

/* 0: that file's queue has no room. */
static int ask(struct qrt_block_p_qcow2_engine *engine, uint32_t layer, struct qrt_block_request *request)
{
	if (qrt_block_queue_submit(engine->queues[layer], request, 1) != 1)
		return 0;
	engine->out++;
	return 1;
}

static void advance(struct qrt_block_p_qcow2_walk *walk, uint64_t length)
{
	walk->mapped += length;
	while (length)
		length -= qrt_block_p_qcow2_cursor_next(&walk->cursor, length).iov_len;
}

/* ---- tables ---- */

/* Whoever waits for it first, others may wait behind him who are more urgent: so all of them are. */
static void load(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
		 const struct qrt_block_p_qcow2_extent *extent)
{
	struct qrt_block_p_qcow2_slot *slot = qrt_block_p_qcow2_cache_look(&engine->cache, extent->layer,
									   extent->host);

	if (!slot) {
		struct qrt_block_request request = {.kind = QRT_BLOCK_READ,
						    .priority = QRT_BLOCK_URGENT,
						    .offset = extent->host,
						    .length = extent->host_length};

		slot = qrt_block_p_qcow2_cache_take(&engine->cache, extent->layer, extent->host);
		request.user = slot;
		request.buffer = slot ? slot->bytes : NULL;
		if (!slot || !ask(engine, extent->layer, &request)) {
			stall(engine, walk);
			return;
		}
		slot->state = QRT_BLOCK_P_QCOW2_LOADING;
	}
	park(walk, &slot->waiting);
}

/* ---- bytes of a file ---- */

static uint32_t take_parts(struct qrt_block_p_qcow2_walk *walk, uint64_t length, struct iovec *parts,
			   uint64_t *ret_bytes)
{
	struct qrt_block_p_qcow2_cursor cursor = walk->cursor;
	uint32_t count = 0;

	for (*ret_bytes = 0; *ret_bytes < length && count < QRT_BLOCK_P_QCOW2_PARTS; count++) {
		parts[count] = qrt_block_p_qcow2_cursor_next(&cursor, length - *ret_bytes);
		*ret_bytes += parts[count].iov_len;
	}
	return count;
}

static struct qrt_block_p_qcow2_piece *find_piece(struct qrt_block_p_qcow2_walk *walk)
{
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_QCOW2_PIECES; i++) {
		if (!walk->pieces[i].is_used)
			return &walk->pieces[i];
	}
	return NULL;
}

static int start_piece(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
		       const struct qrt_block_p_qcow2_extent *extent)
{
	struct qrt_block_p_qcow2_piece *piece = find_piece(walk);
	struct iovec parts[QRT_BLOCK_P_QCOW2_PARTS];
	struct qrt_block_request request = {.kind = QRT_BLOCK_READV,
					    .priority = walk->op->priority,
					    .offset = extent->host,
					    .iov = parts,
					    .user = piece};
	uint64_t bytes;

	if (!piece)
		return 0; /* it goes on when one comes back */
	request.iov_count = take_parts(walk, extent->length, parts, &bytes);
	if (!ask(engine, extent->layer, &request)) {
		stall(engine, walk);
		return 0;
	}
	piece->errand.what = QRT_BLOCK_P_QCOW2_FOR_PIECE;
	piece->walk = walk;
	piece->is_used = 1;
	piece->layer = extent->layer;
	piece->id = request.id;
	walk->pieces_used++;
	advance(walk, bytes);
	return 1;
}

/* ---- what needs no file ---- */

/* A walk has one, which may wait for its cluster to be read. */
static int is_task_free(const struct qrt_block_p_qcow2_walk *walk)
{
	return !walk->is_working && !walk->scratch;
}

void qrt_block_p_qcow2_delegate(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk)
{
	walk->task.op.kind = QRT_BLOCK_READ;
	walk->task.op.priority = walk->op->priority;
	walk->task.op.answer = -ECANCELED; /* where nobody begins it */
	walk->is_working = 1;
	/* At once and alone: it has no place on a device beside others. */
	walk->task.op.mailbox = engine->engine.mailbox;
	walk->task.op.next = NULL;
	atomic_store(&walk->task.op.claim, QRT_BLOCK_P_UNCLAIMED);
	qrt_block_p_pool_put(&engine->engine.device->pool, &walk->task.op);
}

static void prepare(struct qrt_block_p_qcow2_walk *walk, struct qrt_block_p_qcow2_scratch *scratch,
		    uint64_t from, uint64_t length)
{
	walk->task.cursor = walk->cursor;
	walk->task.scratch = scratch;
	walk->task.from = from;
	walk->task.length = length;
}

/* A copy is sooner made than handed over, as long as it is short. */
static int is_made_at_once(struct qrt_block_p_qcow2_walk *walk, const uint8_t *from, uint64_t length)
{
	if (length > QRT_BLOCK_P_CACHED_MAX - walk->at_once)
		return 0;
	qrt_block_p_qcow2_fill(walk->cursor, from, length);
	walk->at_once += length;
	advance(walk, length);
	return 1;
}

static int start_zero(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
		      const struct qrt_block_p_qcow2_extent *extent)
{
	if (is_made_at_once(walk, NULL, extent->length))
		return 1;
	if (!is_task_free(walk))
		return 0;
	prepare(walk, NULL, 0, extent->length);
	qrt_block_p_qcow2_delegate(engine, walk);
	advance(walk, extent->length);
	return 1;
}

static int start_compressed(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
			    const struct qrt_block_p_qcow2_extent *extent)
{
	struct qrt_block_p_qcow2_scratch *scratch;
	struct qrt_block_request request;
	uint64_t from;

	if (!is_task_free(walk))
		return 0;
	scratch = qrt_block_p_qcow2_scratch_take(engine, extent);
	if (!scratch) {
		park(walk, &engine->without_scratch[qrt_block_p_rank_of(walk->op->priority)]);
		return 0;
	}
	from = (walk->op->offset + walk->mapped) & (scratch->cluster - 1);
	if (scratch->is_full && is_made_at_once(walk, scratch->out + from, extent->length))
		return 1;
	prepare(walk, scratch, from, extent->length);
	if (scratch->is_full) {
		qrt_block_p_qcow2_delegate(engine, walk);
	} else {
		request = qrt_block_p_qcow2_scratch_request(scratch, engine, walk->op->priority);
		if (!ask(engine, extent->layer, &request)) {
			stall(engine, walk);
			return 0;
		}
		walk->scratch = scratch;
	}
	scratch->is_busy = 1;
	scratch->walk = walk;
	advance(walk, extent->length);
	return 1;
}

int qrt_block_p_qcow2_start(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk,
			    const struct qrt_block_p_qcow2_extent *extent)
{
	switch (extent->kind) {
	case QRT_BLOCK_P_QCOW2_TABLE:
		load(engine, walk, extent);
		return 0;
	case QRT_BLOCK_P_QCOW2_ZERO:
		return start_zero(engine, walk, extent);
	case QRT_BLOCK_P_QCOW2_COMPRESSED:
		return start_compressed(engine, walk, extent);
	default:
		return start_piece(engine, walk, extent);
	}
}
