/* SPDX-License-Identifier: MIT */
/* VMs of this user that run on this host, as far as their CPUs matter to another one. */
#ifndef QRT_LAUNCHER_NEIGHBOURS_H
#define QRT_LAUNCHER_NEIGHBOURS_H

#include "state.h"

#include <qrt/sched.h>
#include <stdbool.h>
#include <stddef.h>

#define NEIGHBOURS_MAX 64 /* those beyond take CPUs, too, and are not named */

struct neighbour {
	char name[STATE_NAME_MAX + 1];
	struct state_place place;
};

struct neighbours {
	struct qrt_sched_cpus taken; /* where real-time vCPUs of any of them may run */
	size_t count;
	struct neighbour list[NEIGHBOURS_MAX];
};

/* Looks into the run directory, where there is one, for all but the VM of that name (NULL: all). Never fails:
 * what cannot be read has no say. */
void neighbours_look(struct neighbours *ret_neighbours, const char *but);

/* The CPUs of `usable` that none of them takes. */
struct qrt_sched_cpus neighbours_leave(const struct neighbours *neighbours,
				       const struct qrt_sched_cpus *usable);

/* The CPUs that `own` shares with them, by FIFO vCPUs that have no other CPU, or by real-time vCPUs at all
 * (any); their names go into buf: "'a', 'b'". */
struct qrt_sched_cpus neighbours_share(const struct neighbours *neighbours, const struct state_place *own,
				       bool any, char *buf, size_t size);

#endif
