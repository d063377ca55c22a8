/* SPDX-License-Identifier: MIT */
/* Rows of bits: bit n % 64 of word n / 64 is the nth. */
#ifndef QRT_VNC_BITS_P_H
#define QRT_VNC_BITS_P_H

#include <stdint.h>

#define QRT_VNC_P_BITS 64u /* of a word */

/* The first bit from `from` on that is set, or not; words * 64: none. */
uint32_t qrt_vnc_p_bits_find_set(const uint64_t *row, uint32_t words, uint32_t from);
uint32_t qrt_vnc_p_bits_find_clear(const uint64_t *row, uint32_t words, uint32_t from);
/* Bits first to past - 1. */
void qrt_vnc_p_bits_set(uint64_t *row, uint32_t first, uint32_t past);
uint64_t qrt_vnc_p_bits_count(const uint64_t *row, uint64_t words);

/* To `to` is added: one bit where any of 1 << shift is set in `from`; or so many where one is. shift <= 6. A
 * row that is too short counts as continued by zeroes, one that is too long as cut. */
void qrt_vnc_p_bits_fold(uint64_t *to, uint32_t to_words, const uint64_t *from, uint32_t from_words,
			 uint32_t shift);
void qrt_vnc_p_bits_spread(uint64_t *to, uint32_t to_words, const uint64_t *from, uint32_t from_words,
			   uint32_t shift);

/* The lowest n bits, n <= 64. */
static inline uint64_t qrt_vnc_p_bits_low(uint32_t n)
{
	return n < QRT_VNC_P_BITS ? (1ull << n) - 1 : ~0ull;
}

#endif
