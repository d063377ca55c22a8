/* SPDX-License-Identifier: MIT */
/* Commands from standard input, a line each. */
#ifndef QRT_IO_INTERACTIVE_H
#define QRT_IO_INTERACTIVE_H

#include "session.h"

/* Until its end or `quit`; asks where it is a terminal. The exit code: 1 when one failed. */
int interactive_run(struct session *session);

#endif
