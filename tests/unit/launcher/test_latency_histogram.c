/* SPDX-License-Identifier: MIT */
#include "latency_histogram.h"
#include "tap.h"

#include <stdlib.h>

#define US 1000u

static void open_histogram(struct latency_histogram *histogram, uint32_t size)
{
	CU_ASSERT_EQUAL_FATAL(latency_histogram_init(histogram, size), 0);
}

static void test_empty(void)
{
	struct latency_histogram histogram;

	open_histogram(&histogram, 10);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9900), 0);
	CU_ASSERT_EQUAL(histogram.count, 0);
	CU_ASSERT_EQUAL(histogram.max_ns, 0);
	latency_histogram_clear(&histogram);
	latency_histogram_clear(&histogram);
}

static void test_buckets(void)
{
	struct latency_histogram histogram;

	open_histogram(&histogram, 3);
	latency_histogram_add(&histogram, 0);
	latency_histogram_add(&histogram, 999);
	latency_histogram_add(&histogram, 1000);
	latency_histogram_add(&histogram, 2999);
	latency_histogram_add(&histogram, 3000);
	latency_histogram_add(&histogram, UINT64_MAX);
	CU_ASSERT_EQUAL(histogram.counts[0], 2);
	CU_ASSERT_EQUAL(histogram.counts[1], 1);
	CU_ASSERT_EQUAL(histogram.counts[2], 1);
	CU_ASSERT_EQUAL(histogram.beyond, 2);
	CU_ASSERT_EQUAL(histogram.count, 6);
	CU_ASSERT_EQUAL(histogram.min_ns, 0);
	CU_ASSERT_EQUAL(histogram.max_ns, UINT64_MAX);
	latency_histogram_clear(&histogram);
}

/* 1..10000 us, once each: the share of n in 10000 is n. */
static void test_shares(void)
{
	struct latency_histogram histogram;
	uint32_t us;

	open_histogram(&histogram, 20000);
	for (us = 10000; us > 0; us--)
		latency_histogram_add(&histogram, us * US + 999);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 0), 1);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 1), 1);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 5000), 5000);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9900), 9900);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9990), 9990);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9999), 9999);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, LATENCY_SHARE_ALL), 10000);
	latency_histogram_clear(&histogram);
}

/* With few values a high share is the longest one, never better than what was seen. */
static void test_few(void)
{
	struct latency_histogram histogram;

	open_histogram(&histogram, 100);
	latency_histogram_add(&histogram, 5 * US);
	latency_histogram_add(&histogram, 7 * US);
	latency_histogram_add(&histogram, 90 * US);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 3333), 5);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 3334), 7);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 5000), 7);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9900), 90);
	latency_histogram_clear(&histogram);
}

static void test_beyond(void)
{
	struct latency_histogram histogram;
	int i;

	open_histogram(&histogram, 10);
	for (i = 0; i < 98; i++)
		latency_histogram_add(&histogram, 3 * US);
	latency_histogram_add(&histogram, 400 * US);
	latency_histogram_add(&histogram, 500 * US);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9800), 3);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, 9900), 500);
	latency_histogram_clear(&histogram);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against sorting. */
static void test_model(void)
{
	enum { COUNT = 3001, SIZE = 5000 };
	static uint64_t values[COUNT];
	const uint32_t shares[] = {1, 100, 5000, 9000, 9900, 9990, 9999, 10000};
	struct latency_histogram histogram;
	uint64_t rank;
	size_t i;

	open_histogram(&histogram, SIZE);
	srandom(1);
	for (i = 0; i < COUNT; i++) {
		values[i] = (uint64_t)random() % (SIZE * US);
		latency_histogram_add(&histogram, values[i]);
	}
	qsort(values, COUNT, sizeof(values[0]), compare);
	for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		rank = (COUNT * (uint64_t)shares[i] + LATENCY_SHARE_ALL - 1) / LATENCY_SHARE_ALL;
		CU_ASSERT_EQUAL(latency_histogram_get_share(&histogram, shares[i]), values[rank - 1] / US);
	}
	CU_ASSERT_EQUAL(histogram.min_ns, values[0]);
	CU_ASSERT_EQUAL(histogram.max_ns, values[COUNT - 1]);
	latency_histogram_clear(&histogram);
}

static const struct tap_test tests[] = {
	{"an empty one", test_empty},
	{"microseconds are rounded down, and what is beyond is counted", test_buckets},
	{"shares by nearest rank", test_shares},
	{"shares of few latencies are the longest", test_few},
	{"a share beyond the histogram is the longest latency", test_beyond},
	{"as by sorting", test_model},
};

TAP_MAIN("latency_histogram", tests)
