/* SPDX-License-Identifier: MIT */
/* A turn of an op by system calls that wait. */
#ifndef QRT_BLOCK_EXECUTE_P_H
#define QRT_BLOCK_EXECUTE_P_H

#include "mailbox_p.h"

struct qrt_block_device;

/* Bytes, 0 of kinds without, or a negative errno. */
int64_t qrt_block_p_execute(struct qrt_block_device *device, struct qrt_block_p_op *op);
/* A read or write in the page cache that waits for nothing: bytes; -EAGAIN: it would wait; -EOPNOTSUPP: the
 * filesystem cannot say; another errno. */
int64_t qrt_block_p_execute_cached(struct qrt_block_device *device, struct qrt_block_p_op *op);

#endif
