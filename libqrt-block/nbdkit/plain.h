/* SPDX-License-Identifier: MIT */
/* Reads and writes of a raw file of which nothing else is asked: by the calls themselves. A request by NBD
 * costs so little that the way through a queue, which has nothing to decide there, is some per cent of it. */
#ifndef QRT_NBDKIT_PLAIN_H
#define QRT_NBDKIT_PLAIN_H

#include <glib.h>
#include <qrt/block.h>

/* Before the device is opened. -1: not this way. */
int plain_open(const char *path, gboolean is_read_only);
/* Closes it; -1 is fine; returns -1. */
int plain_close(int fd);
/* When the device is open: whether both have the same file. */
gboolean plain_is(int fd, const char *path);
/* FALSE: not all of it was done, and the queue, where it is done again, says why. */
gboolean plain_run(int fd, const struct qrt_block_request *request);

#endif
