/* SPDX-License-Identifier: MIT */
/* How urgent workers are: here they are none, and all that would happen in them happens one after the other.
 */
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "device_p.h"
#include "urgency_p.h"

#define WORKERS 3

static struct qrt_block_device device;
static struct qrt_block_p_worker workers[WORKERS];
static uint32_t told[WORKERS];
static unsigned tellings;

static void set_urgency(void *data, void *handle, uint32_t priority)
{
	(void)data;
	*(uint32_t *)handle = priority;
	tellings++;
}

static struct qrt_block_p_pool *begin(uint32_t flags)
{
	uint32_t i;

	memset(&device, 0, sizeof(device));
	memset(workers, 0, sizeof(workers));
	device.flags = flags;
	device.pool.device = &device;
	device.pool.workers = workers;
	device.pool.count = WORKERS;
	device.pool.threads.set_urgency = set_urgency;
	tellings = 0;
	for (i = 0; i < WORKERS; i++) {
		workers[i].pool = &device.pool;
		workers[i].handle = &told[i];
		workers[i].told = QRT_BLOCK_PRIORITIES;
		workers[i].is_ready = 1;
		workers[i].wanted = qrt_block_p_rank_of(QRT_BLOCK_NORMAL);
		told[i] = QRT_BLOCK_NORMAL;
	}
	return &device.pool;
}

static void work(uint32_t worker, uint32_t priority, uint32_t kind, uint64_t sector)
{
	const struct qrt_block_p_op op = {
		.kind = kind, .priority = priority, .offset = sector * 4096, .length = 8192};

	qrt_block_p_urgency_begin(&workers[worker], &op, qrt_block_p_rank_of(priority));
}

/* Its op is over; the next one is as urgent as it is by itself. */
static void work_again(uint32_t worker, uint32_t priority, uint32_t kind, uint64_t sector)
{
	qrt_block_p_urgency_end(&workers[worker]);
	work(worker, priority, kind, sector);
	CU_ASSERT_EQUAL(told[worker], priority);
}

static void check_told(uint32_t first, uint32_t second, uint32_t third)
{
	CU_ASSERT_EQUAL(told[0], first);
	CU_ASSERT_EQUAL(told[1], second);
	CU_ASSERT_EQUAL(told[2], third);
}

/* ---- the rule ---- */

static int meet(uint32_t kind, uint32_t other, int is_overlapping, int is_cached)
{
	const struct qrt_block_p_range a = {kind, 8192, 16384};
	const struct qrt_block_p_range b = {other, is_overlapping ? 12288 : 16384, 20480};

	CU_ASSERT_EQUAL(qrt_block_p_ranges_meet(&a, &b, is_cached),
			qrt_block_p_ranges_meet(&b, &a, is_cached));
	return qrt_block_p_ranges_meet(&a, &b, is_cached);
}

static void who_may_wait_for_whom(void)
{
	int is_cached, is_overlapping;

	for (is_cached = 0; is_cached < 2; is_cached++) {
		for (is_overlapping = 0; is_overlapping < 2; is_overlapping++) {
			CU_ASSERT(!meet(QRT_BLOCK_READ, QRT_BLOCK_READV, is_overlapping, is_cached));
			CU_ASSERT(!meet(QRT_BLOCK_READ, QRT_BLOCK_FLUSH, is_overlapping, is_cached));
			CU_ASSERT(meet(QRT_BLOCK_WRITE, QRT_BLOCK_FLUSH, is_overlapping, is_cached));
			CU_ASSERT(meet(QRT_BLOCK_FLUSH, QRT_BLOCK_FLUSH, is_overlapping, is_cached));
			CU_ASSERT(meet(QRT_BLOCK_READ, QRT_BLOCK_DISCARD, is_overlapping, is_cached));
			CU_ASSERT(meet(QRT_BLOCK_WRITEV, QRT_BLOCK_WRITE_ZEROES, is_overlapping, is_cached));
			CU_ASSERT_EQUAL(meet(QRT_BLOCK_READV, QRT_BLOCK_WRITE, is_overlapping, is_cached),
					is_overlapping);
			CU_ASSERT_EQUAL(meet(QRT_BLOCK_WRITE, QRT_BLOCK_WRITEV, is_overlapping, is_cached),
					is_overlapping || is_cached);
		}
	}
}

/* ---- workers ---- */

static void who_is_in_the_way_is_as_urgent(void)
{
	begin(QRT_BLOCK_DEVICE_DIRECT);
	work(0, QRT_BLOCK_LOW, QRT_BLOCK_WRITE, 10);
	work(1, QRT_BLOCK_LOW, QRT_BLOCK_WRITE, 20);
	check_told(QRT_BLOCK_LOW, QRT_BLOCK_LOW, QRT_BLOCK_NORMAL);
	work(2, QRT_BLOCK_URGENT, QRT_BLOCK_READ, 11); /* the range of the first one */
	check_told(QRT_BLOCK_URGENT, QRT_BLOCK_LOW, QRT_BLOCK_URGENT);
	qrt_block_p_urgency_end(&workers[2]);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_URGENT); /* until it is out of the way */
	work_again(0, QRT_BLOCK_LOW, QRT_BLOCK_WRITE, 10);
}

/* It comes when the urgent one is at work already. */
static void who_comes_into_the_way_is_as_urgent(void)
{
	begin(QRT_BLOCK_DEVICE_DIRECT);
	work(0, QRT_BLOCK_URGENT, QRT_BLOCK_WRITE, 10);
	work(1, QRT_BLOCK_LOW, QRT_BLOCK_READ, 9);
	work(2, QRT_BLOCK_NORMAL, QRT_BLOCK_READ, 12);
	check_told(QRT_BLOCK_URGENT, QRT_BLOCK_URGENT, QRT_BLOCK_NORMAL);
	qrt_block_p_urgency_end(&workers[0]);
	work_again(1, QRT_BLOCK_LOW, QRT_BLOCK_READ, 9);
}

