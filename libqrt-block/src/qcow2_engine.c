/* SPDX-License-Identifier: MIT */
/* The engine of an image: queues of its files, and what each op is waiting for there. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "qcow2_queue_p.h"

#define HARVEST   32
#define DEPTH_MAX 4096u

static struct qrt_block_p_qcow2_engine *own_of(struct qrt_block_p_engine *engine)
{
	return (struct qrt_block_p_qcow2_engine *)engine;
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	if (op->kind == QRT_BLOCK_FLUSH)
		qrt_block_p_engine_answer(engine, op, 0);
	else
		qrt_block_p_qcow2_walk_begin(own_of(engine), op);
	return 0;
}

/* ---- what the files have done ---- */

static int harvest(struct qrt_block_p_qcow2_engine *own, struct qrt_block_queue *queue)
{
	struct qrt_block_completion done[HARVEST];
	int count = qrt_block_queue_harvest(queue, done, HARVEST), i;

	for (i = 0; i < count; i++)
		qrt_block_p_qcow2_walk_take(own, &done[i]);
	return count;
}

/* Until none of them has anything: their descriptors are quiet then. */
void qrt_block_p_qcow2_reap(struct qrt_block_p_qcow2_engine *own)
{
	uint32_t i, rank;
	int count;

	do {
		for (i = 0, count = 0; i < own->chain->layers.count; i++)
			count += harvest(own, own->queues[i]);
		for (rank = 0; count && rank < QRT_BLOCK_PRIORITIES; rank++)
			qrt_block_p_qcow2_walk_wake(own, &own->stalled[rank]);
	} while (count);
}

/* What is cached is there at once. */
static void push(struct qrt_block_p_engine *engine)
{
	if (own_of(engine)->out)
		qrt_block_p_qcow2_reap(own_of(engine));
}

static void reap(struct qrt_block_p_engine *engine)
{
	struct qrt_block_p_list tasks = {NULL, NULL};
	struct qrt_block_p_op *op;

	qrt_block_p_mailbox_take(engine->mailbox, &tasks);
	while ((op = qrt_block_p_list_take(&tasks)))
		qrt_block_p_qcow2_walk_take_task(own_of(engine), op);
	qrt_block_p_qcow2_reap(own_of(engine));
}

static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	return qrt_block_p_qcow2_walk_cancel(own_of(engine), op);
}

/* What was cancelled is to be taken in soon, and nothing else wakes for it. */
static uint64_t get_due(const struct qrt_block_p_engine *engine)
{
	return engine->done.first ? 1 : 0;
}

/* ---- life ---- */

static void finish(struct qrt_block_p_engine *engine)
{
	struct qrt_block_p_qcow2_engine *own = own_of(engine);
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_QCOW2_LAYERS; i++)
		qrt_block_queue_close(own->queues[i]);
	for (i = 0; i < QRT_BLOCK_P_QCOW2_SCRATCHES; i++)
		qrt_block_p_qcow2_scratch_close(&own->scratches[i]);
	qrt_block_p_qcow2_cache_close(&own->cache);
	if (own->epoll >= 0)
		close(own->epoll);
	free(own->walks);
	free(own);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit, .push = push, .reap = reap, .cancel = cancel, .get_due = get_due, .close = finish};

static int open_queues(struct qrt_block_p_qcow2_engine *own, const struct qrt_block_p_engine_config *config)
{
	struct qrt_block_queue_config queue = {.size = sizeof(queue),
					       .depth = config->depth + QRT_BLOCK_P_QCOW2_BESIDE,
					       .iov_max = QRT_BLOCK_P_QCOW2_PARTS,
					       .bounces = 1,
					       .bounce_bytes = QRT_BLOCK_P_PAGE};
	uint32_t i;
	int rc = 0;

	if (queue.depth > DEPTH_MAX)
		queue.depth = DEPTH_MAX;
	for (i = 0; i < own->chain->layers.count && rc >= 0; i++)
		rc = qrt_block_queue_open(own->chain->own[i].file, &queue, &own->queues[i], NULL);
	return rc;
}

/* One descriptor for all. */
static int watch(struct qrt_block_p_qcow2_engine *own)
{
	uint32_t i;

	own->engine.event = qrt_block_queue_get_fd(own->queues[0]);
	if (own->chain->layers.count == 1)
		return 0;
	own->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (own->epoll < 0)
		return -errno;
	own->engine.event = own->epoll;
	for (i = 0; i < own->chain->layers.count; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		if (epoll_ctl(own->epoll, EPOLL_CTL_ADD, qrt_block_queue_get_fd(own->queues[i]), &event) < 0)
			return -errno;
	}
	return 0;
}

static int set_up(struct qrt_block_p_qcow2_engine *own, const struct qrt_block_p_engine_config *config)
{
	uint32_t i;
	int rc;

	own->walks = calloc(config->depth, sizeof(*own->walks));
	if (!own->walks)
		return -ENOMEM;
	rc = qrt_block_p_qcow2_cache_open(&own->cache);
	for (i = 0; i < QRT_BLOCK_P_QCOW2_SCRATCHES && rc >= 0; i++)
		rc = qrt_block_p_qcow2_scratch_open(&own->scratches[i], own);
	if (rc >= 0)
		rc = open_queues(own, config);
	if (rc >= 0)
		rc = watch(own);
	return rc;
}

int qrt_block_p_qcow2_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine **ret_engine)
{
	struct qrt_block_p_qcow2_engine *own = calloc(1, sizeof(*own));
	int rc;

	if (!own)
		return -ENOMEM;
	qrt_block_p_engine_begin(&own->engine, &type, config);
	own->epoll = -1;
	own->chain = config->device->qcow2;
	rc = set_up(own, config);
	if (rc < 0)
		finish(&own->engine);
	else
		*ret_engine = &own->engine;
	return rc;
}
