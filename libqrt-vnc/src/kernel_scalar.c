/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "kernel_p.h"

#define WORDS (QRT_VNC_P_UNIT / sizeof(uint64_t))

/* The compiler is kept from loading it again, where the memory may have changed. */
static inline uint64_t load(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	__asm__("" : "+r"(word));
	return word;
}

static int is_other(uint8_t *shadow, const uint8_t *surface, uint64_t mask)
{
	uint64_t words[WORDS], before, differ = 0;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		words[i] = load(surface + i * sizeof(words[i]));
		memcpy(&before, shadow + i * sizeof(before), sizeof(before));
		differ |= words[i] ^ before;
	}
	if (!(differ & mask))
		return 0;
	memcpy(shadow, words, sizeof(words));
	return 1;
}

uint64_t qrt_vnc_p_compare_scalar(uint8_t *shadow, const uint8_t *surface, uint32_t count, uint64_t mask)
{
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		found |= (uint64_t)is_other(shadow + i * QRT_VNC_P_UNIT, surface + i * QRT_VNC_P_UNIT, mask)
			 << i;
	return found;
}
