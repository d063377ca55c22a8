/* SPDX-License-Identifier: MIT */
/* A timer test in the guest: how late a thread wakes up. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define LONGEST_US 600000000ull

/* One at a time: two would measure each other. */
static struct qrt_shmem_agent_probe wanted;
static struct qrt_shmem_agent_result result;
static _Atomic int is_running, is_done;
static sem_t go;
static int ended;       /* an eventfd: one that ended waits to be taken */
static cpu_set_t usual; /* CPUs of the thread that measures */

static uint64_t ns_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static void count_one(uint64_t late)
{
	result.count++;
	result.sum_ns += late;
	result.min_ns = late < result.min_ns ? late : result.min_ns;
	result.max_ns = late > result.max_ns ? late : result.max_ns;
	result.buckets[qrt_shmem_agent_bucket(late)]++;
}

static void measure(void)
{
	struct timespec time, now;
	uint64_t next;
	uint32_t i;

	result.min_ns = UINT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &now);
	next = ns_of(&now);
	for (i = 0; i < wanted.count; i++) {
		next += (uint64_t)wanted.interval_us * 1000;
		time.tv_sec = (time_t)(next / 1000000000u);
		time.tv_nsec = (long)(next % 1000000000u);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
		count_one(ns_of(&now) - next);
		/* One that came a whole interval late is not followed by many that are late for that. */
		if (ns_of(&now) > next + (uint64_t)wanted.interval_us * 1000)
			next = ns_of(&now);
	}
}

static int prepare(void)
{
	struct sched_param param = {.sched_priority = (int)wanted.priority};
	cpu_set_t cpus;

	if (wanted.cpu != QRT_SHMEM_AGENT_ANY_CPU) {
		CPU_ZERO(&cpus);
		CPU_SET(wanted.cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
			return -errno;
	}
	if (wanted.priority && sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return -errno;
	return 0;
}

static void put_back(void)
{
	const struct sched_param param = {.sched_priority = 0};

	sched_setscheduler(0, SCHED_OTHER, &param);
	sched_setaffinity(0, sizeof(usual), &usual);
}

/* It is there from the start, and waits: to begin a measurement allocates nothing. */
static void *run(void *unused)
{
	const uint64_t one = 1;

	for (;;) {
		while (sem_wait(&go) < 0)
			;
		memset(&result, 0, sizeof(result));
		result.cookie = wanted.cookie;
		result.error = prepare();
		if (result.error >= 0)
			measure();
		put_back();
		atomic_store(&is_done, 1);
		while (write(ended, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	return unused;
}

static int is_possible(const struct qrt_shmem_agent_probe *probe)
{
	return probe->interval_us >= 100 && probe->interval_us <= 1000000 && probe->count >= 1 &&
	       probe->count <= 1000000 && (uint64_t)probe->interval_us * probe->count <= LONGEST_US &&
	       probe->priority <= 99 && (probe->cpu == QRT_SHMEM_AGENT_ANY_CPU || probe->cpu < CPU_SETSIZE);
}

int probe_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (sched_getaffinity(0, sizeof(usual), &usual) < 0 || sem_init(&go, 0, 0) < 0)
		return -errno;
	ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ended < 0)
		return -errno;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 65536);
	rc = pthread_create(&thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return rc ? -rc : ended;
}

int probe_begin(const struct qrt_shmem_agent_probe *probe)
{
	if (!is_possible(probe))
		return -EINVAL;
	if (atomic_exchange(&is_running, 1))
		return -EBUSY;
	wanted = *probe;
	sem_post(&go);
	return 0;
}

int probe_end(struct qrt_shmem_agent_result *ret_result)
{
	uint64_t count;

	if (read(ended, &count, sizeof(count)) < 0 || !atomic_load(&is_done))
		return 0;
	*ret_result = result;
	atomic_store(&is_done, 0);
	atomic_store(&is_running, 0);
	return 1;
}
