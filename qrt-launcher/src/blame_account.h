/* SPDX-License-Identifier: MIT */
/* What the kernel's account of a thread says, and when. */
#ifndef QRT_LAUNCHER_BLAME_ACCOUNT_H
#define QRT_LAUNCHER_BLAME_ACCOUNT_H

#include "blame_model.h"

/* CLOCK_MONOTONIC, which all times here are of. */
uint64_t blame_now_ns(void);
/* Reads the account by the descriptor of a thread's schedstat. 0; -EIO where there is none, as of a thread
 * that ended: then ret_sample stays as it was. */
int blame_account_read(int fd, struct blame_sample *ret_sample);

#endif
