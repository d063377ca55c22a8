/* SPDX-License-Identifier: MIT */
#include "pool_p.h"

#include <errno.h>
#include <stdlib.h>

#include "device_p.h"
#include "urgency_p.h"

#define STACK_BYTES (256u << 10)
#define UNKNOWN     QRT_BLOCK_PRIORITIES

#define PATIENCE_NS     10000u
#define PATIENCE        4u
#define PATIENCE_RARELY 32u

/* ---- work ---- */

/* Something is there, and nobody looks: one more is to. */
static void call_one(struct qrt_block_p_pool *pool)
{
	if (!qrt_block_p_crew_call(&pool->crew))
		qrt_block_p_urgency_hurry(pool, qrt_block_p_lanes_most_urgent(&pool->lanes));
}

/* One that runs with less than the usual urgency may not run for long: nobody relies on its looking. */
static void look(struct qrt_block_p_worker *worker)
{
	worker->is_counted = atomic_load(&worker->wanted) <= qrt_block_p_rank_of(QRT_BLOCK_NORMAL);
	if (worker->is_counted)
		qrt_block_p_crew_look(&worker->pool->crew);
}

static void look_away(struct qrt_block_p_worker *worker)
{
	struct qrt_block_p_pool *pool = worker->pool;

	if (worker->is_counted)
		qrt_block_p_crew_look_away(&pool->crew);
	worker->is_counted = 0;
	if (qrt_block_p_lanes_has(&pool->lanes) && !qrt_block_p_crew_looking(&pool->crew))
		call_one(pool);
}

/* It looks before it leaves the narrow lane, so that who puts something there meanwhile relies on it. */
static void work(struct qrt_block_p_worker *worker, struct qrt_block_p_op *op)
{
	enum qrt_block_p_lane lane = worker->lane;

	if (lane != QRT_BLOCK_P_NARROW)
		qrt_block_p_worker_ring(worker);
	look_away(worker);
	qrt_block_p_worker_do(worker, op);
	look(worker);
	if (lane == QRT_BLOCK_P_NARROW)
		qrt_block_p_lanes_leave(&worker->pool->lanes);
	worker->lane = !lane;
}

/* Where requests come one after the other, the next one comes sooner than a thread falls asleep and is woken.
 * One alone waits a little for it, as long as that pays: after it was in vain it does so rarely. */
static int wait_a_little(struct qrt_block_p_worker *worker)
{
	struct qrt_block_p_lanes *lanes = &worker->pool->lanes;
	uint64_t end;

	if (!worker->is_counted || qrt_block_p_crew_looking(&worker->pool->crew) > 1 ||
	    (!worker->patience && ++worker->sleeps % PATIENCE_RARELY))
		return 0;
	end = qrt_block_p_now() + PATIENCE_NS;
	do {
		if (qrt_block_p_lanes_has(lanes)) {
			worker->patience = PATIENCE;
			return 1;
		}
	} while (qrt_block_p_now() < end);
	worker->patience -= worker->patience > 0;
	return 0;
}

/* Nothing is there. It sleeps at the usual urgency, at which it is woken, too. What came before it lay down
 * relied on it. */
static void lie_down(struct qrt_block_p_worker *worker)
{
	struct qrt_block_p_pool *pool = worker->pool;

	qrt_block_p_urgency_rest(worker);
	atomic_store(&worker->is_busy, 0);
	qrt_block_p_crew_lie_down(&pool->crew, (int)worker->is_counted);
	if (qrt_block_p_lanes_has(&pool->lanes))
		qrt_block_p_crew_call(&pool->crew);
}

/* An op may hide behind another one whose putter was preempted half way. Nobody spins for it: that putter
 * looks after the crew when he gets on. */
static void *run(void *argument)
{
	struct qrt_block_p_worker *worker = argument;
	struct qrt_block_p_pool *pool = worker->pool;
	struct qrt_block_p_op *op;

	do {
		qrt_block_p_crew_sleep(&pool->crew);
		worker->is_counted = 1; /* by who called */
		atomic_store(&worker->is_busy, 1);
		do {
			while ((op = qrt_block_p_lanes_take(&pool->lanes, &worker->lane)))
				work(worker, op);
			qrt_block_p_worker_ring(worker);
		} while (wait_a_little(worker));
		lie_down(worker);
	} while (!atomic_load(&pool->is_ending));
	return NULL;
}

/* A plain write to a file's page cache: the kernel lets one at a time get on. */
static enum qrt_block_p_lane lane_of(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	int is_plain_write = qrt_block_p_op_has_data(op) && !qrt_block_p_op_is_read(op) &&
			     !(op->flags & QRT_BLOCK_FUA);

	return is_plain_write && !(device->flags & QRT_BLOCK_DEVICE_DIRECT) && !device->is_block_device
		       ? QRT_BLOCK_P_NARROW
		       : QRT_BLOCK_P_WIDE;
}

/* What is urgent relies on nobody who is less so. */
void qrt_block_p_pool_put(struct qrt_block_p_pool *pool, struct qrt_block_p_op *op)
{
	enum qrt_block_p_lane lane = lane_of(pool->device, op);
	uint32_t rank = qrt_block_p_rank_of(op->priority);

	qrt_block_p_lanes_put(&pool->lanes, op, lane);
	if (lane == QRT_BLOCK_P_NARROW && qrt_block_p_lanes_is_occupied(&pool->lanes))
		qrt_block_p_urgency_meet(pool, op);
	else if (rank == 0 || !qrt_block_p_crew_looking(&pool->crew))
		call_one(pool);
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
	atomic_fetch_add(&pool->count, 1);
	qrt_block_p_crew_grow(&pool->crew);
	return 0;
}

int qrt_block_p_pool_grow(struct qrt_block_p_pool *pool, uint32_t count)
{
	int rc = 0;

	if (count > QRT_BLOCK_P_WORKERS_MAX)
		count = QRT_BLOCK_P_WORKERS_MAX;
	pthread_mutex_lock(&pool->growth);
	while (rc >= 0 && atomic_load(&pool->count) < count)
		rc = start(pool, atomic_load(&pool->count));
	pthread_mutex_unlock(&pool->growth);
	return rc;
}

int qrt_block_p_pool_open(struct qrt_block_p_pool *pool, struct qrt_block_device *device, uint32_t count,
			  uint32_t requests)
{
	int rc = qrt_block_p_crew_init(&pool->crew);

	if (rc < 0)
		return rc;
	pthread_mutex_init(&pool->growth, NULL);
	pool->device = device;
	pool->workers = calloc(QRT_BLOCK_P_WORKERS_MAX, sizeof(*pool->workers));
	rc = pool->workers ? qrt_block_p_lanes_init(&pool->lanes, requests) : -ENOMEM;
	if (rc >= 0)
		rc = qrt_block_p_pool_grow(pool, count);
	if (rc < 0)
		qrt_block_p_pool_close(pool);
	return rc;
}

/* Who is about to sleep sees that it is over, or is counted as a sleeper and called. */
void qrt_block_p_pool_close(struct qrt_block_p_pool *pool)
{
	uint32_t i;

	if (!pool->device)
		return;
	atomic_store(&pool->is_ending, 1);
	while (qrt_block_p_crew_call(&pool->crew))
		;
	for (i = 0; i < pool->count; i++)
		pool->threads.join(pool->threads.data, pool->workers[i].handle);
	qrt_block_p_lanes_finish(&pool->lanes);
	free(pool->workers);
	pool->workers = NULL;
	qrt_block_p_crew_finish(&pool->crew);
	pthread_mutex_destroy(&pool->growth);
	pool->device = NULL;
}
