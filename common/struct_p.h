/* SPDX-License-Identifier: MIT */
/* Caller's structs that start with their size: older and newer callers work with this library. */
#ifndef QRT_STRUCT_P_H
#define QRT_STRUCT_P_H

#include <stddef.h>

/* Copies a caller's struct in; members that an older caller does not know become 0. -EINVAL: no
 * size; -E2BIG: a newer caller set something that this version does not know. */
int qrt_p_struct_take(void *own, size_t own_size, const void *callers);
/* Copies `own` out to the caller's struct; its size member stays, what this version does not know
 * becomes 0. -EINVAL: no size. */
int qrt_p_struct_give(void *callers, const void *own, size_t own_size);

#endif
