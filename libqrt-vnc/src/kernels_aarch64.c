/* SPDX-License-Identifier: MIT */
#include <qrt/vnc_differ.h>

#include "kernel_p.h"

static int is_any(void)
{
	return 1;
}

const struct qrt_vnc_p_kernel qrt_vnc_p_kernels[] = {
	{QRT_VNC_KERNEL_NEON, is_any, qrt_vnc_p_compare_neon}, /* each machine of this kind has it */
	{QRT_VNC_KERNEL_SCALAR, is_any, qrt_vnc_p_compare_scalar},
	{QRT_VNC_KERNEL_AUTO, NULL, NULL},
};
