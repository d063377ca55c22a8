/* SPDX-License-Identifier: MIT */
/* Threads that spin on one CPU under real-time priority, and how long each of them runs at a time. */
#ifndef QRT_TESTS_TURNS_H
#define QRT_TESTS_TURNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TURNS_THREADS 4
#define TURNS_RUNS    8192

struct turns_run {
	int thread;
	uint64_t wall_ns; /* from its first look at the clock to its last */
	uint64_t gap_ns;  /* from there to the first look of who came next */
	uint64_t cpu_ns;  /* all that it used meanwhile; 0: not known, it never came back */
};

struct turns {
	/* Set by the caller. */
	int threads;
	int cpu;
	int policy, priority; /* numbers as in <sched.h>; -1: neither they nor the CPU are touched */
	uint64_t time_ns;     /* all of it together; two that spin starve a machine */
	/* In each thread before and after it spins, and in each round; all may be NULL. */
	int (*begin)(struct turns *turns, int thread);
	void (*end)(struct turns *turns, int thread);
	void (*round)(struct turns *turns, int thread);
	void *context;

	/* What came out. The first and the last run are cut and not in there. */
	struct turns_run runs[TURNS_RUNS];
	size_t count;
	pid_t tids[TURNS_THREADS];
};

/* Runs them. `meanwhile` runs in the caller's thread once all of them are about to spin, and may be NULL.
 * 0, or the negative errno with which a thread could not become what it shall be. */
int turns_take(struct turns *turns, void (*meanwhile)(struct turns *turns));

/* The same again, ten times at most, until each of them had that many runs: on a busy machine others may be
 * in the way. */
int turns_take_enough(struct turns *turns, void (*meanwhile)(struct turns *turns), size_t runs);

enum turns_what { TURNS_WALL, TURNS_CPU, TURNS_GAP };
/* The median over the runs of a thread (-1: all); 0 where there are none. */
uint64_t turns_median(const struct turns *turns, int thread, enum turns_what what);
/* How many runs the thread (-1: all) had. */
size_t turns_count(const struct turns *turns, int thread);

/* Why that cannot be done here, NULL where it can. */
const char *turns_why_not(void);

/* The last CPU that this process may use: the first has the machine's other work. */
int turns_cpu(void);
uint64_t turns_now(void);

#endif
