/* SPDX-License-Identifier: MIT */
/* The engine of workers. What is in the page cache is read at once, and written where the filesystem can do
 * so without waiting. */
#include "engine_p.h"

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	if (!qrt_block_p_engine_do_cached(engine, op))
		qrt_block_p_engine_delegate(engine, op);
	return 0;
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

static const struct qrt_block_p_engine_type type = {.submit = submit,
						    .push = qrt_block_p_engine_hand_over,
						    .reap = reap,
						    .cancel = cancel,
						    .close = qrt_block_p_engine_free};

int qrt_block_p_threads_engine_open(const struct qrt_block_p_engine_config *config,
				    struct qrt_block_p_engine **ret_engine)
{
	return qrt_block_p_engine_make(&type, config, ret_engine);
}
