/* SPDX-License-Identifier: MIT */
#include "pool_p.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute_p.h"

#define STACK_BYTES (256u << 10)
#define UNKNOWN     QRT_BLOCK_PRIORITIES

/* ---- urgency ---- */

/* Tells the thread's owner how urgent it is. Of threads that come at the same time one tells, and looks again
 * for the others, so that the last word is what is wanted last. */
static void want(struct qrt_block_p_worker *worker, uint32_t rank)
{
	const struct qrt_block_thread_operations *threads = &worker->pool->threads;
	uint32_t comers;

	atomic_store(&worker->wanted, rank);
	if (!threads->set_urgency || !atomic_load(&worker->is_ready) || atomic_fetch_add(&worker->comers, 1))
		return;
	do {
		uint32_t now;

		comers = atomic_load(&worker->comers);
		now = atomic_load(&worker->wanted);
		if (now != worker->told)
			threads->set_urgency(threads->data, worker->handle, qrt_block_p_priority_of(now));
		worker->told = now;
	} while (!atomic_compare_exchange_strong(&worker->comers, &comers, 0));
}

static uint32_t most_urgent_waiting(struct qrt_block_p_pool *pool)
{
	uint32_t rank = 0;

	while (rank < QRT_BLOCK_PRIORITIES && !atomic_load(&pool->waiting[rank]))
		rank++;
	return rank;
}

/* Before an op: as urgent as it is, or as what waits behind it. Who comes to wait after this look has seen
 * what this one stored, and raises it. */
static void become(struct qrt_block_p_worker *worker, uint32_t rank)
{
	uint32_t waiting;

	if (atomic_load(&worker->wanted) != rank)
		want(worker, rank);
	waiting = most_urgent_waiting(worker->pool);
	if (waiting < rank)
		want(worker, waiting);
}

/* An op waits, and nobody is idle: those who are at less urgent ones hurry. */
static void hurry(struct qrt_block_p_pool *pool, uint32_t rank)
{
	uint32_t i;

	for (i = 0; i < pool->count; i++) {
		if (!atomic_load(&pool->workers[i].is_busy))
			return;
	}
	for (i = 0; i < pool->count; i++) {
		if (atomic_load(&pool->workers[i].wanted) > rank)
			want(&pool->workers[i], rank);
	}
}

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
		become(worker, rank);
		set_ioprio(worker, op->priority);
		op->answer = qrt_block_p_execute(worker->pool->device, op);
		op->answered_ns = qrt_block_p_now();
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
	hurry(pool, rank);
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
