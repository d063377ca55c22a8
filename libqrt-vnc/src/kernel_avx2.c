/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernel_p.h"

#define AVX2 __attribute__((target("avx2")))

/* The compiler is kept from loading it again, where the memory may have changed. */
AVX2 static inline __m256i load(const uint8_t *from)
{
	__m256i part = _mm256_loadu_si256((const __m256i *)from);

	__asm__("" : "+x"(part));
	return part;
}

AVX2 static inline __m256i differ(__m256i part, const uint8_t *shadow)
{
	return _mm256_xor_si256(part, _mm256_loadu_si256((const __m256i *)shadow));
}

AVX2 static inline int is_other(uint8_t *shadow, const uint8_t *surface, __m256i mask)
{
	__m256i a = load(surface), b = load(surface + 32);

	if (_mm256_testz_si256(_mm256_or_si256(differ(a, shadow), differ(b, shadow + 32)), mask))
		return 0;
	_mm256_storeu_si256((__m256i *)shadow, a);
	_mm256_storeu_si256((__m256i *)(shadow + 32), b);
	return 1;
}

AVX2 uint64_t qrt_vnc_p_compare_avx2(uint8_t *shadow, const uint8_t *surface, uint32_t count, uint64_t mask)
{
	const __m256i all = _mm256_set1_epi64x((long long)mask);
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		found |= (uint64_t)is_other(shadow + i * QRT_VNC_P_UNIT, surface + i * QRT_VNC_P_UNIT, all)
			 << i;
	return found;
}
