/* SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#include "kernel_p.h"

/* The compiler is kept from loading it again, where the memory may have changed. */
static inline uint8x16_t load(const uint8_t *from)
{
	uint8x16_t part = vld1q_u8(from);

	__asm__("" : "+w"(part));
	return part;
}

static inline uint8x16_t differ(uint8x16_t part, const uint8_t *shadow)
{
	return veorq_u8(part, vld1q_u8(shadow));
}

static inline int is_other(uint8_t *shadow, const uint8_t *surface, uint8x16_t mask)
{
	uint8x16_t a = load(surface), b = load(surface + 16), c = load(surface + 32), d = load(surface + 48);
	uint8x16_t low = vorrq_u8(differ(a, shadow), differ(b, shadow + 16));
	uint8x16_t high = vorrq_u8(differ(c, shadow + 32), differ(d, shadow + 48));

	if (!vmaxvq_u32(vreinterpretq_u32_u8(vandq_u8(vorrq_u8(low, high), mask))))
		return 0;
	vst1q_u8(shadow, a);
	vst1q_u8(shadow + 16, b);
	vst1q_u8(shadow + 32, c);
	vst1q_u8(shadow + 48, d);
	return 1;
}

uint64_t qrt_vnc_p_compare_neon(uint8_t *shadow, const uint8_t *surface, uint32_t count, uint64_t mask)
{
	const uint8x16_t all = vreinterpretq_u8_u64(vdupq_n_u64(mask));
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		found |= (uint64_t)is_other(shadow + i * QRT_VNC_P_UNIT, surface + i * QRT_VNC_P_UNIT, all)
			 << i;
	return found;
}
