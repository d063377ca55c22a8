/* SPDX-License-Identifier: MIT */
#include "pool_p.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute_p.h"
#include "urgency_p.h"

#define STACK_BYTES (256u << 10)
#define UNKNOWN     QRT_BLOCK_PRIORITIES

/* ---- work ---- */

static struct qrt_block_p_op *take(struct qrt_block_p_pool *pool, uint32_t *ret_rank)
{
	uint32_t rank;

	for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++) {
		struct qrt_block_p_op *op = qrt_block_p_ring_take(&pool->rings[rank]);

		if (op) {
			atomic_fetch_sub(&pool->waiting[rank], 1);
			*ret_rank = rank;
			return op;
		}
	}
	return NULL;
}

static void set_ioprio(struct qrt_block_p_worker *worker, uint32_t priority)
{
	if (worker->ioprio == priority)
		return;
	worker->ioprio = priority;
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, qrt_block_p_ioprio_of(priority));
}

static void work(struct qrt_block_p_worker *worker, struct qrt_block_p_op *op, uint32_t rank)
{
	struct qrt_block_p_mailbox *mailbox = op->mailbox;
	uint32_t unclaimed = QRT_BLOCK_P_UNCLAIMED;

	if (atomic_compare_exchange_strong(&op->claim, &unclaimed, QRT_BLOCK_P_RUNS)) {
		qrt_block_p_urgency_begin(worker, op, rank);
		set_ioprio(worker, op->priority);
		op->answer = qrt_block_p_execute(worker->pool->device, op);
		op->answered_ns = qrt_block_p_now();
		qrt_block_p_urgency_end(worker);
	}
	qrt_block_p_mailbox_put(mailbox, op);
}

/* A token is a hint that there is something: an item may hide behind another one whose putter was preempted
 * half way, and is taken with that one. So everything is taken that is there, and nobody spins for what is
 * not. */
static void *run(void *argument)
{
	struct qrt_block_p_worker *worker = argument;
	struct qrt_block_p_pool *pool = worker->pool;
	struct qrt_block_p_op *op;
	uint32_t rank;

	do {
		while (sem_wait(&pool->items) < 0)
			;
		atomic_store(&worker->is_busy, 1);
		while ((op = take(pool, &rank)))
			work(worker, op, rank);
		atomic_store(&worker->is_busy, 0);
	} while (!atomic_load(&pool->is_ending));
	return NULL;
}

void qrt_block_p_pool_put(struct qrt_block_p_pool *pool, struct qrt_block_p_op *op)
{
	uint32_t rank = qrt_block_p_rank_of(op->priority);

	atomic_store(&op->claim, QRT_BLOCK_P_UNCLAIMED);
	atomic_fetch_add(&pool->waiting[rank], 1);
	qrt_block_p_ring_put(&pool->rings[rank], op);
	qrt_block_p_urgency_hurry(pool, rank);
	sem_post(&pool->items);
}

int qrt_block_p_pool_drop(struct qrt_block_p_op *op)
{
	uint32_t unclaimed = QRT_BLOCK_P_UNCLAIMED;

	return atomic_compare_exchange_strong(&op->claim, &unclaimed, QRT_BLOCK_P_DROPPED) ||
	       unclaimed == QRT_BLOCK_P_DROPPED;
}

/* ---- life ---- */

static int start(struct qrt_block_p_pool *pool, uint32_t index)
{
	struct qrt_block_p_worker *worker = &pool->workers[index];
	const struct qrt_block_thread thread = {.role = QRT_BLOCK_ROLE_WORKER,
						.index = index,
						.run = run,
						.argument = worker,
						.stack_bytes = STACK_BYTES};
	int rc;

	worker->pool = pool;
	worker->ioprio = UNKNOWN;
	worker->told = UNKNOWN;
	atomic_init(&worker->wanted, qrt_block_p_rank_of(QRT_BLOCK_NORMAL));
	rc = pool->threads.create(pool->threads.data, &thread, &worker->handle);
	if (rc < 0)
		return rc;
	atomic_store(&worker->is_ready, 1);
	pool->count++;
	return 0;
}

int qrt_block_p_pool_open(struct qrt_block_p_pool *pool, struct qrt_block_device *device, uint32_t count,
			  uint32_t requests)
{
	uint32_t i;
	int rc = 0;

	if (sem_init(&pool->items, 0, 0) < 0)
		return -errno;
	pool->device = device;
	pool->workers = calloc(count, sizeof(*pool->workers));
	if (!pool->workers)
		rc = -ENOMEM;
	for (i = 0; i < QRT_BLOCK_PRIORITIES && rc >= 0; i++)
		rc = qrt_block_p_ring_init(&pool->rings[i], requests);
	for (i = 0; i < count && rc >= 0; i++)
		rc = start(pool, i);
	if (rc < 0)
		qrt_block_p_pool_close(pool);
	return rc;
}

void qrt_block_p_pool_close(struct qrt_block_p_pool *pool)
{
	uint32_t i;

	if (!pool->device)
		return;
	atomic_store(&pool->is_ending, 1);
	for (i = 0; i < pool->count; i++)
		sem_post(&pool->items);
	for (i = 0; i < pool->count; i++)
		pool->threads.join(pool->threads.data, pool->workers[i].handle);
	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++)
		qrt_block_p_ring_finish(&pool->rings[i]);
	free(pool->workers);
	pool->workers = NULL;
	sem_destroy(&pool->items);
	pool->device = NULL;
}
