/* SPDX-License-Identifier: MIT */
#include "engine_p.h"

#include <errno.h>
#include <stdlib.h>

#include "execute_p.h"
#include "group_p.h"

void qrt_block_p_engine_begin(struct qrt_block_p_engine *engine, const struct qrt_block_p_engine_type *type,
			      const struct qrt_block_p_engine_config *config)
{
	engine->type = type;
	engine->device = config->device;
	engine->mailbox = config->mailbox;
	engine->event = -1;
	engine->done = engine->handing = (struct qrt_block_p_list){NULL, NULL};
}

int qrt_block_p_engine_make(const struct qrt_block_p_engine_type *type,
			    const struct qrt_block_p_engine_config *config,
			    struct qrt_block_p_engine **ret_engine)
{
	struct qrt_block_p_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	qrt_block_p_engine_begin(engine, type, config);
	*ret_engine = engine;
	return 0;
}

void qrt_block_p_engine_free(struct qrt_block_p_engine *engine)
{
	free(engine);
}

void qrt_block_p_engine_answer(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op, int64_t answer)
{
	op->answer = answer;
	qrt_block_p_list_add(&engine->done, op);
}

/* A copy is sooner made than handed over. One with FUA waits for the device anyway. */
static int is_short_copy(const struct qrt_block_p_engine *engine, const struct qrt_block_p_op *op)
{
	return qrt_block_p_op_has_data(op) && op->length <= QRT_BLOCK_P_CACHED_MAX &&
	       !(op->flags & QRT_BLOCK_FUA) && !(engine->device->flags & QRT_BLOCK_DEVICE_DIRECT);
}

int qrt_block_p_engine_do_cached(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	_Atomic uint32_t *at_once = &engine->device->at_once[!qrt_block_p_op_is_read(op)];
	uint32_t known = atomic_load_explicit(at_once, memory_order_relaxed);
	int64_t bytes;

	if (known == QRT_BLOCK_P_HAS_NOT || !is_short_copy(engine, op))
		return 0;
	bytes = qrt_block_p_execute_cached(engine->device, op);
	if (bytes == -EOPNOTSUPP)
		atomic_store(at_once, QRT_BLOCK_P_HAS_NOT);
	else if (known == QRT_BLOCK_P_UNTRIED)
		atomic_store(at_once, QRT_BLOCK_P_HAS);
	if (bytes <= 0)
		return 0;
	qrt_block_p_engine_answer(engine, op, bytes);
	return 1;
}

void qrt_block_p_engine_delegate(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	op->mailbox = engine->mailbox;
	atomic_store(&op->claim, QRT_BLOCK_P_UNCLAIMED);
	qrt_block_p_list_add(&engine->handing, op);
}

void qrt_block_p_engine_hand_over(struct qrt_block_p_engine *engine)
{
	struct qrt_block_p_op *op;

	while ((op = qrt_block_p_group_take(&engine->handing)))
		qrt_block_p_pool_put(&engine->device->pool, op);
}

/* A ring that cannot be had is no reason to fail where any engine will do: mostly no more memory may be
 * locked. */
static int open_ring(const struct qrt_block_p_engine_config *config, struct qrt_block_p_engine **ret_engine)
{
	int rc = qrt_block_p_uring_engine_open(config, ret_engine);

	if (rc >= 0 || !config->device->is_any_engine)
		return rc;
	atomic_fetch_add(&config->device->ringless, 1);
	if (config->device->flags & QRT_BLOCK_DEVICE_DIRECT &&
	    qrt_block_p_libaio_engine_open(config, ret_engine) >= 0)
		return 0;
	return qrt_block_p_threads_engine_open(config, ret_engine);
}

static int open_plain(const struct qrt_block_p_engine_config *config, struct qrt_block_p_engine **ret_engine)
{
	if (config->device->qcow2)
		return qrt_block_p_qcow2_engine_open(config, ret_engine);
	if (config->is_blocking && config->device->engine != QRT_BLOCK_ENGINE_MEMORY)
		return qrt_block_p_blocking_engine_open(config, ret_engine);
	switch (config->device->engine) {
	case QRT_BLOCK_ENGINE_MEMORY:
		return qrt_block_p_memory_engine_open(config, ret_engine);
	case QRT_BLOCK_ENGINE_LIBAIO:
		return qrt_block_p_libaio_engine_open(config, ret_engine);
	case QRT_BLOCK_ENGINE_IO_URING:
		return open_ring(config, ret_engine);
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
