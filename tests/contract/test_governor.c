/* SPDX-License-Identifier: MIT */
/* The governor and its budgets from outside. */
#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

#include "tap.h"

static void closing_nothing_returns_nothing(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_governor_close(NULL));
}

static void outputs_stay_untouched_on_failure(void)
{
	struct qrt_sched_budget budget = {7, 8};
	struct qrt_sched_verdict verdict, before;
	struct qrt_sched_governor *governor = NULL;
	const struct qrt_sched_usage usage = {.run_ns = 1};
	char text[4] = "abc";

	memset(&before, 0x5a, sizeof(before));
	verdict = before;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&governor), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, 0, &verdict), -ENOENT);
	CU_ASSERT_EQUAL(memcmp(&verdict, &before, sizeof(before)), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_account(governor, 0, 1, &usage), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_governor_remove(governor, 0), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_governor_get_next(governor, 1), 0);
	CU_ASSERT_EQUAL(qrt_sched_budget_parse("30", &budget, NULL), -EINVAL);
	CU_ASSERT(budget.runtime_ns == 7 && budget.window_ns == 8);
	CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, sizeof(text)), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(text, "abc");
	qrt_sched_governor_close(governor);
}

static void configurations_of_other_versions_are_known_by_their_size(void)
{
	struct {
		struct qrt_sched_group_config known;
		uint64_t tail;
	} newer = {.known = {.size = sizeof(newer), .parent = -1}, .tail = 1};
	struct qrt_sched_governor *governor = NULL;
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&governor), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_add(governor, &newer.known, &error), -E2BIG);
	CU_ASSERT_EQUAL(error.code, -E2BIG);
	newer.tail = 0;
	CU_ASSERT_EQUAL(qrt_sched_governor_add(governor, &newer.known, &error), 0);
	newer.known.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_governor_add(governor, &newer.known, &error), -EINVAL);
	qrt_sched_governor_close(governor);
}

static void a_round_says_who_is_over(void)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1};
	struct qrt_sched_usage usage = {.threads = 1};
	struct qrt_sched_governor *governor = NULL;
	struct qrt_sched_verdict verdict;
	uint64_t now = 1000000000, next;
	int group;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&governor), 0);
	CU_ASSERT_EQUAL(qrt_sched_budget_parse("20%/10ms", &config.budget, NULL), 0);
	group = qrt_sched_governor_add(governor, &config, NULL);
	CU_ASSERT_FATAL(group >= 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_account(governor, group, now, &usage), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_decide(governor, now), 0);
	next = qrt_sched_governor_get_next(governor, now);
	CU_ASSERT_EQUAL(next, now + 2000000);
	usage.run_ns = next - now;
	CU_ASSERT_EQUAL(qrt_sched_governor_account(governor, group, next, &usage), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_decide(governor, next), 1);
	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, group, &verdict), 0);
	CU_ASSERT(verdict.over == 1 && verdict.reason == QRT_SCHED_OVER_BUDGET);
	CU_ASSERT_EQUAL(verdict.until_ns, now + 10000000);
	qrt_sched_governor_close(governor);
}

static const struct tap_test tests[] = {
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"configurations of other versions are known by their size",
	 configurations_of_other_versions_are_known_by_their_size},
	{"a round says who is over", a_round_says_who_is_over},
};

TAP_MAIN("governor", tests)
