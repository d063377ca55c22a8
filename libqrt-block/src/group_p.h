/* SPDX-License-Identifier: MIT */
/* Requests that were submitted together and are side by side on the device: one system call, and one request
 * to the device, does all of them. The ops of a group are linked by `next`. */
#ifndef QRT_BLOCK_GROUP_P_H
#define QRT_BLOCK_GROUP_P_H

#include "op_p.h"

/* What is longer is as well alone: a copy of that length, or the device, costs more than the call. */
#define QRT_BLOCK_P_GROUP_OPS   32u
#define QRT_BLOCK_P_GROUP_PARTS 64u
#define QRT_BLOCK_P_GROUP_BYTES (256u << 10)

struct qrt_block_device;

/* Takes the first ones of the list that make a group, or the first one alone; NULL: the list is empty. */
struct qrt_block_p_op *qrt_block_p_group_take(struct qrt_block_p_list *list);
/* 1: it did all of these, which are side by side, and answered each; 0: something is wrong with one of them,
 * and each is to be done alone, and answers for itself. */
int qrt_block_p_group_execute(struct qrt_block_device *device, struct qrt_block_p_op *const *ops,
			      uint32_t count);

#endif
