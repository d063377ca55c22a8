/* SPDX-License-Identifier: MIT */
/* What threads used, from what the kernel says of them. */
#include "tap.h"

#include "governor_usage.h"

#include <errno.h>

#define MS 1000000ull

static struct governor_usage step(struct governor_clock *clock, uint64_t run_ms, uint64_t wait_ms, bool ready,
				  uint64_t at_ms)
{
	const struct governor_usage said = {run_ms * MS, wait_ms * MS};

	return governor_usage_step(clock, &said, ready, at_ms * MS);
}

static void test_text(void)
{
	struct governor_usage usage = {7, 8};

	CU_ASSERT_EQUAL(governor_usage_parse("12 34 5\n", &usage), 0);
	CU_ASSERT(usage.run_ns == 12 && usage.wait_ns == 34);
	CU_ASSERT_EQUAL(governor_usage_parse("", &usage), -EINVAL);
	CU_ASSERT_EQUAL(governor_usage_parse("12", &usage), -EINVAL);
	CU_ASSERT(usage.run_ns == 12 && usage.wait_ns == 34);
}

#define STAT_REST                                                                                            \
	" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35"

static void test_stat(void)
{
	bool ready = false;
	int cpu = -1;

	CU_ASSERT_EQUAL(governor_usage_parse_stat("4 (CPU 0/KVM) R" STAT_REST " 7 0 0\n", &ready, &cpu), 0);
	CU_ASSERT(ready && cpu == 7);
	CU_ASSERT_EQUAL(governor_usage_parse_stat("4 (a) R (b)) S" STAT_REST " 1023 0\n", &ready, &cpu), 0);
	CU_ASSERT(!ready && cpu == 1023);
	CU_ASSERT_EQUAL(governor_usage_parse_stat("4 (x) R" STAT_REST, &ready, &cpu), -EINVAL);
	CU_ASSERT_EQUAL(governor_usage_parse_stat("4 (x) R" STAT_REST " x", &ready, &cpu), -EINVAL);
	CU_ASSERT_EQUAL(governor_usage_parse_stat("4 (x", &ready, &cpu), -EINVAL);
	CU_ASSERT_EQUAL(governor_usage_parse_stat("", &ready, &cpu), -EINVAL);
	CU_ASSERT(!ready && cpu == 1023);
}

static void test_growth(void)
{
	struct governor_clock clock = {.last = {100 * MS, 50 * MS}, .at_ns = 10 * MS};
	struct governor_usage used = step(&clock, 103, 51, true, 14);

	CU_ASSERT(used.run_ns == 3 * MS && used.wait_ns == 1 * MS);
	used = step(&clock, 103, 51, false, 18);
	CU_ASSERT(used.run_ns == 0 && used.wait_ns == 0);
	used = step(&clock, 90, 40, false, 19);
	CU_ASSERT(used.run_ns == 0 && used.wait_ns == 0);
	used = step(&clock, 91, 40, false, 20);
	CU_ASSERT_EQUAL(used.run_ns, 1 * MS);
}

/* The kernel says of a wait only when it is over. */
static void test_waits(void)
{
	struct governor_clock clock = {.at_ns = 10 * MS};
	struct governor_usage used = step(&clock, 0, 0, true, 14);

	CU_ASSERT_EQUAL(used.wait_ns, 4 * MS);
	used = step(&clock, 0, 0, true, 20);
	CU_ASSERT_EQUAL(used.wait_ns, 6 * MS);
	used = step(&clock, 1, 13, true, 24);
	CU_ASSERT(used.run_ns == 1 * MS && used.wait_ns == 3 * MS);
	used = step(&clock, 1, 15, true, 26);
	CU_ASSERT_EQUAL(used.wait_ns, 2 * MS);
}

static const struct tap_test tests[] = {
	{"the kernel's words are read, and no others", test_text},
	{"a state and a CPU are read behind any name", test_stat},
	{"what grew was used, what fell was not", test_growth},
	{"a wait counts while it lasts, and once", test_waits},
};

TAP_MAIN("governor_usage", tests)
