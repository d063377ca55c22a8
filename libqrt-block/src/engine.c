/* SPDX-License-Identifier: MIT */
#include "engine_p.h"

#include <errno.h>

void qrt_block_p_engine_begin(struct qrt_block_p_engine *engine, const struct qrt_block_p_engine_type *type,
			      const struct qrt_block_p_engine_config *config)
{
	engine->type = type;
	engine->device = config->device;
	engine->mailbox = config->mailbox;
	engine->event = -1;
	engine->done = (struct qrt_block_p_list){NULL, NULL};
}

void qrt_block_p_engine_answer(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op, int64_t answer)
{
	op->answer = answer;
	qrt_block_p_list_add(&engine->done, op);
}

void qrt_block_p_engine_delegate(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	op->mailbox = engine->mailbox;
	qrt_block_p_pool_put(&engine->device->pool, op);
}

static int open_plain(const struct qrt_block_p_engine_config *config, struct qrt_block_p_engine **ret_engine)
{
	if (config->device->qcow2)
		return qrt_block_p_qcow2_engine_open(config, ret_engine);
	switch (config->device->engine) {
	case QRT_BLOCK_ENGINE_MEMORY:
		return qrt_block_p_memory_engine_open(config, ret_engine);
	case QRT_BLOCK_ENGINE_LIBAIO:
		return qrt_block_p_libaio_engine_open(config, ret_engine);
	case QRT_BLOCK_ENGINE_IO_URING:
		return qrt_block_p_uring_engine_open(config, ret_engine);
	default:
		return qrt_block_p_threads_engine_open(config, ret_engine);
	}
}

int qrt_block_p_engine_open(const struct qrt_block_p_engine_config *config,
			    struct qrt_block_p_engine **ret_engine)
{
	struct qrt_block_p_engine *inner;
	int rc = open_plain(config, &inner);

	if (rc < 0)
		return rc;
	if (config->device->fault.size)
		return qrt_block_p_fault_engine_open(config, inner, ret_engine);
	*ret_engine = inner;
	return 0;
}
