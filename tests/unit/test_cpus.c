/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static void adds_within_bounds_only(void)
{
	struct qrt_sched_cpus cpus = {0};

	CU_ASSERT_EQUAL(qrt_sched_cpus_add(&cpus, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_add(&cpus, 1023), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_add(&cpus, 1024), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_cpus_add(&cpus, -1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&cpus), 2);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&cpus, 0), 1);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&cpus, 1), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&cpus, 1023), 1);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&cpus, 1024), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&cpus, -1), 0);
}

static void next_walks_upwards(void)
{
	struct qrt_sched_cpus cpus = cpus_of("0,63-64,200,1023");

	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, -1), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, -100), 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 0), 63);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 63), 64);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 64), 200);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 200), 1023);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 1023), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_cpus_next(&cpus, 1 << 30), -ENOENT);
}

static void parses_the_kernels_list(void)
{
	static const struct {
		const char *text, *same;
	} good[] = {
		{"0", "0"},   {"0-3,8", "0-3,8"},         {"3,1,2", "1-3"},     {"1,1", "1"},   {"5-5", "5"},
		{"007", "7"}, {"1022-1023", "1022-1023"}, {"0-1023", "0-1023"}, {"2,0", "0,2"},
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct qrt_sched_cpus cpus;
		char text[64];

		CU_ASSERT_EQUAL(qrt_sched_cpus_parse(good[i].text, &cpus), 0);
		CU_ASSERT_EQUAL(qrt_sched_cpus_format(&cpus, text, sizeof(text)), (int)strlen(good[i].same));
		CU_ASSERT_STRING_EQUAL(text, good[i].same);
	}
}

static void refuses_what_is_no_list(void)
{
	static const struct {
		const char *text;
		int code;
	} bad[] = {
		{"", -EINVAL},
		{" ", -EINVAL},
		{"0 ", -EINVAL},
		{" 0", -EINVAL},
		{"0, 1", -EINVAL},
		{",", -EINVAL},
		{"0,", -EINVAL},
		{",0", -EINVAL},
		{"0,,1", -EINVAL},
		{"3-2", -EINVAL},
		{"-1", -EINVAL},
		{"1-", -EINVAL},
		{"1--2", -EINVAL},
		{"1-2-3", -EINVAL},
		{"x", -EINVAL},
		{"1x", -EINVAL},
		{"0x1", -EINVAL},
		{"+1", -EINVAL},
		{"0-3:2", -EINVAL},
		{"0\n", -EINVAL},
		{"0+1", -EINVAL},
		{"1024", -ERANGE},
		{"0-1024", -ERANGE},
		{"2000", -ERANGE},
		{"99999999999999999999", -ERANGE},
		{"4294967296", -ERANGE},
		{"0-18446744073709551616", -ERANGE},
	};
	struct qrt_sched_cpus cpus, before;
	size_t i;

	memset(&cpus, 0x5a, sizeof(cpus));
	before = cpus;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_cpus_parse(bad[i].text, &cpus), bad[i].code);
	CU_ASSERT_EQUAL(qrt_sched_cpus_parse(NULL, &cpus), -EINVAL);
	CU_ASSERT_EQUAL(memcmp(&cpus, &before, sizeof(cpus)), 0);
}

static void format_needs_room_for_the_nul(void)
{
	struct qrt_sched_cpus cpus = cpus_of("1-2,10"), none = {0};
	char text[8];
	size_t size;

	for (size = 0; size <= 6; size++)
		CU_ASSERT_EQUAL(qrt_sched_cpus_format(&cpus, text, size), -ENOSPC);
	CU_ASSERT_EQUAL(qrt_sched_cpus_format(&cpus, text, 7), 6);
	CU_ASSERT_STRING_EQUAL(text, "1-2,10");
	CU_ASSERT_EQUAL(qrt_sched_cpus_format(&none, text, 1), 0);
	CU_ASSERT_STRING_EQUAL(text, "");
}

static void random_sets_come_back(void)
{
	struct random random = {.state = 1};
	int round;

	for (round = 0; round < 500; round++) {
		struct qrt_sched_cpus cpus = {0}, again = {0};
		int i, count = 1 + (int)random_below(&random, 300);
		char text[4096];

		for (i = 0; i < count; i++)
			qrt_sched_cpus_add(&cpus, (int)random_below(&random, QRT_SCHED_CPUS_MAX));
		CU_ASSERT_TRUE(qrt_sched_cpus_format(&cpus, text, sizeof(text)) > 0);
		CU_ASSERT_EQUAL(qrt_sched_cpus_parse(text, &again), 0);
		CU_ASSERT_EQUAL(memcmp(&cpus, &again, sizeof(cpus)), 0);
	}
}

static void every_second_cpu_fits_the_longest_text(void)
{
	struct qrt_sched_cpus cpus = {0};
	char text[4096];
	int cpu;

	for (cpu = 1; cpu < QRT_SCHED_CPUS_MAX; cpu += 2)
		qrt_sched_cpus_add(&cpus, cpu);
	CU_ASSERT_TRUE(qrt_sched_cpus_format(&cpus, text, sizeof(text)) > 0);
}

static const struct tap_test tests[] = {
	{"a CPU outside the set's bounds is refused", adds_within_bounds_only},
	{"next walks over all CPUs upwards and ends", next_walks_upwards},
	{"the kernel's list format is read and written", parses_the_kernels_list},
	{"what is no list is refused and changes nothing", refuses_what_is_no_list},
	{"format needs room for the NUL and says so", format_needs_room_for_the_nul},
	{"500 random sets survive format and parse", random_sets_come_back},
	{"the longest text fits", every_second_cpu_fits_the_longest_text},
};

TAP_MAIN("cpus", tests)
