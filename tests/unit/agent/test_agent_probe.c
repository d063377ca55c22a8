/* SPDX-License-Identifier: MIT */
/* Timer tests in the guest, one after the other by one thread. */
#include "agent.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static struct pollfd ended = {.events = POLLIN};

static struct qrt_shmem_agent_probe make_probe(uint64_t cookie)
{
	const struct qrt_shmem_agent_probe probe = {
		.cookie = cookie, .interval_us = 1000, .count = 20, .cpu = QRT_SHMEM_AGENT_ANY_CPU};

	return probe;
}

static struct qrt_shmem_agent_result wait_for_result(void)
{
	struct qrt_shmem_agent_result result = {.cookie = 0};

	CU_ASSERT_EQUAL(poll(&ended, 1, 10000), 1);
	CU_ASSERT_EQUAL(probe_end(&result), 1);
	CU_ASSERT_EQUAL(poll(&ended, 1, 0), 0);
	CU_ASSERT_EQUAL(probe_end(&result), 0);
	return result;
}

/* The thread that measures is the other one; a sanitizer may have one more. */
static void expect_usual_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	cpu_set_t usual, cpus;
	pid_t tid;

	CU_ASSERT_EQUAL(sched_getaffinity(getpid(), sizeof(usual), &usual), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tasks);
	while ((entry = readdir(tasks))) {
		tid = (pid_t)atoi(entry->d_name);
		if (tid == 0)
			continue;
		CU_ASSERT_EQUAL(sched_getscheduler(tid), SCHED_OTHER);
		CU_ASSERT_EQUAL(sched_getaffinity(tid, sizeof(cpus), &cpus), 0);
		CU_ASSERT_TRUE(CPU_EQUAL(&cpus, &usual));
	}
	closedir(tasks);
}

static uint64_t count_buckets(const struct qrt_shmem_agent_result *result)
{
	uint64_t count = 0;
	uint32_t i;

	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++)
		count += result->buckets[i];
	return count;
}

static void one_after_the_other(void)
{
	struct qrt_shmem_agent_probe probe = make_probe(1);
	struct qrt_shmem_agent_result result;

	CU_ASSERT_EQUAL(probe_begin(&probe), 0);
	CU_ASSERT_EQUAL(probe_begin(&probe), -EBUSY);
	result = wait_for_result();
	CU_ASSERT_TRUE(result.cookie == 1 && result.error == 0 && result.count == 20);
	CU_ASSERT_EQUAL(count_buckets(&result), 20);
	CU_ASSERT_TRUE(result.min_ns <= result.max_ns && result.max_ns <= result.sum_ns);
	probe = make_probe(2);
	probe.count = 5;
	CU_ASSERT_EQUAL(probe_begin(&probe), 0);
	result = wait_for_result();
	CU_ASSERT_TRUE(result.cookie == 2 && result.count == 5 && count_buckets(&result) == 5);
}

/* Priority and CPU of one are not those of the next. */
static void it_is_put_back(void)
{
	struct qrt_shmem_agent_probe probe = make_probe(3);
	struct qrt_shmem_agent_result result;
	cpu_set_t usual;

	CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(usual), &usual), 0);
	for (probe.cpu = 0; probe.cpu < CPU_SETSIZE && !CPU_ISSET(probe.cpu, &usual);)
		probe.cpu++;
	probe.priority = 1;
	CU_ASSERT_EQUAL(probe_begin(&probe), 0);
	result = wait_for_result();
	CU_ASSERT_TRUE(result.error == 0 || result.error == -EPERM);
	expect_usual_threads();
	probe.cpu = CPU_SETSIZE - 1;
	CU_ASSERT_EQUAL(probe_begin(&probe), 0);
	result = wait_for_result();
	CU_ASSERT_EQUAL(result.error, -EINVAL);
	CU_ASSERT_EQUAL(result.count, 0);
	expect_usual_threads();
}

static void what_cannot_be(void)
{
	struct qrt_shmem_agent_probe probe = make_probe(4);
	struct qrt_shmem_agent_result result;

	probe.interval_us = 99;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	probe = make_probe(4);
	probe.count = 0;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	probe.count = 1000001;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	probe = make_probe(4);
	probe.interval_us = probe.count = 1000000;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	probe = make_probe(4);
	probe.priority = 100;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	probe = make_probe(4);
	probe.cpu = CPU_SETSIZE;
	CU_ASSERT_EQUAL(probe_begin(&probe), -EINVAL);
	CU_ASSERT_EQUAL(probe_end(&result), 0);
}

static void begin(void)
{
	ended.fd = probe_start();
	CU_ASSERT_FATAL(ended.fd >= 0);
}

static const struct tap_test tests[] = {
	{"its thread begins", begin},
	{"one after the other", one_after_the_other},
	{"priority and CPU are put back", it_is_put_back},
	{"what cannot be is refused", what_cannot_be},
};

TAP_MAIN("agent_probe", tests)
