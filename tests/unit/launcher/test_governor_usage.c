/* SPDX-License-Identifier: MIT */
/* What threads used, from what the kernel says of them; CPUs that belong together. */
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
	CU_ASSERT_TRUE(governor_usage_is_ready("4 (CPU 0/KVM) R 1 4 4"));
	CU_ASSERT_FALSE(governor_usage_is_ready("4 (CPU 0/KVM) S 1 4 4"));
	CU_ASSERT_TRUE(governor_usage_is_ready("4 () S (x) R 1"));
	CU_ASSERT_FALSE(governor_usage_is_ready("4 (R"));
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

static struct qrt_sched_cpus cpus_of(const char *text)
{
	struct qrt_sched_cpus cpus = {{0}};

	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(text, &cpus), 0);
	return cpus;
}

static size_t unite(struct qrt_sched_cpus *sets, size_t count, size_t max, const char *text)
{
	struct qrt_sched_cpus cpus = cpus_of(text);

	return governor_unite(sets, count, max, &cpus);
}

static void expect(const struct qrt_sched_cpus *cpus, const char *wanted)
{
	char text[64] = "";

	qrt_sched_cpus_format(cpus, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void test_unite(void)
{
	struct qrt_sched_cpus sets[3];
	size_t count = unite(sets, 0, 3, "0");

	count = unite(sets, count, 3, "2-3");
	CU_ASSERT_EQUAL(count, 2);
	count = unite(sets, count, 3, "2");
	CU_ASSERT_EQUAL(count, 2);
	count = unite(sets, count, 3, "5");
	CU_ASSERT_EQUAL(count, 3);
	count = unite(sets, count, 3, "0,3");
	CU_ASSERT_EQUAL_FATAL(count, 2);
	expect(&sets[0], "5");
	expect(&sets[1], "0,2-3");
	count = unite(sets, count, 3, "7");
	count = unite(sets, count, 3, "9");
	CU_ASSERT_EQUAL_FATAL(count, 3);
	expect(&sets[2], "7,9");
}

static const struct tap_test tests[] = {
	{"the kernel's words are read, and no others", test_text},
	{"what grew was used, what fell was not", test_growth},
	{"a wait counts while it lasts, and once", test_waits},
	{"CPUs that have one in common belong together", test_unite},
};

TAP_MAIN("governor_usage", tests)
