/* SPDX-License-Identifier: MIT */
/*
 * Who held mutexes for how long while somebody waited for them. Pure.
 *
 * It is found from the waits alone, so that nothing is paid for a mutex that nobody waits for: a wait says
 * who held the mutex when it began, and its end that the mutex went to the one that had waited.
 */
#ifndef QRT_LAUNCHER_BLAME_HOLDS_H
#define QRT_LAUNCHER_BLAME_HOLDS_H

#include "blame_model.h"

struct blame_hold {
	int32_t tid;      /* who held it, 0: unknown */
	uint32_t waiters; /* at a time, the most */
	uint64_t mutex;
	uint64_t start_ns, ns; /* as long as somebody waited: who holds it alone is in no record */
};

struct blame_holds;

typedef void (*blame_hold_fn)(void *context, const struct blame_hold *hold);

struct blame_holds *blame_holds_new(void);
struct blame_holds *blame_holds_free(struct blame_holds *holds);
/* Takes in a wait for a mutex. One that does not count is of a thread that is not asked for: no hold is for
 * its sake, but it tells who had the mutex. */
void blame_holds_add(struct blame_holds *holds, const struct blame_delay *wait, bool counts);
/* Calls emit() for every hold of at least over_ns, mutex by mutex in the order of time. */
void blame_holds_find(struct blame_holds *holds, uint64_t over_ns, blame_hold_fn emit, void *context);

#endif
