/* SPDX-License-Identifier: MIT */
/* What blame found: the delays with the names of the moment, and their sums per role. */
#ifndef QRT_LAUNCHER_BLAME_REPORT_H
#define QRT_LAUNCHER_BLAME_REPORT_H

#include "blame_holds.h"
#include "blame_names.h"
#include "blame_threads.h"

#include <stdio.h>

/* When so many delays are kept, the shorter half is left to the sums. */
#define BLAME_ENTRIES_MAX  20000u
#define BLAME_SUSPECTS_MAX 1000u

struct blame_suspect {
	int32_t tid;
	uint64_t ns;
	struct blame_name name;
};

/* One delay, with who everybody was when it was found. */
struct blame_entry {
	struct blame_delay delay;
	enum qrt_sched_role role;
	int32_t index;
	char name[16];
	struct blame_suspect suspects[BLAME_CULPRITS]; /* of MUTEX: the owner alone */
	size_t suspects_count;
	bool owner_is_ours; /* MUTEX: owner_role and owner_index say which thread of the VM */
	enum qrt_sched_role owner_role;
	int32_t owner_index;
};

struct blame_sum {
	uint64_t count, worst_ns, sum_ns;
	/* struct blame_suspect, by process and name; the longest first once finished. Those beyond
	 * BLAME_SUSPECTS_MAX are one, BLAME_TID_OTHERS. */
	GArray *suspects;
};

/* How long threads of one role held mutexes that others waited for. */
struct blame_hold_sum {
	uint64_t count, worst_ns, sum_ns, worst_mutex;
	uint32_t worst_waiters;     /* at a time */
	struct blame_suspect worst; /* who held one for the longest time */
};
#define BLAME_HOLDERS (QRT_SCHED_ROLES + 1) /* the last one: threads that are not known */

/* What the kernel's accounts of a role's threads grew by. */
struct blame_account_sum {
	uint64_t run_ns, delay_ns; /* on a CPU; ready without one */
	uint64_t arrivals;         /* how often they were switched in: woken, or back after others */
};

/* Facts about the run, filled by the caller before printing. */
struct blame_facts {
	const char *name; /* of the VM, NULL: looked at by its process id */
	int32_t pid;
	uint64_t start_ns, end_ns, over_ns;
	uint64_t steal_ns; /* time that the machine below took, over all CPUs */
	bool mutexes;      /* a recorder was there */
	uint64_t lost_mutexes;
	struct blame_counts counts;
	const struct blame_account_sum *accounts; /* one each role, NULL: not recorded */
	bool vm_ended;
	bool accounts_only;  /* of the VM's own threads: no switch records */
	int32_t trace_error; /* why, a positive errno; 0: no thread has CPUs of its own */
	uint64_t silence_ns; /* for so long QEMU's monitor has given no answer, 0: it owes none */
	uint64_t traced_ns;  /* there are switch records from then on, of real-time threads with CPUs of their
				own alone */
};

struct blame_report {
	uint32_t roles; /* which are reported: bit per role */
	struct blame_names *names;
	struct blame_threads *threads;
	GArray *entries;             /* struct blame_entry, in the order in which they were found */
	uint64_t kinds[BLAME_KINDS]; /* how many delays of each there were */
	struct blame_sum sums[QRT_SCHED_ROLES];
	struct blame_holds *holds;
	struct blame_hold_sum hold_sums[BLAME_HOLDERS];
};

/* Borrows names and threads. */
void blame_report_init(struct blame_report *report, uint32_t roles, struct blame_names *names,
		       struct blame_threads *threads);
void blame_report_clear(struct blame_report *report);
/* Takes in a delay; a blame_delay_fn whose context is the report. */
void blame_report_add(void *context, const struct blame_delay *delay);
/* Takes in a wait for a mutex of any length, for the sake of who held it. */
void blame_report_note_wait(struct blame_report *report, const struct blame_delay *wait);
/* Sums up the holds of at least over_ns that follow from those waits. */
void blame_report_sum_holds(struct blame_report *report, uint64_t over_ns);
/* Sorts: the sums' suspects by time, the entries by length, and of those the first `top` by start. Returns
 * how many entries are to be shown. */
size_t blame_report_finish(struct blame_report *report, size_t top);

void blame_print_text(FILE *out, const struct blame_report *report, const struct blame_facts *facts,
		      size_t shown);
/* The end of it: what came of all delays. */
void blame_conclude(FILE *out, const struct blame_report *report, const struct blame_facts *facts,
		    size_t shown);
void blame_print_json(const struct blame_report *report, const struct blame_facts *facts, size_t shown);

#endif
