/* SPDX-License-Identifier: MIT */
/* Commands from standard input, a line each. */
#ifndef QRT_IO_INTERACTIVE_H
#define QRT_IO_INTERACTIVE_H

#include "session.h"

#define INTERACTIVE_PROMPT "qrt-io> "

/* Until its end or `quit`; asks where it is a terminal. The exit code: 1 when one failed. */
int interactive_run(struct session *session);

enum interactive_event {
	INTERACTIVE_INPUT,
	INTERACTIVE_DONE,     /* requests may be done, which io_harvest() tells */
	INTERACTIVE_BREAK,    /* ^C */
	INTERACTIVE_TERMINAL, /* it is ours again, or has another size */
};

/* Waits for the first of these. */
enum interactive_event interactive_wait(const struct session *session);

#endif
