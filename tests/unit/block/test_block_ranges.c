/* SPDX-License-Identifier: MIT */
/* Who shares a range and who is alone in it, one after the other and by threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "block_help.h"
#include "ranges_p.h"

#define REGION QRT_BLOCK_P_REGION_BYTES

static struct qrt_block_p_ranges ranges;

static struct qrt_block_p_range_claim claim_of(uint64_t region, uint64_t regions, uint32_t is_alone)
{
	return (struct qrt_block_p_range_claim){
		.offset = region * REGION + 5, .length = regions * REGION - 5, .is_alone = is_alone};
}

static int is_free(void)
{
	unsigned i, used = 0;

	for (i = 0; i < QRT_BLOCK_P_REGIONS; i++)
		used += ranges.regions[i] != 0;
	return !used;
}

static void one_is_alone_or_many_share(void)
{
	struct qrt_block_p_range_claim a = claim_of(1, 2, 0), b = claim_of(2, 1, 0), c = claim_of(2, 3, 1);
	struct qrt_block_p_range_claim beside = claim_of(5, 1, 1);

	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &a), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &a), 1); /* it has it */
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &b), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &c), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &beside), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &a), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &a), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &c), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &b), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &c), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &b), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &c), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &beside), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &b), 0); /* it never had it */
	CU_ASSERT(is_free());
}

/* Or there would always be one more that shares. */
static void who_is_to_be_alone_is_next(void)
{
	struct qrt_block_p_range_claim first = claim_of(0, 1, 0), later = claim_of(0, 1, 0);
	struct qrt_block_p_range_claim alone = claim_of(0, 1, 1), other = claim_of(0, 2, 1);

	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &first), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &alone), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &other), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &later), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &first), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &later), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &alone), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &alone), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &later), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &other), 1); /* it does not want it any more */
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &later), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &later), 1);
	CU_ASSERT(is_free());
}

/* Each region once, however long it is. */
static void what_is_long_has_all_of_it(void)
{
	struct qrt_block_p_range_claim most = claim_of(3, 100000, 1), none = {.length = 0};
	struct qrt_block_p_range_claim far = claim_of(3 + QRT_BLOCK_P_REGIONS, 1, 0);
	struct qrt_block_p_range_claim last = {.offset = INT64_MAX - 1, .length = 1};

	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &most), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &far), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &last), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &none), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &none), 0);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &most), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_take(&ranges, &last), 1);
	CU_ASSERT_EQUAL(qrt_block_p_ranges_give(&ranges, &last), 1);
	CU_ASSERT(is_free());
}

/* ---- threads: what each region has is counted beside, and never goes together ---- */

#define THREADS 3u
#define TURNS   4000u
#define WIDTH   4u

static _Atomic uint32_t sharing[WIDTH], alone[WIDTH], clashes;

static void use(const struct qrt_block_p_range_claim *claim)
{
	uint64_t first = claim->offset / REGION, count = claim->length / REGION + 1, i;
	_Atomic uint32_t *mine = claim->is_alone ? alone : sharing;

	for (i = first; i < first + count; i++)
		atomic_fetch_add(&mine[i], 1);
	for (i = first; i < first + count; i++) {
		uint32_t others = atomic_load(&alone[i]);

		if (claim->is_alone ? others != 1 || atomic_load(&sharing[i]) : others != 0)
			atomic_fetch_add(&clashes, 1);
	}
	for (i = first; i < first + count; i++)
		atomic_fetch_sub(&mine[i], 1);
}

static void *use_many(void *argument)
{
	uint64_t seed = *(const unsigned *)argument;
	uint32_t i;

	for (i = 0; i < TURNS; i++) {
		struct qrt_block_p_range_claim claim;
		uint64_t first, count;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		first = (seed >> 40) % WIDTH;
		count = 1 + (seed >> 50) % (WIDTH - first);
		claim = claim_of(first, count, (seed >> 60) % 2);
		while (qrt_block_p_ranges_take(&ranges, &claim) <= 0)
			sched_yield();
		use(&claim);
		qrt_block_p_ranges_give(&ranges, &claim);
	}
	return NULL;
}

static void threads_do_not_clash(void)
{
	static unsigned seeds[THREADS] = {1, 2, 3};
	pthread_t threads[THREADS];
	unsigned i;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, use_many, &seeds[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(clashes, 0);
	CU_ASSERT(is_free());
}

static const struct tap_test tests[] = {
	{"one is alone or many share", one_is_alone_or_many_share},
	{"who is to be alone is next", who_is_to_be_alone_is_next},
	{"what is long has all of it", what_is_long_has_all_of_it},
	{"threads do not clash", threads_do_not_clash},
};

TAP_MAIN("block ranges", tests)
