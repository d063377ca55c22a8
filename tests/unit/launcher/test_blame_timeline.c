/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "blame_timeline.h"

static uint64_t sum_of(const struct blame_culprit *culprits, size_t count)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += culprits[i].ns;
	return sum;
}

static void shares_are_those_who_ran_longest_first(void)
{
	struct blame_timeline *timeline = blame_timeline_new();
	struct blame_culprit culprits[BLAME_CULPRITS];

	blame_timeline_run(timeline, 1, 100, 7);
	blame_timeline_run(timeline, 1, 200, 8);
	blame_timeline_run(timeline, 1, 500, 7);
	blame_timeline_run(timeline, 1, 600, 0);
	CU_ASSERT_EQUAL_FATAL(blame_timeline_share(timeline, 1, 150, 650, culprits), 3);
	CU_ASSERT_EQUAL(culprits[0].tid, 8);
	CU_ASSERT_EQUAL(culprits[0].ns, 300);
	CU_ASSERT_EQUAL(culprits[1].tid, 7);
	CU_ASSERT_EQUAL(culprits[1].ns, 150);
	CU_ASSERT_EQUAL(culprits[2].tid, BLAME_TID_IDLE);
	CU_ASSERT_EQUAL(culprits[2].ns, 50);
	blame_timeline_free(timeline);
}

static void other_cpus_do_not_count(void)
{
	struct blame_timeline *timeline = blame_timeline_new();
	struct blame_culprit culprits[BLAME_CULPRITS];

	blame_timeline_run(timeline, 0, 100, 7);
	blame_timeline_run(timeline, 1, 100, 8);
	CU_ASSERT_EQUAL_FATAL(blame_timeline_share(timeline, 0, 100, 200, culprits), 1);
	CU_ASSERT_EQUAL(culprits[0].tid, 7);
	blame_timeline_free(timeline);
}

static void time_before_the_history_is_unknown(void)
{
	struct blame_timeline *timeline = blame_timeline_new();
	struct blame_culprit culprits[BLAME_CULPRITS];
	uint64_t i;

	CU_ASSERT_EQUAL(blame_timeline_now(timeline, 3), BLAME_TID_UNKNOWN);
	CU_ASSERT_EQUAL_FATAL(blame_timeline_share(timeline, 3, 10, 20, culprits), 1);
	CU_ASSERT_EQUAL(culprits[0].tid, BLAME_TID_UNKNOWN);
	for (i = 0; i < 100000; i++)
		blame_timeline_run(timeline, 3, 1000 + i, (int32_t)(1 + i % 2));
	CU_ASSERT_EQUAL(blame_timeline_now(timeline, 3), 2);
	CU_ASSERT_EQUAL_FATAL(blame_timeline_share(timeline, 3, 1000, 101000, culprits), 3);
	CU_ASSERT_EQUAL(culprits[0].tid, BLAME_TID_UNKNOWN);
	CU_ASSERT_EQUAL(sum_of(culprits, 3), 100000);
	blame_timeline_free(timeline);
}

static void many_tasks_are_summed_as_others(void)
{
	struct blame_timeline *timeline = blame_timeline_new();
	struct blame_culprit culprits[BLAME_CULPRITS];
	int32_t i;

	for (i = 0; i < 1000; i++)
		blame_timeline_run(timeline, 0, (uint64_t)i * 10, i + 1);
	CU_ASSERT_EQUAL_FATAL(blame_timeline_share(timeline, 0, 0, 10000, culprits), BLAME_CULPRITS);
	CU_ASSERT_EQUAL(culprits[BLAME_CULPRITS - 1].tid, BLAME_TID_OTHERS);
	CU_ASSERT_EQUAL(sum_of(culprits, BLAME_CULPRITS), 10000);
	blame_timeline_free(timeline);
}

static void empty_times_and_wrong_cpus_are_harmless(void)
{
	struct blame_timeline *timeline = blame_timeline_new();
	struct blame_culprit culprits[BLAME_CULPRITS];

	blame_timeline_run(timeline, BLAME_CPUS_MAX, 100, 7);
	blame_timeline_run(timeline, UINT32_MAX, 100, 7);
	CU_ASSERT_EQUAL(blame_timeline_share(timeline, 0, 100, 100, culprits), 0);
	CU_ASSERT_EQUAL(blame_timeline_share(timeline, 0, 200, 100, culprits), 0);
	CU_ASSERT_EQUAL(blame_timeline_share(timeline, UINT32_MAX, 100, 200, culprits), 1);
	CU_ASSERT_EQUAL(blame_timeline_now(timeline, UINT32_MAX), BLAME_TID_UNKNOWN);
	CU_ASSERT_PTR_NULL(blame_timeline_free(timeline));
	CU_ASSERT_PTR_NULL(blame_timeline_free(NULL));
}

static const struct tap_test tests[] = {
	{"shares are those who ran, the longest first", shares_are_those_who_ran_longest_first},
	{"other CPUs do not count", other_cpus_do_not_count},
	{"time before the history is unknown", time_before_the_history_is_unknown},
	{"many tasks are summed as others", many_tasks_are_summed_as_others},
	{"empty times and wrong CPUs are harmless", empty_times_and_wrong_cpus_are_harmless},
};

TAP_MAIN("blame_timeline", tests)
