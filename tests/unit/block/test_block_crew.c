/* SPDX-License-Identifier: MIT */
/* Who sleeps and who looks; lanes; groups of what is side by side. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "block_help.h"
#include "crew_p.h"
#include "group_p.h"
#include "lanes_p.h"

/* ---- crew ---- */

static void a_call_is_for_one_who_sleeps(void)
{
	struct qrt_block_p_crew crew;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_crew_init(&crew), 0);
	CU_ASSERT_EQUAL(qrt_block_p_crew_call(&crew), 0);
	qrt_block_p_crew_grow(&crew);
	qrt_block_p_crew_grow(&crew);
	CU_ASSERT_EQUAL(qrt_block_p_crew_looking(&crew), 0);
	CU_ASSERT_EQUAL(qrt_block_p_crew_call(&crew), 1);
	CU_ASSERT_EQUAL(qrt_block_p_crew_looking(&crew), 1);
	qrt_block_p_crew_sleep(&crew); /* called already */
	qrt_block_p_crew_look_away(&crew);
	CU_ASSERT_EQUAL(qrt_block_p_crew_looking(&crew), 0);
	CU_ASSERT_EQUAL(qrt_block_p_crew_call(&crew), 1);
	CU_ASSERT_EQUAL(qrt_block_p_crew_call(&crew), 0); /* one is at work, one is called */
	qrt_block_p_crew_lie_down(&crew, 0);
	CU_ASSERT_EQUAL(qrt_block_p_crew_call(&crew), 1);
	CU_ASSERT_EQUAL(qrt_block_p_crew_looking(&crew), 2);
	qrt_block_p_crew_finish(&crew);
}

/* ---- lanes ---- */

static struct qrt_block_p_op op_of(uint32_t priority)
{
	return (struct qrt_block_p_op){.priority = priority};
}

static void the_most_urgent_is_taken_and_lanes_take_turns(void)
{
	struct qrt_block_p_op low = op_of(QRT_BLOCK_LOW), urgent = op_of(QRT_BLOCK_URGENT);
	struct qrt_block_p_op wide = op_of(QRT_BLOCK_NORMAL), narrow = op_of(QRT_BLOCK_NORMAL);
	enum qrt_block_p_lane lane = QRT_BLOCK_P_NARROW;
	struct qrt_block_p_lanes lanes;

	memset(&lanes, 0, sizeof(lanes));
	CU_ASSERT_EQUAL_FATAL(qrt_block_p_lanes_init(&lanes, 8), 0);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_has(&lanes), 0);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_most_urgent(&lanes), QRT_BLOCK_PRIORITIES);
	qrt_block_p_lanes_put(&lanes, &low, QRT_BLOCK_P_WIDE);
	qrt_block_p_lanes_put(&lanes, &wide, QRT_BLOCK_P_WIDE);
	qrt_block_p_lanes_put(&lanes, &narrow, QRT_BLOCK_P_NARROW);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_most_urgent(&lanes), 1);
	qrt_block_p_lanes_put(&lanes, &urgent, QRT_BLOCK_P_WIDE);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_most_urgent(&lanes), 0);
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &urgent);
	CU_ASSERT_EQUAL(lane, QRT_BLOCK_P_WIDE);
	lane = QRT_BLOCK_P_NARROW;
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &narrow);
	CU_ASSERT_EQUAL(lane, QRT_BLOCK_P_NARROW);
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &wide);
	CU_ASSERT_EQUAL(lane, QRT_BLOCK_P_WIDE);
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &low);
	CU_ASSERT_PTR_NULL(qrt_block_p_lanes_take(&lanes, &lane));
	qrt_block_p_lanes_finish(&lanes);
}

static void the_narrow_lane_has_one_at_a_time(void)
{
	struct qrt_block_p_op first = op_of(QRT_BLOCK_NORMAL), second = op_of(QRT_BLOCK_URGENT);
	enum qrt_block_p_lane lane = QRT_BLOCK_P_WIDE;
	struct qrt_block_p_lanes lanes;

	memset(&lanes, 0, sizeof(lanes));
	CU_ASSERT_EQUAL_FATAL(qrt_block_p_lanes_init(&lanes, 8), 0);
	qrt_block_p_lanes_put(&lanes, &first, QRT_BLOCK_P_NARROW);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_is_occupied(&lanes), 0);
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &first);
	qrt_block_p_lanes_put(&lanes, &second, QRT_BLOCK_P_NARROW);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_is_occupied(&lanes), 1);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_has(&lanes), 0);
	CU_ASSERT_PTR_NULL(qrt_block_p_lanes_take(&lanes, &lane));
	qrt_block_p_lanes_leave(&lanes);
	CU_ASSERT_EQUAL(qrt_block_p_lanes_has(&lanes), 1);
	CU_ASSERT_PTR_EQUAL(qrt_block_p_lanes_take(&lanes, &lane), &second);
	qrt_block_p_lanes_finish(&lanes);
}

