/* SPDX-License-Identifier: MIT */
/* The engine of workers. What is in the page cache is read at once: a copy is sooner made than handed over.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine_p.h"
#include "execute_p.h"

static int is_worth_a_look(const struct qrt_block_p_engine *engine, const struct qrt_block_p_op *op)
{
	return qrt_block_p_op_is_read(op) && op->length <= QRT_BLOCK_P_CACHED_MAX &&
	       !(engine->device->flags & QRT_BLOCK_DEVICE_DIRECT) &&
	       !atomic_load_explicit(&engine->device->is_uncached, memory_order_relaxed);
}

/* 1: it is done. A part of it may be, too. */
static int read_cached(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	int64_t bytes = qrt_block_p_execute_cached(engine->device, op);

	if (bytes == -EOPNOTSUPP)
		atomic_store(&engine->device->is_uncached, 1);
	if (bytes <= 0)
		return 0;
	qrt_block_p_engine_answer(engine, op, bytes);
	return 1;
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	if (!is_worth_a_look(engine, op) || !read_cached(engine, op))
		qrt_block_p_engine_delegate(engine, op);
	return 0;
}

static void push(struct qrt_block_p_engine *engine)
{
	(void)engine;
}

static void reap(struct qrt_block_p_engine *engine)
{
	qrt_block_p_mailbox_take(engine->mailbox, &engine->done);
}

static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	(void)engine;
	return qrt_block_p_pool_drop(op);
}

static void finish(struct qrt_block_p_engine *engine)
{
	free(engine);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit, .push = push, .reap = reap, .cancel = cancel, .close = finish};

int qrt_block_p_threads_engine_open(const struct qrt_block_p_engine_config *config,
				    struct qrt_block_p_engine **ret_engine)
{
	struct qrt_block_p_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	qrt_block_p_engine_begin(engine, &type, config);
	*ret_engine = engine;
	return 0;
}
