/* SPDX-License-Identifier: MIT */
#include "guest_result.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define COUNT 4u
#define MOST  UINT64_C(620000000000)

static const uint64_t late[COUNT] = {3, 900, 52000, 1700000};

/* As an agent measures it. */
static struct qrt_shmem_agent_result measure(void)
{
	struct qrt_shmem_agent_result result = {.count = COUNT, .min_ns = late[0], .max_ns = late[COUNT - 1]};
	uint32_t i;

	for (i = 0; i < COUNT; i++) {
		result.sum_ns += late[i];
		result.buckets[qrt_shmem_agent_bucket(late[i])]++;
	}
	return result;
}

static void check(const struct qrt_shmem_agent_result *result, bool wanted)
{
	CU_ASSERT_EQUAL(guest_result_is_sane(result, COUNT, MOST), wanted);
}

static void what_was_measured(void)
{
	struct qrt_shmem_agent_result result = measure();

	check(&result, true);
	CU_ASSERT_TRUE(guest_result_is_sane(&result, COUNT, late[COUNT - 1]));
	CU_ASSERT_FALSE(guest_result_is_sane(&result, COUNT, late[COUNT - 1] - 1));
	CU_ASSERT_FALSE(guest_result_is_sane(&result, COUNT + 1, MOST));
}

/* All the same, and the most that there can be. */
static void extremes(void)
{
	struct qrt_shmem_agent_result result = {
		.count = 1000000, .min_ns = MOST, .max_ns = MOST, .sum_ns = MOST * 1000000};

	result.buckets[qrt_shmem_agent_bucket(MOST)] = 1000000;
	CU_ASSERT_TRUE(guest_result_is_sane(&result, 1000000, MOST));
	memset(&result, 0, sizeof(result));
	result.count = result.buckets[0] = 1;
	CU_ASSERT_TRUE(guest_result_is_sane(&result, 1, MOST));
}

static void numbers_that_do_not_fit(void)
{
	struct qrt_shmem_agent_result result = measure();

	result.count++;
	check(&result, false);
	result = measure();
	result.buckets[100]++;
	check(&result, false);
	result = measure();
	result.min_ns = result.max_ns + 1;
	check(&result, false);
	result = measure();
	result.max_ns = UINT64_MAX;
	check(&result, false);
	/* Another bucket than the first, or the last. */
	result = measure();
	result.min_ns = 8;
	check(&result, false);
	result = measure();
	result.max_ns = 52001;
	check(&result, false);
}

static void buckets_that_do_not_fit(void)
{
	struct qrt_shmem_agent_result result = measure();

	result.buckets[0] = UINT32_MAX;
	result.buckets[1] = 1;
	check(&result, false);
	memset(result.buckets, 0xff, sizeof(result.buckets));
	check(&result, false);
	memset(result.buckets, 0, sizeof(result.buckets));
	check(&result, false);
}

/* A sum has room within its buckets, and no more than that. */
static void a_sum_that_does_not_fit(void)
{
	struct qrt_shmem_agent_result result = measure();
	uint64_t least = 3 + 896 + 49152 + 1572864, most = 3 + 959 + 53247 + 1700000;

	result.sum_ns = least;
	check(&result, true);
	result.sum_ns = least - 1;
	check(&result, false);
	result.sum_ns = most;
	check(&result, true);
	result.sum_ns = most + 1;
	check(&result, false);
	result.sum_ns = UINT64_MAX;
	check(&result, false);
}

static void errors(void)
{
	struct qrt_shmem_agent_result result = {.error = -EBUSY};

	check(&result, true);
	result.error = -4096;
	check(&result, false);
	result.error = INT32_MIN;
	check(&result, false);
	result = measure();
	result.error = 1;
	check(&result, false);
}

static const struct tap_test tests[] = {
	{"what an agent measures can be", what_was_measured},
	{"the shortest and the longest can be", extremes},
	{"numbers that do not fit each other", numbers_that_do_not_fit},
	{"buckets that do not fit the count", buckets_that_do_not_fit},
	{"a sum that does not fit the buckets", a_sum_that_does_not_fit},
	{"an error is an errno", errors},
};

TAP_MAIN("guest_result", tests)
