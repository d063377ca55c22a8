/* SPDX-License-Identifier: MIT */
/* CPU masks as the kernel writes them: hexadecimal words of 32 bits, the highest first, with commas. */
#ifndef QRT_SCHED_MASK_P_H
#define QRT_SCHED_MASK_P_H

#include <qrt/sched.h>

/* Longest text of a mask, with its NUL. */
#define QRT_SCHED_P_MASK_TEXT 320

/* -EINVAL for what is no mask, -ERANGE for a CPU that a set cannot hold. */
int qrt_sched_p_mask_parse(const char *text, struct qrt_sched_cpus *ret_cpus);
void qrt_sched_p_mask_format(const struct qrt_sched_cpus *cpus, char buf[QRT_SCHED_P_MASK_TEXT]);
/* 1 when both are masks of the same CPUs, however many zeros stand before them. */
int qrt_sched_p_mask_is_same(const char *a, const char *b);
/* 1 for a file of the kernel that holds a mask. */
int qrt_sched_p_mask_is_file(const char *path);

#endif