/* ---- both: nobody sleeps while something is there ---- */

#define PUTTERS 2
#define TAKERS  3
#define EACH    20000

static struct {
	struct qrt_block_p_crew crew;
	struct qrt_block_p_lanes lanes;
	struct qrt_block_p_op ops[PUTTERS * EACH];
	_Atomic unsigned put, done, writers, clashes;
	_Atomic unsigned is_over;
} shared;

static void *put_many(void *argument)
{
	struct qrt_block_p_op *ops = argument;
	unsigned i;

	for (i = 0; i < EACH; i++) {
		enum qrt_block_p_lane lane = i % 2 ? QRT_BLOCK_P_NARROW : QRT_BLOCK_P_WIDE;

		/* Few at a time, so that takers fall asleep often. */
		while (atomic_load(&shared.put) - atomic_load(&shared.done) > 6)
			sched_yield();
		atomic_fetch_add(&shared.put, 1);
		ops[i].priority = i % QRT_BLOCK_PRIORITIES;
		qrt_block_p_lanes_put(&shared.lanes, &ops[i], lane);
		if (lane == QRT_BLOCK_P_NARROW && qrt_block_p_lanes_is_occupied(&shared.lanes))
			continue;
		if (!qrt_block_p_crew_looking(&shared.crew))
			qrt_block_p_crew_call(&shared.crew);
	}
	return NULL;
}

static void take_all(void)
{
	enum qrt_block_p_lane lane = QRT_BLOCK_P_WIDE;
	struct qrt_block_p_op *op;

	while ((op = qrt_block_p_lanes_take(&shared.lanes, &lane))) {
		qrt_block_p_crew_look_away(&shared.crew);
		if (qrt_block_p_lanes_has(&shared.lanes) && !qrt_block_p_crew_looking(&shared.crew))
			qrt_block_p_crew_call(&shared.crew);
		if (lane == QRT_BLOCK_P_NARROW && atomic_fetch_add(&shared.writers, 1))
			atomic_fetch_add(&shared.clashes, 1);
		op->answer++;
		if (lane == QRT_BLOCK_P_NARROW)
			atomic_fetch_sub(&shared.writers, 1);
		atomic_fetch_add(&shared.done, 1);
		qrt_block_p_crew_look(&shared.crew);
		if (lane == QRT_BLOCK_P_NARROW)
			qrt_block_p_lanes_leave(&shared.lanes);
	}
}

static void *take_many(void *argument)
{
	do {
		qrt_block_p_crew_sleep(&shared.crew);
		take_all();
		qrt_block_p_crew_lie_down(&shared.crew, 1);
		if (qrt_block_p_lanes_has(&shared.lanes))
			qrt_block_p_crew_call(&shared.crew);
	} while (!atomic_load(&shared.is_over));
	return argument;
}

static void nobody_sleeps_while_something_is_there(void)
{
	pthread_t putters[PUTTERS], takers[TAKERS];
	unsigned i, wrong = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_crew_init(&shared.crew), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_block_p_lanes_init(&shared.lanes, PUTTERS * EACH), 0);
	for (i = 0; i < TAKERS; i++) {
		pthread_create(&takers[i], NULL, take_many, NULL);
		qrt_block_p_crew_grow(&shared.crew);
	}
	for (i = 0; i < PUTTERS; i++)
		pthread_create(&putters[i], NULL, put_many, &shared.ops[i * EACH]);
	for (i = 0; i < PUTTERS; i++)
		pthread_join(putters[i], NULL);
	while (atomic_load(&shared.done) < PUTTERS * EACH) /* the test's own limit ends it otherwise */
		sched_yield();
	atomic_store(&shared.is_over, 1);
	while (qrt_block_p_crew_call(&shared.crew))
		;
	for (i = 0; i < TAKERS; i++)
		pthread_join(takers[i], NULL);
	for (i = 0; i < PUTTERS * EACH; i++)
		wrong += shared.ops[i].answer != 1;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(atomic_load(&shared.clashes), 0);
	qrt_block_p_lanes_finish(&shared.lanes);
	qrt_block_p_crew_finish(&shared.crew);
}

