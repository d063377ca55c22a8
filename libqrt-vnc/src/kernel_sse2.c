/* SPDX-License-Identifier: MIT */
#include <emmintrin.h>

#include "kernel_p.h"

#define SSE2 __attribute__((target("sse2")))

/* The compiler is kept from loading it again, where the memory may have changed. */
SSE2 static inline __m128i load(const uint8_t *from)
{
	__m128i part = _mm_loadu_si128((const __m128i *)from);

	__asm__("" : "+x"(part));
	return part;
}

SSE2 static inline __m128i differ(__m128i part, const uint8_t *shadow)
{
	return _mm_xor_si128(part, _mm_loadu_si128((const __m128i *)shadow));
}

SSE2 static inline int has_any(__m128i bits)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(bits, _mm_setzero_si128())) != 0xffff;
}

SSE2 static inline int is_other(uint8_t *shadow, const uint8_t *surface, __m128i mask)
{
	__m128i a = load(surface), b = load(surface + 16), c = load(surface + 32), d = load(surface + 48);
	__m128i low = _mm_or_si128(differ(a, shadow), differ(b, shadow + 16));
	__m128i high = _mm_or_si128(differ(c, shadow + 32), differ(d, shadow + 48));

	if (!has_any(_mm_and_si128(_mm_or_si128(low, high), mask)))
		return 0;
	_mm_storeu_si128((__m128i *)shadow, a);
	_mm_storeu_si128((__m128i *)(shadow + 16), b);
	_mm_storeu_si128((__m128i *)(shadow + 32), c);
	_mm_storeu_si128((__m128i *)(shadow + 48), d);
	return 1;
}

SSE2 uint64_t qrt_vnc_p_compare_sse2(uint8_t *shadow, const uint8_t *surface, uint32_t count, uint64_t mask)
{
	const __m128i all = _mm_set1_epi64x((long long)mask);
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		found |= (uint64_t)is_other(shadow + i * QRT_VNC_P_UNIT, surface + i * QRT_VNC_P_UNIT, all)
			 << i;
	return found;
}
