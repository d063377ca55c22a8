/* SPDX-License-Identifier: MIT */
/*
 * A machine that a test makes up: threads that want and do not want to run, on CPUs where those above time
 * sharing go first. A model counts by the step what each group used above time sharing in each window.
 */
#ifndef QRT_TESTS_GOVERNOR_HELP_H
#define QRT_TESTS_GOVERNOR_HELP_H

#include <qrt/governor.h>

#define US      1000ull
#define MS      1000000ull
#define STEP    (50 * US)
#define GROUPS  8
#define THREADS 3

struct governor_thread {
	int wants;
	uint32_t on_steps, off_steps; /* longest, 0: always on */
	uint32_t left;
	uint64_t got; /* steps, for the turns of time sharing */
};

struct governor_group {
	int number, parent; /* parent: in this array, -1 */
	struct qrt_sched_budget budget;
	uint32_t threads;
	struct governor_thread thread[THREADS];
	struct qrt_sched_usage usage;
	int is_over;
	uint64_t total; /* steps that it ran */
	/* The model's: above time sharing, with those below, in the window. */
	uint64_t begin, used;
};

struct governor_machine {
	struct qrt_sched_governor *governor;
	struct governor_group groups[GROUPS];
	int count;
	uint32_t cpus;
	uint64_t now, next, start;
};

extern struct governor_machine machine;
extern uint64_t governor_seed;

uint32_t governor_below(uint32_t limit);
/* Of a group and those below it. */
uint32_t governor_threads_of(int i);
/* The window that now is in. */
void governor_roll(struct governor_group *g);
/* One step: above time sharing in the order of the groups; then who got least. */
void governor_schedule(void);
/* Accounts, decides, and takes the verdicts. */
void governor_look(void);

#endif
