/* SPDX-License-Identifier: MIT */
/*
 * One round of the benchmark quantum: three threads of one priority spin on one CPU, with quanta of 4, 20 and
 * 100 ms, and how long each of them ran at a time is looked at. Prints in ns, medians:
 *
 *   run QUANTUM COUNT WALL CPU    for each thread
 *   rotation GAP                  from the last look of one thread at the clock to the first of the next
 *   rotator CPU                   outside: what the rotator itself used, for each rotation
 *
 * Usage: quantum_turns WAY MS
 *   inside   each thread makes its own slices
 *   preload  they only name themselves: the preload library does the rest
 *   outside  a rotator on another CPU makes them
 *   kernel   round robin with the kernel's slice, the same for all
 */
#include "turns.h"

#include <poll.h>
#include <pthread.h>
#include <qrt/quantum.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS  3
#define PRIORITY 10

static const int nices[THREADS] = {19, 16, 0};
static uint64_t quanta[THREADS];

static void check(int rc, const char *what, const struct qrt_sched_error *error)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, error ? error->message : strerror(-rc));
	exit(1);
}

/* ---- the ways ---- */

static __thread struct qrt_sched_quantum *own;

static int begin_inside(struct turns *turns, int thread)
{
	struct qrt_sched_error error;

	(void)turns;
	check(qrt_sched_quantum_start(quanta[thread], &own, &error), "quantum", &error);
	return 0;
}

static void end_inside(struct turns *turns, int thread)
{
	(void)turns;
	(void)thread;
	own = qrt_sched_quantum_stop(own);
}

static int begin_named(struct turns *turns, int thread)
{
	char name[16];

	(void)turns;
	snprintf(name, sizeof(name), "CPU %d/TCG", thread);
	return -pthread_setname_np(pthread_self(), name);
}

static int begin_kernel(struct turns *turns, int thread)
{
	struct timespec slice;

	(void)turns;
	sched_rr_get_interval(0, &slice);
	quanta[thread] = (uint64_t)slice.tv_sec * 1000000000u + (uint64_t)slice.tv_nsec;
	return 0;
}

static uint64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t rotator_ns;
static int rotations;

static void rotate_all(struct turns *turns)
{
	struct qrt_sched_rotator *rotator;
	uint64_t until = turns_now() + turns->time_ns, before;
	struct pollfd p = {.events = POLLIN};
	int i;

	check(qrt_sched_rotator_open(&rotator), "rotator", NULL);
	for (i = 0; i < THREADS; i++)
		check(qrt_sched_rotator_set(rotator, turns->tids[i], quanta[i]), "rotator", NULL);
	p.fd = qrt_sched_rotator_get_fd(rotator);
	before = cpu_time();
	while (turns_now() < until && poll(&p, 1, 100) >= 0)
		rotations += qrt_sched_rotator_harvest(rotator);
	rotator_ns = cpu_time() - before;
	qrt_sched_rotator_close(rotator);
}

/* Above the threads, and away from them where there is another CPU. */
static void rotate(struct turns *turns)
{
	struct sched_param above = {.sched_priority = PRIORITY + 1}, none = {0};
	cpu_set_t had, other;

	sched_getaffinity(0, sizeof(had), &had);
	other = had;
	CPU_CLR(turns->cpu, &other);
	if (CPU_COUNT(&other))
		sched_setaffinity(0, sizeof(other), &other);
	sched_setscheduler(0, SCHED_FIFO, &above);
	rotate_all(turns);
	sched_setscheduler(0, SCHED_OTHER, &none);
	sched_setaffinity(0, sizeof(had), &had);
}

/* ---- all of it ---- */

static const struct way {
	const char *name;
	int policy;
	int (*begin)(struct turns *turns, int thread);
	void (*end)(struct turns *turns, int thread);
	void (*meanwhile)(struct turns *turns);
} ways[] = {
	{"inside", SCHED_FIFO, begin_inside, end_inside, NULL},
	{"preload", -1, begin_named, NULL, NULL},
	{"outside", SCHED_FIFO, NULL, NULL, rotate},
	{"kernel", SCHED_RR, begin_kernel, NULL, NULL},
};

static const struct way *way_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	}
	return NULL;
}

static void print(const struct turns *turns)
{
	int i;

	for (i = 0; i < THREADS; i++)
		printf("run %llu %zu %llu %llu\n", (unsigned long long)quanta[i], turns_count(turns, i),
		       (unsigned long long)turns_median(turns, i, TURNS_WALL),
		       (unsigned long long)turns_median(turns, i, TURNS_CPU));
	printf("rotation %llu\n", (unsigned long long)turns_median(turns, -1, TURNS_GAP));
	if (rotations)
		printf("rotator %llu\n", (unsigned long long)(rotator_ns / (uint64_t)rotations));
}

int main(int argc, char **argv)
{
	static struct turns turns;
	const struct way *way = argc == 3 ? way_of(argv[1]) : NULL;
	long ms = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	const char *why = turns_why_not();
	int i;

	if (!way || ms < 1 || ms > 60000) {
		fprintf(stderr, "usage: quantum_turns inside|preload|outside|kernel MS\n");
		return 2;
	}
	if (why) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (i = 0; i < THREADS; i++)
		quanta[i] = (uint64_t)qrt_sched_quantum_of_nice(nices[i]);
	turns = (struct turns){.threads = THREADS,
			       .cpu = turns_cpu(),
			       .policy = way->policy,
			       .priority = PRIORITY,
			       .time_ns = (uint64_t)ms * 1000000u,
			       .begin = way->begin,
			       .end = way->end};
	check(turns_take(&turns, way->meanwhile), "the threads", NULL);
	print(&turns);
	return 0;
}
