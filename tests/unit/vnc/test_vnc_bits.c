/* SPDX-License-Identifier: MIT */
/* Rows of bits, held against one bit at a time. */
#include <string.h>

#include "bits_p.h"
#include "tap.h"

#define WORDS 5u
#define BITS  (WORDS * 64)

static uint64_t seed = 1;

static uint64_t random_word(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(uint64_t *row, uint32_t words, int round)
{
	uint32_t i;

	for (i = 0; i < words; i++) {
		row[i] = random_word();
		if (round % 3 == 0)
			row[i] &= seed >> 3 & seed << 5;
		if (round % 7 == 0)
			row[i] = round % 2 ? 0 : ~0ull;
	}
}

static uint32_t bit(const uint64_t *row, uint32_t words, uint64_t n)
{
	return n < words * 64 ? row[n / 64] >> n % 64 & 1 : 0;
}

static uint32_t find_slowly(const uint64_t *row, uint32_t from, uint32_t wanted)
{
	while (from < BITS && bit(row, WORDS, from) != wanted)
		from++;
	return from < BITS ? from : BITS;
}

static void bits_are_found(void)
{
	uint64_t row[WORDS];
	uint32_t from, wrong = 0;
	int round;

	for (round = 0; round < 50; round++) {
		fill(row, WORDS, round);
		for (from = 0; from <= BITS; from++) {
			wrong += qrt_vnc_p_bits_find_set(row, WORDS, from) != find_slowly(row, from, 1);
			wrong += qrt_vnc_p_bits_find_clear(row, WORDS, from) != find_slowly(row, from, 0);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void stretches_are_set(void)
{
	uint64_t row[WORDS];
	uint32_t first, past, i, wrong = 0;

	for (first = 0; first <= BITS; first += 7) {
		for (past = first; past <= BITS; past += 3) {
			memset(row, 0, sizeof(row));
			qrt_vnc_p_bits_set(row, first, past);
			for (i = 0; i < BITS; i++)
				wrong += bit(row, WORDS, i) != (i >= first && i < past);
			wrong += qrt_vnc_p_bits_count(row, WORDS) != past - first;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Both ways, with rows that are too short and too long for each other. */
static void rows_are_scaled(void)
{
	uint64_t from[WORDS], folded[WORDS], spread[WORDS];
	uint32_t shift, words, to_words, i, j, wanted, wrong = 0;
	int round;

	for (round = 0; round < 200; round++) {
		shift = (uint32_t)(random_word() % 4);
		words = 1 + (uint32_t)(random_word() % WORDS);
		to_words = 1 + (uint32_t)(random_word() % WORDS);
		fill(from, WORDS, round);
		memset(folded, 0, sizeof(folded));
		memset(spread, 0, sizeof(spread));
		qrt_vnc_p_bits_fold(folded, to_words, from, words, shift);
		qrt_vnc_p_bits_spread(spread, to_words, from, words, shift);
		for (i = 0; i < BITS; i++) {
			wanted = 0;
			for (j = 0; j < 1u << shift; j++)
				wanted |= bit(from, words, ((uint64_t)i << shift) + j);
			wrong += bit(folded, WORDS, i) != (i < to_words * 64 && wanted);
			wanted = bit(from, words, i >> shift);
			wrong += bit(spread, WORDS, i) != (i < to_words * 64 && wanted);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* What is there stays. */
static void scaling_adds(void)
{
	uint64_t to = 0x10, from = 0x3;

	qrt_vnc_p_bits_fold(&to, 1, &from, 1, 1);
	CU_ASSERT_EQUAL(to, 0x11);
	qrt_vnc_p_bits_spread(&to, 1, &from, 1, 1);
	CU_ASSERT_EQUAL(to, 0x1f);
}

static const struct tap_test tests[] = {
	{"bits are found", bits_are_found},
	{"stretches are set", stretches_are_set},
	{"rows are scaled", rows_are_scaled},
	{"scaling adds", scaling_adds},
};

TAP_MAIN("vnc_bits", tests)
