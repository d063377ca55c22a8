/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

#include "tap.h"

#define MS 1000000ull

static void budgets_are_parsed(void)
{
	static const struct {
		const char *text;
		uint64_t runtime_ns, window_ns;
	} cases[] = {
		{"30%/100ms", 30 * MS, 100 * MS},
		{"30%", 30 * MS, 100 * MS},
		{"150%/1s", 1500 * MS, 1000 * MS},
		{"5ms/20ms", 5 * MS, 20 * MS},
		{"100%/1ms", MS, MS},
		{"1us/10s", 1000, 10000 * MS},
		{"250us/1000000ns", 250000, MS},
		{"33%/7ms", 2310000, 7 * MS},
		{"102400%/10s", 10240000 * MS, 10000 * MS},
		{"00030%/00100ms", 30 * MS, 100 * MS},
	};
	struct qrt_sched_budget budget;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		budget = (struct qrt_sched_budget){0};
		CU_ASSERT_EQUAL(qrt_sched_budget_parse(cases[i].text, &budget, NULL), 0);
		CU_ASSERT_EQUAL(budget.runtime_ns, cases[i].runtime_ns);
		CU_ASSERT_EQUAL(budget.window_ns, cases[i].window_ns);
	}
}

static void what_is_no_budget_is_refused_with_its_place(void)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"", -EINVAL, "character 1: a number is missing"},
		{"%", -EINVAL, "character 1"},
		{"-5%", -EINVAL, "character 1"},
		{" 5%", -EINVAL, "character 1"},
		{"30", -EINVAL, "character 3: the unit"},
		{"30%100ms", -EINVAL, "character 4: a slash"},
		{"30%/", -EINVAL, "character 5: a number is missing"},
		{"30%/100", -EINVAL, "character 8: the unit"},
		{"30%/100min", -EINVAL, "character 8: the unit"},
		{"30%/100ms/5", -EINVAL, "character 10: nothing"},
		{"5ms", -EINVAL, "the window is missing"},
		{"5 ms/10ms", -EINVAL, "character 2: the unit"},
		{"0%", -ERANGE, "no budget"},
		{"0ms/5ms", -ERANGE, "no budget"},
		{"999ns/5ms", -ERANGE, "less than 1us"},
		{"30%/999us", -ERANGE, "1ms..10s"},
		{"30%/11s", -ERANGE, "1ms..10s"},
		{"102500%/10ms", -ERANGE, "1024 CPUs"},
		{"99999999999999999999%", -ERANGE, "too large"},
		{"999999999999999s/1s", -ERANGE, "too long"},
		{"999999999999999%/10s", -ERANGE, "too large"},
	};
	struct qrt_sched_budget budget = {1, 2};
	struct qrt_sched_error error;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&error, 0, sizeof(error));
		CU_ASSERT_EQUAL(qrt_sched_budget_parse(cases[i].text, &budget, &error), cases[i].code);
		CU_ASSERT_EQUAL(error.code, cases[i].code);
		if (!strstr(error.message, cases[i].says))
			tap_note("'%s': %s", cases[i].text, error.message);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, cases[i].says));
	}
	CU_ASSERT(budget.runtime_ns == 1 && budget.window_ns == 2);
}

static void formatted_budgets_say_the_same(void)
{
	static const char *const texts[] = {"30%/100ms", "150%/1s",        "5%/20ms",
					    "1us/1s",    "3333333ns/10ms", "102400%/10s"};
	struct qrt_sched_budget budget, again;
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(qrt_sched_budget_parse(texts[i], &budget, NULL), 0);
		CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, sizeof(text)), (int)strlen(texts[i]));
		CU_ASSERT_STRING_EQUAL(text, texts[i]);
		CU_ASSERT_EQUAL_FATAL(qrt_sched_budget_parse(text, &again, NULL), 0);
		CU_ASSERT_EQUAL(memcmp(&budget, &again, sizeof(again)), 0);
	}
	budget = (struct qrt_sched_budget){5 * MS, 20 * MS};
	CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, sizeof(text)), 8);
	CU_ASSERT_STRING_EQUAL(text, "25%/20ms");
}

static void a_small_buffer_stays_as_it_was(void)
{
	const struct qrt_sched_budget budget = {30 * MS, 100 * MS}, odd = {UINT64_MAX, UINT64_MAX};
	char text[64] = "abcdefghij";

	CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, 9), -ENOSPC);
	CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, 0), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(text, "abcdefghij");
	CU_ASSERT_EQUAL(qrt_sched_budget_format(&budget, text, 10), 9);
	CU_ASSERT(qrt_sched_budget_format(&odd, text, sizeof(text)) > 0);
}

static const struct tap_test tests[] = {
	{"budgets are parsed", budgets_are_parsed},
	{"what is no budget is refused with its place", what_is_no_budget_is_refused_with_its_place},
	{"formatted budgets say the same", formatted_budgets_say_the_same},
	{"a small buffer stays as it was", a_small_buffer_stays_as_it_was},
};

TAP_MAIN("budget", tests)