/* ---- groups ---- */

struct part {
	uint32_t kind, flags, priority;
	uint64_t offset, length;
};

/* How many of these the first group has. */
static unsigned count_group(const struct part *parts, unsigned count)
{
	struct qrt_block_p_list list = {NULL, NULL};
	struct qrt_block_p_op ops[64] = {0};
	const struct qrt_block_p_op *op;
	struct iovec memory[64];
	unsigned i, found = 0;

	for (i = 0; i < count; i++) {
		memory[i] = (struct iovec){NULL, parts[i].length};
		ops[i].kind = parts[i].kind;
		ops[i].flags = parts[i].flags;
		ops[i].priority = parts[i].priority;
		ops[i].offset = parts[i].offset;
		ops[i].length = parts[i].length;
		ops[i].run = &memory[i];
		ops[i].run_count = 1;
		qrt_block_p_list_add(&list, &ops[i]);
	}
	for (op = qrt_block_p_group_take(&list); op; op = op->next, found++)
		CU_ASSERT_PTR_EQUAL(op, &ops[found]);
	CU_ASSERT_PTR_EQUAL(list.first, found < count ? &ops[found] : NULL);
	return found;
}

static void what_is_side_by_side_and_alike_is_a_group(void)
{
	const struct part alike[] = {{.offset = 0, .length = 4096},
				     {.offset = 4096, .length = 8192},
				     {.kind = QRT_BLOCK_READV, .offset = 12288, .length = 512},
				     {.offset = 12800, .length = 4096}};
	struct part parts[64];
	unsigned i;

	CU_ASSERT_EQUAL(count_group(alike, 0), 0);
	CU_ASSERT_EQUAL(count_group(alike, 1), 1);
	CU_ASSERT_EQUAL(count_group(alike, 4), 4);
	memcpy(parts, alike, sizeof(alike));
	parts[2].offset++;
	CU_ASSERT_EQUAL(count_group(parts, 4), 2);
	memcpy(parts, alike, sizeof(alike));
	parts[1].kind = QRT_BLOCK_WRITE;
	CU_ASSERT_EQUAL(count_group(parts, 4), 1);
	memcpy(parts, alike, sizeof(alike));
	parts[3].priority = QRT_BLOCK_LOW;
	CU_ASSERT_EQUAL(count_group(parts, 4), 3);
	for (i = 0; i < 4; i++)
		parts[i] = (struct part){.kind = QRT_BLOCK_WRITE, .flags = i / 2 ? QRT_BLOCK_FUA : 0,
					 .offset = i, .length = 1};
	CU_ASSERT_EQUAL(count_group(parts, 4), 2);
	for (i = 0; i < 4; i++)
		parts[i] = (struct part){.priority = QRT_BLOCK_URGENT, .offset = i, .length = 1};
	CU_ASSERT_EQUAL(count_group(parts, 4), 1);
	for (i = 0; i < 4; i++)
		parts[i] = (struct part){.kind = QRT_BLOCK_DISCARD, .offset = i, .length = 1};
	CU_ASSERT_EQUAL(count_group(parts, 4), 1);
}

static void a_group_has_limits(void)
{
	struct part parts[64];
	unsigned i;

	for (i = 0; i < 64; i++)
		parts[i] = (struct part){.offset = i, .length = 1};
	CU_ASSERT_EQUAL(count_group(parts, 64), QRT_BLOCK_P_GROUP_OPS);
	for (i = 0; i < 8; i++)
		parts[i] = (struct part){.offset = i * 65536u, .length = 65536};
	CU_ASSERT_EQUAL(count_group(parts, 8), QRT_BLOCK_P_GROUP_BYTES / 65536);
}

static const struct tap_test tests[] = {
	{"a call is for one who sleeps", a_call_is_for_one_who_sleeps},
	{"the most urgent is taken, and lanes take turns", the_most_urgent_is_taken_and_lanes_take_turns},
	{"the narrow lane has one at a time", the_narrow_lane_has_one_at_a_time},
	{"nobody sleeps while something is there", nobody_sleeps_while_something_is_there},
	{"what is side by side and alike is a group", what_is_side_by_side_and_alike_is_a_group},
	{"a group has limits", a_group_has_limits},
};

TAP_MAIN("block crew", tests)
