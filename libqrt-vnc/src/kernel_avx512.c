/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernel_p.h"

#define AVX512 __attribute__((target("avx512f")))

AVX512 static inline int is_other(uint8_t *shadow, const uint8_t *surface, __m512i mask)
{
	__m512i unit = _mm512_loadu_si512(surface);

	/* The compiler is kept from loading it again, where the memory may have changed. */
	__asm__("" : "+v"(unit));
	if (!_mm512_test_epi64_mask(_mm512_xor_si512(unit, _mm512_loadu_si512(shadow)), mask))
		return 0;
	_mm512_storeu_si512(shadow, unit);
	return 1;
}

AVX512 uint64_t qrt_vnc_p_compare_avx512(uint8_t *shadow, const uint8_t *surface, uint32_t count,
					 uint64_t mask)
{
	const __m512i all = _mm512_set1_epi64((long long)mask);
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		found |= (uint64_t)is_other(shadow + i * QRT_VNC_P_UNIT, surface + i * QRT_VNC_P_UNIT, all)
			 << i;
	return found;
}
