/* SPDX-License-Identifier: MIT */
#include "kernel_p.h"

#include <qrt/vnc_differ.h>

const struct qrt_vnc_p_kernel *qrt_vnc_p_kernel_find(uint32_t kernel)
{
	const struct qrt_vnc_p_kernel *one;

	for (one = qrt_vnc_p_kernels; one->compare; one++) {
		if ((kernel == QRT_VNC_KERNEL_AUTO || kernel == one->kernel) && one->is_here())
			return one;
	}
	return NULL;
}

uint32_t qrt_vnc_kernel_list(void)
{
	const struct qrt_vnc_p_kernel *one;
	uint32_t found = 0;

	for (one = qrt_vnc_p_kernels; one->compare; one++) {
		if (one->is_here())
			found |= 1u << one->kernel;
	}
	return found;
}

const char *qrt_vnc_kernel_text(uint32_t kernel)
{
	static const char *const texts[QRT_VNC_KERNELS] = {"auto", "scalar", "sse2",
							   "avx2", "avx512", "neon"};

	return kernel < QRT_VNC_KERNELS ? texts[kernel] : NULL;
}