static void a_flush_hurries_writes(void)
{
	begin(QRT_BLOCK_DEVICE_DIRECT);
	work(0, QRT_BLOCK_LOW, QRT_BLOCK_WRITE, 10);
	work(1, QRT_BLOCK_LOW, QRT_BLOCK_READ, 10);
	work(2, QRT_BLOCK_NORMAL, QRT_BLOCK_FLUSH, 0);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_NORMAL);
	CU_ASSERT_EQUAL(told[1], QRT_BLOCK_LOW);
	begin(QRT_BLOCK_DEVICE_DIRECT);
	work(0, QRT_BLOCK_LOW, QRT_BLOCK_FLUSH, 0);
	work(1, QRT_BLOCK_URGENT, QRT_BLOCK_WRITEV, 3);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_URGENT);
}

static void one_writes_to_the_page_cache_at_a_time(void)
{
	begin(0);
	work(0, QRT_BLOCK_LOW, QRT_BLOCK_WRITE, 10);
	work(1, QRT_BLOCK_NORMAL, QRT_BLOCK_WRITE, 50);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_NORMAL);
	work(2, QRT_BLOCK_URGENT, QRT_BLOCK_WRITE, 90);
	CU_ASSERT(told[0] == QRT_BLOCK_URGENT && told[1] == QRT_BLOCK_URGENT);
}

/* A request that the kernel has without a worker, behind a discard that a worker does. */
static void what_the_kernel_has_is_waited_for_too(void)
{
	struct qrt_block_p_pool *pool = begin(QRT_BLOCK_DEVICE_DIRECT);
	struct qrt_block_p_op op = {.kind = QRT_BLOCK_READ, .priority = QRT_BLOCK_LOW, .length = 4096};

	work(0, QRT_BLOCK_LOW, QRT_BLOCK_DISCARD, 10);
	qrt_block_p_urgency_meet(pool, &op);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_LOW);
	op.priority = QRT_BLOCK_NORMAL;
	qrt_block_p_urgency_meet(pool, &op);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_NORMAL);
	op.priority = QRT_BLOCK_URGENT;
	qrt_block_p_urgency_meet(pool, &op);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_URGENT);
	work_again(0, QRT_BLOCK_NORMAL, QRT_BLOCK_READ, 10);
	qrt_block_p_urgency_meet(pool, &op);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_NORMAL); /* two reads */
}

/* All are busy: whoever is free first takes what waits. */
static void when_all_are_busy_all_hurry(void)
{
	struct qrt_block_p_pool *pool = begin(QRT_BLOCK_DEVICE_DIRECT);
	uint32_t i;

	for (i = 0; i < WORKERS; i++)
		work(i, QRT_BLOCK_LOW, QRT_BLOCK_READ, i);
	workers[0].is_busy = workers[1].is_busy = 1;
	qrt_block_p_urgency_hurry(pool, 0);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_LOW); /* one is idle, and comes */
	workers[2].is_busy = 1;
	qrt_block_p_urgency_hurry(pool, qrt_block_p_rank_of(QRT_BLOCK_URGENT));
	qrt_block_p_urgency_hurry(pool, qrt_block_p_rank_of(QRT_BLOCK_NORMAL));
	for (i = 0; i < WORKERS; i++)
		CU_ASSERT_EQUAL(told[i], QRT_BLOCK_URGENT);
}

/* Who waits is taken next: until then this one's op is in its way. */
static void what_waits_already_counts(void)
{
	struct qrt_block_p_pool *pool = begin(QRT_BLOCK_DEVICE_DIRECT);

	pool->lanes.waiting[qrt_block_p_rank_of(QRT_BLOCK_NORMAL)] = 1;
	work(0, QRT_BLOCK_LOW, QRT_BLOCK_READ, 0);
	CU_ASSERT_EQUAL(told[0], QRT_BLOCK_NORMAL);
}

/* Requests of the usual priority alone: nobody has to be told anything twice. */
static void who_is_as_urgent_as_before_is_not_told(void)
{
	uint32_t i;

	begin(0);
	for (i = 0; i < 10; i++) {
		work(0, QRT_BLOCK_NORMAL, QRT_BLOCK_WRITE, i);
		work(1, QRT_BLOCK_NORMAL, QRT_BLOCK_WRITE, i);
		qrt_block_p_urgency_end(&workers[0]);
		qrt_block_p_urgency_end(&workers[1]);
	}
	CU_ASSERT_EQUAL(tellings, 0);
	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++)
		CU_ASSERT_EQUAL(device.pool.at_work[i], 0);
}

static const struct tap_test tests[] = {
	{"who may wait for whom", who_may_wait_for_whom},
	{"who is in the way is as urgent", who_is_in_the_way_is_as_urgent},
	{"who comes into the way is as urgent", who_comes_into_the_way_is_as_urgent},
	{"a flush hurries writes", a_flush_hurries_writes},
	{"one writes to the page cache at a time", one_writes_to_the_page_cache_at_a_time},
	{"what the kernel has is waited for, too", what_the_kernel_has_is_waited_for_too},
	{"when all are busy all hurry", when_all_are_busy_all_hurry},
	{"what waits already counts", what_waits_already_counts},
	{"who is as urgent as before is not told", who_is_as_urgent_as_before_is_not_told},
};

TAP_MAIN("block urgency", tests)
