/* SPDX-License-Identifier: MIT */
/* The time between two looks of `status --watch`, which the one who watches may cut short. */
#ifndef QRT_LAUNCHER_STATUS_WAIT_H
#define QRT_LAUNCHER_STATUS_WAIT_H

#include <stdbool.h>

/* From now on Ctrl-C ends the program with exit code 0, also between waits; and no write to a pipe that
 * nobody reads kills it. */
void status_wait_open(void);
/* False when the wait was ended early: by q on the terminal, or because nobody reads the output any more. */
bool status_wait(double seconds);
/* True when nobody reads the output any more. */
bool status_wait_is_closed(void);
/* Gives the terminal back as it was. */
void status_wait_close(void);

#endif
