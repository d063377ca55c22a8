/* SPDX-License-Identifier: MIT */
#include "bits_p.h"

static uint32_t find(const uint64_t *row, uint32_t words, uint32_t from, uint64_t flip)
{
	uint32_t i = from / QRT_VNC_P_BITS;
	uint64_t word;

	if (i >= words)
		return words * QRT_VNC_P_BITS;
	word = (row[i] ^ flip) & ~qrt_vnc_p_bits_low(from % QRT_VNC_P_BITS);
	while (!word && ++i < words)
		word = row[i] ^ flip;
	return word ? i * QRT_VNC_P_BITS + (uint32_t)__builtin_ctzll(word) : words * QRT_VNC_P_BITS;
}

uint32_t qrt_vnc_p_bits_find_set(const uint64_t *row, uint32_t words, uint32_t from)
{
	return find(row, words, from, 0);
}

uint32_t qrt_vnc_p_bits_find_clear(const uint64_t *row, uint32_t words, uint32_t from)
{
	return find(row, words, from, ~0ull);
}

void qrt_vnc_p_bits_set(uint64_t *row, uint32_t first, uint32_t past)
{
	uint32_t i, from, to;

	for (i = first / QRT_VNC_P_BITS; i * QRT_VNC_P_BITS < past; i++) {
		from = first > i * QRT_VNC_P_BITS ? first - i * QRT_VNC_P_BITS : 0;
		to = past - i * QRT_VNC_P_BITS;
		row[i] |= qrt_vnc_p_bits_low(to) & ~qrt_vnc_p_bits_low(from);
	}
}

uint64_t qrt_vnc_p_bits_count(const uint64_t *row, uint64_t words)
{
	uint64_t i, count = 0;

	for (i = 0; i < words; i++)
		count += (uint64_t)__builtin_popcountll(row[i]);
	return count;
}

/* ---- scale ---- */

static const uint64_t halves[] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
				  0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};

/* Each pair of bits becomes one, in the lower half. */
static uint64_t fold_pairs(uint64_t word)
{
	uint32_t i;

	word = (word | word >> 1) & halves[0];
	for (i = 1; i < 6; i++)
		word = (word | word >> (1u << (i - 1))) & halves[i];
	return word;
}

/* Each bit of the lower half becomes a pair. */
static uint64_t spread_pairs(uint64_t word)
{
	uint32_t i;

	word &= halves[5];
	for (i = 5; i-- > 0;)
		word = (word | word << (1u << i)) & halves[i];
	return word | word << 1;
}

void qrt_vnc_p_bits_fold(uint64_t *to, uint32_t to_words, const uint64_t *from, uint32_t from_words,
			 uint32_t shift)
{
	uint32_t i, times, place;
	uint64_t word;

	for (i = 0; i < from_words && i >> shift < to_words; i++) {
		word = from[i];
		for (times = shift; times && word; times--)
			word = fold_pairs(word);
		place = (i & ((1u << shift) - 1)) * (QRT_VNC_P_BITS >> shift);
		to[i >> shift] |= word << place;
	}
}

void qrt_vnc_p_bits_spread(uint64_t *to, uint32_t to_words, const uint64_t *from, uint32_t from_words,
			   uint32_t shift)
{
	uint32_t i, times, place;
	uint64_t word;

	for (i = 0; i < to_words && i >> shift < from_words; i++) {
		place = (i & ((1u << shift) - 1)) * (QRT_VNC_P_BITS >> shift);
		word = from[i >> shift] >> place;
		for (times = shift; times && word; times--)
			word = spread_pairs(word);
		to[i] |= word;
	}
}
