/* SPDX-License-Identifier: MIT */
#include "urgency_p.h"

#include "device_p.h"

#define NORMAL_RANK 1u

/* ---- to tell it ---- */

/* Tells the thread's owner how urgent it is. Of threads that come at the same time one tells, and looks again
 * for the others, so that the last word is what is wanted last. */
static void tell(struct qrt_block_p_worker *worker)
{
	const struct qrt_block_thread_operations *threads = &worker->pool->threads;
	uint32_t comers;

	if (!atomic_load(&worker->is_ready) || atomic_fetch_add(&worker->comers, 1))
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

/* Of several who raise it the most urgent one stays. */
static void lift(struct qrt_block_p_worker *worker, uint32_t rank)
{
	uint32_t wanted = atomic_load(&worker->wanted);

	while (wanted > rank) {
		if (!atomic_compare_exchange_weak(&worker->wanted, &wanted, rank))
			continue;
		tell(worker);
		return;
	}
}

/* ---- who waits for whom ---- */

static int is_read(const struct qrt_block_p_range *range)
{
	return range->kind == QRT_BLOCK_READ || range->kind == QRT_BLOCK_READV;
}

/* What changes where a file has its bytes keeps all others out of it. */
static int is_of_layout(const struct qrt_block_p_range *range)
{
	return range->kind == QRT_BLOCK_WRITE_ZEROES || range->kind == QRT_BLOCK_DISCARD;
}

/* A flush waits for writes, and they wait for what it has of the filesystem's journal. Filesystems let one
 * write at a time into the page cache of a file, whatever its range. */
int qrt_block_p_ranges_meet(const struct qrt_block_p_range *a, const struct qrt_block_p_range *b,
			    int is_cached)
{
	if (is_of_layout(a) || is_of_layout(b))
		return 1;
	if (is_read(a) && is_read(b))
		return 0;
	if (a->kind == QRT_BLOCK_FLUSH || b->kind == QRT_BLOCK_FLUSH)
		return !is_read(a) && !is_read(b);
	if (is_cached && !is_read(a) && !is_read(b))
		return 1;
	return a->offset < b->end && b->offset < a->end;
}

static struct qrt_block_p_range range_of(const struct qrt_block_p_op *op)
{
	return (struct qrt_block_p_range){op->kind, op->offset, op->offset + op->length};
}

/* What it is at, as far as one can see from outside: it may be at the next one already, and become as urgent
 * for nothing until that is over. 0: nothing. */
static int look(const struct qrt_block_p_worker *worker, struct qrt_block_p_range *ret_range)
{
	uint32_t doing = atomic_load(&worker->doing);

	if (!doing)
		return 0;
	ret_range->kind = doing - 1;
	ret_range->offset = atomic_load_explicit(&worker->offset, memory_order_relaxed);
	ret_range->end = atomic_load_explicit(&worker->end, memory_order_relaxed);
	return 1;
}

static int is_cached(const struct qrt_block_p_pool *pool)
{
	return !(pool->device->flags & QRT_BLOCK_DEVICE_DIRECT);
}

/* Workers at less urgent ops that are in the way become as urgent as it is. Returns the rank of the most
 * urgent op that waits for this one, or its own. */
static uint32_t meet(struct qrt_block_p_pool *pool, const struct qrt_block_p_range *range, uint32_t rank)
{
	struct qrt_block_p_range other;
	uint32_t i, best = rank;

	for (i = 0; i < pool->count; i++) {
		uint32_t other_rank;

		if (!look(&pool->workers[i], &other) ||
		    !qrt_block_p_ranges_meet(range, &other, is_cached(pool)))
			continue;
		other_rank = atomic_load_explicit(&pool->workers[i].rank, memory_order_relaxed);
		if (other_rank > rank)
			lift(&pool->workers[i], rank);
		else if (other_rank < best)
			best = other_rank;
	}
	return best;
}

/* Requests of one priority only, the usual one, wait for none that is less urgent: nobody looks. */
static int is_mixed(struct qrt_block_p_pool *pool, uint32_t rank)
{
	return rank != NORMAL_RANK || atomic_load(&pool->at_work[0]) ||
	       atomic_load(&pool->at_work[QRT_BLOCK_PRIORITIES - 1]);
}

/* ---- a worker ---- */

/* What it is at is said before it looks around: of two who begin at the same time one sees the other. Who
 * comes to wait after the look at those who wait has seen what this one stored, and raises it. */
void qrt_block_p_urgency_begin(struct qrt_block_p_worker *worker, const struct qrt_block_p_op *op,
			       uint32_t rank)
{
	struct qrt_block_p_pool *pool = worker->pool;
	struct qrt_block_p_range range = range_of(op);

	if (!pool->threads.set_urgency)
		return;
	if (atomic_load(&worker->wanted) != rank) {
		atomic_store(&worker->wanted, rank);
		tell(worker);
	}
	if (rank != NORMAL_RANK)
		atomic_fetch_add(&pool->at_work[rank], 1);
	atomic_store_explicit(&worker->rank, rank, memory_order_relaxed);
	atomic_store_explicit(&worker->offset, range.offset, memory_order_relaxed);
	atomic_store_explicit(&worker->end, range.end, memory_order_relaxed);
	atomic_store(&worker->doing, range.kind + 1);
	lift(worker, qrt_block_p_lanes_most_urgent(&pool->lanes));
	if (is_mixed(pool, rank))
		lift(worker, meet(pool, &range, rank));
}

void qrt_block_p_urgency_end(struct qrt_block_p_worker *worker)
{
	uint32_t rank = atomic_load_explicit(&worker->rank, memory_order_relaxed);

	if (!atomic_load_explicit(&worker->doing, memory_order_relaxed))
		return;
	atomic_store(&worker->doing, 0);
	if (rank != NORMAL_RANK)
		atomic_fetch_sub(&worker->pool->at_work[rank], 1);
}

void qrt_block_p_urgency_rest(struct qrt_block_p_worker *worker)
{
	lift(worker, NORMAL_RANK);
}

/* ---- others ---- */

/* Nobody is idle: those who are at less urgent ones hurry. */
void qrt_block_p_urgency_hurry(struct qrt_block_p_pool *pool, uint32_t rank)
{
	uint32_t i;

	if (!pool->threads.set_urgency)
		return;
	for (i = 0; i < pool->count; i++) {
		if (!atomic_load(&pool->workers[i].is_busy))
			return;
	}
	for (i = 0; i < pool->count; i++)
		lift(&pool->workers[i], rank);
}

void qrt_block_p_urgency_meet(struct qrt_block_p_pool *pool, const struct qrt_block_p_op *op)
{
	uint32_t rank = qrt_block_p_rank_of(op->priority);
	struct qrt_block_p_range range = range_of(op);

	if (pool->threads.set_urgency && is_mixed(pool, rank))
		meet(pool, &range, rank);
}
