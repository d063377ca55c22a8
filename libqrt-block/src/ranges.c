/* SPDX-License-Identifier: MIT */
#include "ranges_p.h"

#include <errno.h>

/* What a region has: how many share it, how many want to be alone in it, whether one is. */
#define SHARED 1ull
#define WANTED (1ull << 32)
#define ALONE  (1ull << 63)

static uint32_t count_of(const struct qrt_block_p_range_claim *claim)
{
	uint64_t first = claim->offset / QRT_BLOCK_P_REGION_BYTES;
	uint64_t last = (claim->offset + claim->length - 1) / QRT_BLOCK_P_REGION_BYTES;

	return last - first < QRT_BLOCK_P_REGIONS ? (uint32_t)(last - first + 1) : QRT_BLOCK_P_REGIONS;
}

static _Atomic uint64_t *region_of(struct qrt_block_p_ranges *ranges,
				   const struct qrt_block_p_range_claim *claim, uint32_t i)
{
	return &ranges->regions[(claim->offset / QRT_BLOCK_P_REGION_BYTES + i) % QRT_BLOCK_P_REGIONS];
}

static uint64_t unit_of(const struct qrt_block_p_range_claim *claim)
{
	return claim->is_alone ? ALONE : SHARED;
}

/* Who is to be alone comes before those who share, of whom there may be ever more. */
static int is_open(uint64_t region, const struct qrt_block_p_range_claim *claim)
{
	return claim->is_alone ? !(region & ALONE) && !(region % WANTED) : region < WANTED;
}

static int are_all_open(struct qrt_block_p_ranges *ranges, const struct qrt_block_p_range_claim *claim)
{
	uint32_t i, count = count_of(claim);

	for (i = 0; i < count; i++) {
		if (!is_open(atomic_load(region_of(ranges, claim, i)), claim))
			return 0;
	}
	return 1;
}

static int take_one(_Atomic uint64_t *region, const struct qrt_block_p_range_claim *claim)
{
	uint64_t now = atomic_load(region);

	do {
		if (!is_open(now, claim))
			return 0;
	} while (!atomic_compare_exchange_weak(region, &now, now + unit_of(claim)));
	return 1;
}

/* The first `count` of them lose that. */
static void subtract(struct qrt_block_p_ranges *ranges, const struct qrt_block_p_range_claim *claim,
		     uint32_t count, uint64_t unit)
{
	while (count--)
		atomic_fetch_sub(region_of(ranges, claim, count), unit);
}

static void want(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim)
{
	uint32_t i, count = count_of(claim);

	for (i = 0; i < count; i++)
		atomic_fetch_add(region_of(ranges, claim, i), WANTED);
	claim->state = QRT_BLOCK_P_RANGE_WANTED;
}

/* Who sees that it is in vain leaves all as it is: others look whenever something was changed. */
static int try_all(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim)
{
	uint32_t i, count = count_of(claim);

	if (!are_all_open(ranges, claim))
		return 0;
	for (i = 0; i < count && take_one(region_of(ranges, claim, i), claim); i++)
		;
	if (i < count) {
		subtract(ranges, claim, i, unit_of(claim));
		return -EAGAIN;
	}
	if (claim->state == QRT_BLOCK_P_RANGE_WANTED)
		subtract(ranges, claim, count, WANTED);
	claim->state = QRT_BLOCK_P_RANGE_TAKEN;
	return 1;
}

int qrt_block_p_ranges_take(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim)
{
	int rc = 1;

	if (claim->length && claim->state != QRT_BLOCK_P_RANGE_TAKEN)
		rc = try_all(ranges, claim);
	if (rc <= 0 && claim->is_alone && claim->state == QRT_BLOCK_P_RANGE_NONE)
		want(ranges, claim);
	return rc;
}

int qrt_block_p_ranges_give(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim)
{
	uint64_t unit = claim->state == QRT_BLOCK_P_RANGE_WANTED ? WANTED : unit_of(claim);

	if (!claim->length || claim->state == QRT_BLOCK_P_RANGE_NONE)
		return 0;
	subtract(ranges, claim, count_of(claim), unit);
	claim->state = QRT_BLOCK_P_RANGE_NONE;
	return 1;
}
