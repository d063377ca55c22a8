/* SPDX-License-Identifier: MIT */
/* What compares and copies: one for each instruction set. */
#ifndef QRT_VNC_KERNEL_P_H
#define QRT_VNC_KERNEL_P_H

#include <stddef.h>
#include <stdint.h>

#define QRT_VNC_P_UNIT 64u /* bytes */

/* Compares `count` units, 1 to 64, and copies those in which bits of the mask, which is for each 8 bytes,
 * differ. Returns them: bit i is unit i. Loads each byte of the surface once: what is compared is what is
 * stored. */
typedef uint64_t qrt_vnc_p_compare(uint8_t *shadow, const uint8_t *surface, uint32_t count, uint64_t mask);

struct qrt_vnc_p_kernel {
	uint32_t kernel; /* enum qrt_vnc_kernel */
	int (*is_here)(void);
	qrt_vnc_p_compare *compare;
};

/* Those that this build has, the fastest one first; ends where compare is NULL. */
extern const struct qrt_vnc_p_kernel qrt_vnc_p_kernels[];

/* NULL: this machine has none of that kind, which may be AUTO. */
const struct qrt_vnc_p_kernel *qrt_vnc_p_kernel_find(uint32_t kernel);

qrt_vnc_p_compare qrt_vnc_p_compare_scalar, qrt_vnc_p_compare_sse2, qrt_vnc_p_compare_avx2,
	qrt_vnc_p_compare_avx512, qrt_vnc_p_compare_neon;

#endif
