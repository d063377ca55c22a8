/* SPDX-License-Identifier: MIT */
/* Work that the supervisor's main loop must not wait for: a time-shared thread does it, one piece at a time.
 */
#ifndef QRT_LAUNCHER_ERRAND_H
#define QRT_LAUNCHER_ERRAND_H

#include <stdbool.h>

struct errand;

/* The thread is there from here on. Where there can be none each piece is done as it is begun. */
struct errand *errand_open(void);
/* Does not wait: what is under way is left to the thread, which forgets it then. */
struct errand *errand_close(struct errand *errand);
/* Begins a piece; not before the last one was fetched. What is on its way when the errand is closed is given
 * to forget() instead of back. */
void errand_begin(struct errand *errand, void (*work)(void *data), void (*forget)(void *data), void *data);
/* What was begun, once it is done; NULL: nothing is. Never waits. */
void *errand_fetch(struct errand *errand);
/* From errand_begin() until errand_fetch() gave it back. */
bool errand_is_busy(const struct errand *errand);
/* Readable when something may be done; errand_fetch() takes that back. -1: there is no thread. */
int errand_get_fd(const struct errand *errand);

#endif
