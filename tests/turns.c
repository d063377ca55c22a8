/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* All of them run on one CPU, one at a time: order is all that is needed of what they share. */
static struct {
	struct turns *turns;
	pthread_barrier_t ready;
	_Atomic int error;
	_Atomic int owner;
	_Atomic int is_open; /* nothing was recorded yet */
	uint64_t until;
} shared;

static struct spinner {
	int number;
	_Atomic uint64_t begun;    /* its run */
	_Atomic uint64_t last;     /* look at the clock */
	uint64_t cpu;              /* at the begin of its run */
	struct turns_run *to_fill; /* its last run, when it comes back */
} spinners[TURNS_THREADS];

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t turns_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int turns_cpu(void)
{
	int cpu = CPU_SETSIZE;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	while (--cpu > 0 && !CPU_ISSET(cpu, &set))
		;
	return cpu;
}

const char *turns_why_not(void)
{
	struct sched_param real = {.sched_priority = 1}, none = {0};

#ifdef __SANITIZE_THREAD__
	return "the thread sanitizer's own threads starve beside two that spin";
#endif
	if (sched_setscheduler(0, SCHED_FIFO, &real) < 0)
		return "needs CAP_SYS_NICE, and real-time time in this control group";
	sched_setscheduler(0, SCHED_OTHER, &none);
	return NULL;
}

static void record(struct spinner *of, uint64_t now)
{
	struct turns *turns = shared.turns;

	if (turns->count == TURNS_RUNS)
		return;
	of->to_fill = &turns->runs[turns->count++];
	*of->to_fill = (struct turns_run){
		.thread = of->number, .wall_ns = of->last - of->begun, .gap_ns = now - of->last};
}

static void come_in(struct spinner *self, uint64_t now)
{
	uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
	int before = shared.owner;

	if (self->to_fill)
		self->to_fill->cpu_ns = cpu - self->cpu;
	self->to_fill = NULL;
	/* The first run began before anybody looked. */
	if (before >= 0 && shared.is_open)
		record(&spinners[before], now);
	shared.is_open = before >= 0;
	self->cpu = cpu;
	self->begun = now;
	self->last = now;
	shared.owner = self->number;
}

static void spin(struct spinner *self)
{
	struct turns *turns = shared.turns;
	uint64_t now;

	while ((now = turns_now()) < shared.until) {
		if (shared.owner != self->number)
			come_in(self, now);
		self->last = now;
		if (turns->round)
			turns->round(turns, self->number);
	}
}

static int set_up(const struct turns *turns)
{
	struct sched_param param = {.sched_priority = turns->priority};
	cpu_set_t set;

	if (turns->policy < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(turns->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0 || sched_setscheduler(0, turns->policy, &param) < 0)
		return -errno;
	return 0;
}

/* The time runs from when the last one is ready; one of them is told so. */
static void wait_for_all(void)
{
	if (pthread_barrier_wait(&shared.ready))
		shared.until = turns_now() + shared.turns->time_ns;
	pthread_barrier_wait(&shared.ready);
}

static void *run(void *arg)
{
	struct spinner *self = arg;
	struct turns *turns = shared.turns;
	int rc = set_up(turns), has_begun = 0;

	turns->tids[self->number] = (pid_t)syscall(SYS_gettid);
	if (rc == 0 && turns->begin) {
		rc = turns->begin(turns, self->number);
		has_begun = rc == 0;
	}
	if (rc < 0)
		shared.error = rc;
	wait_for_all();
	if (!shared.error)
		spin(self);
	if (has_begun && turns->end)
		turns->end(turns, self->number);
	return NULL;
}

static void start_all(pthread_t *threads)
{
	int i;

	for (i = 0; i < shared.turns->threads; i++) {
		spinners[i] = (struct spinner){.number = i};
		if (pthread_create(&threads[i], NULL, run, &spinners[i]))
			abort();
	}
}

int turns_take(struct turns *turns, void (*meanwhile)(struct turns *turns))
{
	pthread_t threads[TURNS_THREADS] = {0};
	int i;

	turns->count = 0;
	shared.turns = turns;
	shared.error = 0;
	shared.owner = -1;
	shared.is_open = 0;
	pthread_barrier_init(&shared.ready, NULL, (unsigned)turns->threads + 1);
	start_all(threads);
	wait_for_all();
	if (meanwhile && !shared.error)
		meanwhile(turns);
	for (i = 0; i < turns->threads; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&shared.ready);
	return shared.error;
}

static uint64_t value_of(const struct turns_run *run, enum turns_what what)
{
	switch (what) {
	case TURNS_WALL:
		return run->wall_ns;
	case TURNS_CPU:
		return run->cpu_ns;
	default:
		return run->gap_ns;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t turns_median(const struct turns *turns, int thread, enum turns_what what)
{
	uint64_t *values = calloc(TURNS_RUNS, sizeof(*values)), median = 0;
	size_t i, count = 0;

	for (i = 0; values && i < turns->count; i++) {
		uint64_t value = value_of(&turns->runs[i], what);

		if ((thread < 0 || turns->runs[i].thread == thread) && (what != TURNS_CPU || value))
			values[count++] = value;
	}
	if (count) {
		qsort(values, count, sizeof(*values), compare);
		median = values[count / 2];
	}
	free(values);
	return median;
}

size_t turns_count(const struct turns *turns, int thread)
{
	size_t i, count = 0;

	for (i = 0; i < turns->count; i++)
		count += thread < 0 || turns->runs[i].thread == thread;
	return count;
}

static int have_enough(const struct turns *turns, size_t runs)
{
	int i;

	for (i = 0; i < turns->threads; i++) {
		if (turns_count(turns, i) < runs)
			return 0;
	}
	return 1;
}

int turns_take_enough(struct turns *turns, void (*meanwhile)(struct turns *turns), size_t runs)
{
	int tries, rc = 0;

	for (tries = 0; tries < 10; tries++) {
		rc = turns_take(turns, meanwhile);
		if (rc < 0 || have_enough(turns, runs))
			break;
	}
	return rc;
}
