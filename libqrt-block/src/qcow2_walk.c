/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "qcow2_queue_p.h"

static struct qrt_block_p_qcow2_walk *walk_of(struct qrt_block_p_qcow2_engine *engine,
					      const struct qrt_block_p_op *op)
{
	return &engine->walks[op->index];
}

static const uint8_t *find(void *data, uint32_t layer, uint64_t host)
{
	struct qrt_block_p_qcow2_slot *slot = qrt_block_p_qcow2_cache_look(data, layer, host);

	return slot && slot->state == QRT_BLOCK_P_QCOW2_FULL ? slot->bytes : NULL;
}

/* Nothing of it is on its way any more. A file that was cut is said as an engine says it: there was nothing.
 */
static void settle(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk)
{
	struct qrt_block_p_op *op = walk->op;

	if (walk->place || walk->scratch || walk->pieces_used || walk->is_working ||
	    (!walk->error && walk->mapped < op->length))
		return;
	walk->op = NULL;
	if (walk->error)
		qrt_block_p_engine_answer(&engine->engine, op, walk->is_short ? 0 : walk->error);
	else
		qrt_block_p_engine_answer(&engine->engine, op, (int64_t)op->length);
}

static void go_on(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_walk *walk)
{
	const struct qrt_block_p_op *op = walk->op;
	struct qrt_block_p_qcow2_extent extent;

	walk->at_once = 0;
	while (!walk->error && !walk->place && walk->mapped < op->length) {
		int rc = qrt_block_p_qcow2_map_layers(&engine->chain->layers, find, &engine->cache,
						      op->offset + walk->mapped, op->length - walk->mapped,
						      &extent);

		if (rc < 0)
			walk->error = rc;
		else if (!qrt_block_p_qcow2_start(engine, walk, &extent))
			break;
	}
	settle(engine, walk);
}

static void set_error(struct qrt_block_p_qcow2_walk *walk, int64_t error, uint32_t detail)
{
	if (error >= 0 || walk->error)
		return;
	walk->error = error;
	walk->is_short = detail == QRT_BLOCK_DETAIL_TRUNCATED;
}

void qrt_block_p_qcow2_walk_begin(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op)
{
	struct qrt_block_p_qcow2_walk *walk = walk_of(engine, op);

	memset(walk, 0, sizeof(*walk));
	walk->op = op;
	walk->cursor.part = op->run;
	go_on(engine, walk);
}

void qrt_block_p_qcow2_walk_wake(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_list *list)
{
	struct qrt_block_p_list all = *list;
	struct qrt_block_p_op *op;

	*list = (struct qrt_block_p_list){NULL, NULL};
	while ((op = qrt_block_p_list_take(&all))) {
		walk_of(engine, op)->place = NULL;
		go_on(engine, walk_of(engine, op));
	}
}

int qrt_block_p_qcow2_walk_cancel(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op)
{
	struct qrt_block_p_qcow2_walk *walk = walk_of(engine, op);
	uint32_t i;

	if (!walk->op)
		return 1; /* it is on its way back */
	set_error(walk, -ECANCELED, QRT_BLOCK_DETAIL_NONE);
	if (walk->place)
		qrt_block_p_list_remove(walk->place, op);
	walk->place = NULL;
	if (walk->scratch)
		walk->scratch->walk = NULL;
	walk->scratch = NULL;
	for (i = 0; i < QRT_BLOCK_P_QCOW2_PIECES; i++) {
		if (walk->pieces[i].is_used)
			qrt_block_queue_cancel(engine->queues[walk->pieces[i].layer], walk->pieces[i].id);
	}
	settle(engine, walk);
	qrt_block_p_qcow2_reap(engine);
	return !walk->op ||
	       (!walk->pieces_used && (!walk->is_working || qrt_block_p_pool_drop(&walk->task.op)));
}

/* ---- what comes back ---- */

static void release(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_scratch *scratch)
{
	uint32_t rank;

	scratch->is_busy = 0;
	scratch->walk = NULL;
	for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++)
		qrt_block_p_qcow2_walk_wake(engine, &engine->without_scratch[rank]);
}

void qrt_block_p_qcow2_walk_take_task(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_op *op)
{
	struct qrt_block_p_qcow2_walk *walk = (struct qrt_block_p_qcow2_walk *)op;
	struct qrt_block_p_qcow2_scratch *scratch = walk->task.scratch;

	walk->is_working = 0;
	set_error(walk, op->answer, QRT_BLOCK_DETAIL_NONE);
	go_on(engine, walk);
	if (scratch)
		release(engine, scratch);
}

static void take_table(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_slot *slot,
		       const struct qrt_block_completion *completion)
{
	const struct qrt_block_p_op *op;

	slot->state = completion->result < 0 ? QRT_BLOCK_P_QCOW2_EMPTY : QRT_BLOCK_P_QCOW2_FULL;
	for (op = slot->waiting.first; op; op = op->next)
		set_error(walk_of(engine, op), completion->result, completion->detail);
	qrt_block_p_qcow2_walk_wake(engine, &slot->waiting);
}

static void take_scratch(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_scratch *scratch,
			 const struct qrt_block_completion *completion)
{
	struct qrt_block_p_qcow2_walk *walk = scratch->walk;

	if (!walk) {
		release(engine, scratch);
		return;
	}
	walk->scratch = NULL;
	set_error(walk, completion->result, completion->detail);
	if (walk->error) {
		release(engine, scratch);
		go_on(engine, walk);
	} else {
		qrt_block_p_qcow2_delegate(engine, walk);
	}
}

static void take_piece(struct qrt_block_p_qcow2_engine *engine, struct qrt_block_p_qcow2_piece *piece,
		       const struct qrt_block_completion *completion)
{
	struct qrt_block_p_qcow2_walk *walk = piece->walk;

	if (completion->kind == QRT_BLOCK_DONE)
		set_error(walk, completion->result, completion->detail);
	piece->is_used = 0;
	walk->pieces_used--;
	/* One that is parked waits for something else. */
	if (!walk->place)
		go_on(engine, walk);
}

void qrt_block_p_qcow2_walk_take(struct qrt_block_p_qcow2_engine *engine,
				 const struct qrt_block_completion *completion)
{
	struct qrt_block_p_qcow2_errand *errand = completion->user;

	/* Only what was cancelled is held, and RELEASED follows. */
	if (completion->flags & QRT_BLOCK_HELD)
		return;
	engine->out--;
	switch (errand->what) {
	case QRT_BLOCK_P_QCOW2_FOR_TABLE:
		take_table(engine, (struct qrt_block_p_qcow2_slot *)errand, completion);
		break;
	case QRT_BLOCK_P_QCOW2_FOR_SCRATCH:
		take_scratch(engine, (struct qrt_block_p_qcow2_scratch *)errand, completion);
		break;
	default:
		take_piece(engine, (struct qrt_block_p_qcow2_piece *)errand, completion);
		break;
	}
}
