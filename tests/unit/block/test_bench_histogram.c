/* SPDX-License-Identifier: MIT */
#include "bench_histogram.h"
#include "tap.h"

static struct bench_histogram *new_histogram(void)
{
	return g_new0(struct bench_histogram, 1);
}

static void test_every_time_has_a_place(void)
{
	guint shift;

	for (shift = 0; shift < 64; shift++) {
		g_autofree struct bench_histogram *histogram = new_histogram();
		guint64 ns = (G_GUINT64_CONSTANT(1) << shift) + ((G_GUINT64_CONSTANT(1) << shift) - 1) / 3,
			share;

		bench_histogram_add(histogram, ns);
		bench_histogram_add(histogram, G_MAXUINT64);
		share = bench_histogram_get_share(histogram, 0.5);
		CU_ASSERT(share >= ns);
		CU_ASSERT(share - ns <= ns / 50);
		CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 1), G_MAXUINT64);
	}
}

static void test_shares(void)
{
	g_autofree struct bench_histogram *histogram = new_histogram(), *other = new_histogram();
	guint i;

	CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 0.5), 0);
	for (i = 1; i <= 50; i++)
		bench_histogram_add(histogram, i);
	for (i = 1; i <= 50; i++)
		bench_histogram_add(other, 1000000);
	bench_histogram_merge(histogram, other);
	CU_ASSERT_EQUAL(histogram->count, 100);
	CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 0.25), 25);
	CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 0.5), 50);
	CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 0.51), 1000000);
	CU_ASSERT_EQUAL(bench_histogram_get_share(histogram, 0.99), 1000000);
}

static const struct tap_test tests[] = {
	{"every time has a place, and comes back to 2 %", test_every_time_has_a_place},
	{"shares of all that were seen", test_shares},
};

TAP_MAIN("bench_histogram", tests)
