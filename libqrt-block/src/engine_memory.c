/* SPDX-License-Identifier: MIT */
/* The engine of memory: all is done when it is submitted. */
#include <string.h>

#include "engine_p.h"

static int64_t copy(const struct qrt_block_p_op *op, char *memory)
{
	uint64_t at = op->offset;
	uint32_t i;

	for (i = 0; i < op->run_count; i++) {
		if (qrt_block_p_op_is_read(op))
			memcpy(op->run[i].iov_base, memory + at, op->run[i].iov_len);
		else
			memcpy(memory + at, op->run[i].iov_base, op->run[i].iov_len);
		at += op->run[i].iov_len;
	}
	return (int64_t)(at - op->offset);
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	int64_t answer = 0;

	if (qrt_block_p_op_has_data(op))
		answer = copy(op, engine->device->memory);
	else if (op->kind != QRT_BLOCK_FLUSH)
		memset((char *)engine->device->memory + op->offset, 0, op->length);
	qrt_block_p_engine_answer(engine, op, answer);
	return 0;
}

static void nothing(struct qrt_block_p_engine *engine)
{
	(void)engine;
}

static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	(void)engine;
	(void)op;
	return 0;
}

static const struct qrt_block_p_engine_type type = {.submit = submit,
						    .push = nothing,
						    .reap = nothing,
						    .cancel = cancel,
						    .close = qrt_block_p_engine_free};

int qrt_block_p_memory_engine_open(const struct qrt_block_p_engine_config *config,
				   struct qrt_block_p_engine **ret_engine)
{
	return qrt_block_p_engine_make(&type, config, ret_engine);
}
