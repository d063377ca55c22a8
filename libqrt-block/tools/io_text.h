/* SPDX-License-Identifier: MIT */
/* How much in which time, as qemu-io says it. */
#ifndef QRT_IO_IO_TEXT_H
#define QRT_IO_IO_TEXT_H

#include <glib.h>

/* "00.25 sec"; from a minute on, or `is_long`: "0:01:05.20". */
char *io_text_time(guint64 ns, gboolean is_long);
/* "4 KiB, 1 ops; 00.00 sec (6.122 MiB/sec and 1567.1328 ops/sec)" */
char *io_text_figures(guint64 bytes, guint64 count, guint64 ns);
/* "4096,1,0:00:00.00,82869686.609,20231.857" */
char *io_text_machine(guint64 bytes, guint64 count, guint64 ns);

#endif
