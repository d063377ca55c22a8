/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_ROLE_P_H
#define QRT_SCHED_ROLE_P_H

#include <qrt/sched.h>

/* 1 when the whole name matches the pattern: * any number of characters, ? one. */
int qrt_sched_p_name_matches(const char *pattern, const char *name);

/* The role of one of QEMU's thread names, OTHR for all others; *ret_index as in classify. */
enum qrt_sched_role qrt_sched_p_role_of_name(const char *name, int32_t *ret_index);

/* The number at the end of a name ("vcpu3"), -1 where it does not end in one. */
int32_t qrt_sched_p_number_at_end(const char *name);

#endif
