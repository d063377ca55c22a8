/* SPDX-License-Identifier: MIT */
/* What a terminal's signals say, by a descriptor to poll: nothing is in a hurry, and nothing is interrupted.
 */
#ifndef QRT_IO_INTERRUPT_H
#define QRT_IO_INTERRUPT_H

#include <glib.h>

#define INTERRUPT_BREAK    1u /* ^C */
#define INTERRUPT_TERMINAL 2u /* it is ours again, or has another size */

/* -1: they do what they did. */
int interrupt_open(void);
/* -1 is fine; returns -1. ^C ends the program again. */
int interrupt_close(int fd);
/* What came since; -1 is fine. */
guint interrupt_take(int fd);

#endif
