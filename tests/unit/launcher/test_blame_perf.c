/* SPDX-License-Identifier: MIT */
/* The kernel's rings, where they may be had. */
#include "blame_perf.h"
#include "tap.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NAPS 200

/* This thread's CPU from now on. */
static int stay(struct qrt_sched_cpus *ret_cpus)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	memset(ret_cpus, 0, sizeof(*ret_cpus));
	qrt_sched_cpus_add(ret_cpus, cpu);
	return cpu;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void nap(int times)
{
	struct timespec ts = {.tv_nsec = 100000};

	while (times-- > 0)
		nanosleep(&ts, NULL);
}

static struct blame_perf *open_here(int *ret_cpu)
{
	struct blame_perf *perf = NULL;
	struct qrt_sched_cpus cpus;

	*ret_cpu = stay(&cpus);
	if (blame_perf_open_last(&cpus, &perf) < 0)
		tap_skip("task switches may not be recorded here");
	return perf;
}

static uint64_t read_last(const struct blame_perf *perf, GArray *events)
{
	struct blame_copy *copy = blame_perf_copy_last(perf);
	uint64_t since_ns = blame_copy_read(copy, events);

	CU_ASSERT_PTR_NULL(blame_copy_free(copy));
	return since_ns;
}

static int count_mine(const GArray *events, int cpu, uint64_t from_ns, uint64_t to_ns)
{
	int count = 0;
	guint i;

	for (i = 0; i < events->len; i++) {
		const struct blame_event *event = &g_array_index(events, struct blame_event, i);

		if (event->type != BLAME_EVENT_SWITCH || event->time_ns < from_ns || event->time_ns > to_ns)
			continue;
		CU_ASSERT_EQUAL(event->cpu, (uint32_t)cpu);
		count += event->told_by_in && event->other == (int32_t)gettid();
	}
	return count;
}

/* How often this thread went to sleep: not for a nap that is over before it does, on a machine that stands
 * still. */
static int count_sleeps(void)
{
	struct rusage usage = {.ru_nvcsw = 0};

	getrusage(RUSAGE_THREAD, &usage);
	return (int)usage.ru_nvcsw;
}

/* Each time that it sleeps is one switch back to this thread; reading takes nothing away. */
static void test_last(void)
{
	GArray *events = g_array_new(FALSE, FALSE, sizeof(struct blame_event));
	uint64_t start_ns, end_ns, since_ns;
	struct blame_perf *perf;
	int cpu, round, sleeps;

	perf = open_here(&cpu);
	start_ns = now();
	sleeps = count_sleeps();
	nap(perf ? NAPS : 0);
	sleeps = count_sleeps() - sleeps;
	end_ns = now();
	CU_ASSERT_TRUE(!perf || sleeps > NAPS / 2);
	for (round = 0; perf && round < 2; round++) {
		g_array_set_size(events, 0);
		since_ns = read_last(perf, events);
		CU_ASSERT_TRUE(since_ns > 0 && since_ns <= start_ns);
		CU_ASSERT_TRUE(count_mine(events, cpu, start_ns, end_ns) >= sleeps);
		CU_ASSERT_TRUE(blame_perf_get_written(perf) >= (uint64_t)sleeps * 80);
	}
	blame_perf_close(perf);
	g_array_unref(events);
}

/* A ring that was written over many times holds the newest, and says from when on. */
static void test_overwritten(void)
{
	GArray *events = g_array_new(FALSE, FALSE, sizeof(struct blame_event));
	uint64_t opened_ns, since_ns = 0, end_ns;
	struct blame_perf *perf;
	int cpu, i;

	perf = open_here(&cpu);
	opened_ns = now();
	for (i = 0; perf && i < 200 && since_ns <= opened_ns; i++) {
		nap(NAPS);
		g_array_set_size(events, 0);
		since_ns = read_last(perf, events);
	}
	end_ns = now();
	if (perf) {
		CU_ASSERT_TRUE(since_ns > opened_ns && since_ns < end_ns);
		CU_ASSERT_TRUE(count_mine(events, cpu, since_ns, end_ns) > NAPS);
	}
	blame_perf_close(perf);
	g_array_unref(events);
}

static const struct tap_test tests[] = {
	{"rings that nobody has to read", test_last},
	{"rings that are overwritten", test_overwritten},
};

TAP_MAIN("blame_perf", tests)
