/* SPDX-License-Identifier: MIT */
#include <qrt/vnc_differ.h>

#include "kernel_p.h"

static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

static int has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static int has_sse2(void)
{
	return __builtin_cpu_supports("sse2");
}

static int is_any(void)
{
	return 1;
}

/* Memory is the limit: measured, AVX-512 is no faster than AVX2, nor are prefetches or stores past the
 * caches. */
const struct qrt_vnc_p_kernel qrt_vnc_p_kernels[] = {
	{QRT_VNC_KERNEL_AVX2, has_avx2, qrt_vnc_p_compare_avx2},
	{QRT_VNC_KERNEL_AVX512, has_avx512, qrt_vnc_p_compare_avx512},
	{QRT_VNC_KERNEL_SSE2, has_sse2, qrt_vnc_p_compare_sse2},
	{QRT_VNC_KERNEL_SCALAR, is_any, qrt_vnc_p_compare_scalar},
	{QRT_VNC_KERNEL_AUTO, NULL, NULL},
};
