/* SPDX-License-Identifier: MIT */
/* Rings of task switches, of a kernel that takes its time to open them. */
#include "blame_account.h"
#include "blame_perf.h"
#include "recorder_trace.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define S UINT64_C(1000000000)

struct blame_perf {
	int cpus;
};

static struct {
	struct watch watch;
	struct watched vcpu;
	struct qrt_sched_setting planned;
	pthread_t supervisor;
	uint64_t time_ns, written;
	int error;
	atomic_bool hangs, is_held_up;
	atomic_int opened, closed;
} world;

/* Who makes the supervisor wait for the kernel. */
static void note_caller(void)
{
	if (pthread_equal(pthread_self(), world.supervisor))
		atomic_store(&world.is_held_up, true);
	while (atomic_load(&world.hangs) && !atomic_load(&world.is_held_up))
		g_usleep(1000);
}

int blame_perf_open_last(const struct qrt_sched_cpus *cpus, struct blame_perf **ret_perf)
{
	note_caller();
	if (world.error < 0)
		return world.error;
	*ret_perf = g_new0(struct blame_perf, 1);
	(*ret_perf)->cpus = qrt_sched_cpus_count(cpus);
	atomic_fetch_add(&world.opened, 1);
	return 0;
}

struct blame_perf *blame_perf_close(struct blame_perf *perf)
{
	if (!perf)
		return NULL;
	note_caller();
	g_free(perf);
	atomic_fetch_add(&world.closed, 1);
	return NULL;
}

struct blame_copy *blame_perf_copy_last(const struct blame_perf *perf)
{
	(void)perf;
	return NULL;
}

uint64_t blame_perf_get_written(const struct blame_perf *perf)
{
	(void)perf;
	return world.written;
}

uint64_t blame_now_ns(void)
{
	return world.time_ns;
}

void watch_get_planned(const struct watched *watched, struct qrt_sched_setting *ret_setting)
{
	CU_ASSERT_PTR_EQUAL(watched, &world.vcpu);
	*ret_setting = world.planned;
}

static struct recorder_trace *open_world(void)
{
	memset(&world, 0, sizeof(world));
	world.supervisor = pthread_self();
	world.time_ns = 100 * S;
	world.planned.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_CPUS;
	world.planned.policy = QRT_SCHED_POLICY_FIFO;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse("1-2", &world.planned.cpus), 0);
	world.vcpu.role = QRT_SCHED_ROLE_VCPU;
	world.watch.threads = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(world.watch.threads, GINT_TO_POINTER(7), &world.vcpu);
	return recorder_trace_new();
}

static void close_world(struct recorder_trace *trace)
{
	CU_ASSERT_FALSE(atomic_load(&world.is_held_up));
	recorder_trace_free(trace);
	CU_ASSERT_EQUAL(atomic_load(&world.opened), atomic_load(&world.closed));
	g_hash_table_unref(world.watch.threads);
}

static void wait_error(struct recorder_trace *trace, int error)
{
	while (recorder_trace_get_error(trace) != error) {
		recorder_trace_take(trace);
		g_usleep(1000);
	}
}

static void test_opens(void)
{
	struct recorder_trace *trace = open_world();
	int i;

	atomic_store(&world.hangs, true);
	recorder_trace_follow(trace, &world.watch);
	for (i = 0; i < 10; i++) {
		recorder_trace_take(trace);
		recorder_trace_follow(trace, &world.watch);
		CU_ASSERT_EQUAL(recorder_trace_get_error(trace), -EINPROGRESS);
		CU_ASSERT_FALSE(recorder_trace_sees(trace, &world.vcpu));
	}
	atomic_store(&world.hangs, false);
	wait_error(trace, 0);
	CU_ASSERT_TRUE(recorder_trace_sees(trace, &world.vcpu));
	CU_ASSERT_EQUAL(atomic_load(&world.opened), 1);
	recorder_trace_follow(trace, &world.watch);
	CU_ASSERT_EQUAL(recorder_trace_get_error(trace), 0);
	close_world(trace);
}

/* One CPU more, asked for while the first ones are on their way, too. */
static void test_grows(void)
{
	struct recorder_trace *trace = open_world();

	atomic_store(&world.hangs, true);
	recorder_trace_follow(trace, &world.watch);
	qrt_sched_cpus_parse("1-3", &world.planned.cpus);
	recorder_trace_follow(trace, &world.watch);
	atomic_store(&world.hangs, false);
	wait_error(trace, 0);
	CU_ASSERT_FALSE(recorder_trace_sees(trace, &world.vcpu));
	recorder_trace_follow(trace, &world.watch);
	wait_error(trace, 0);
	CU_ASSERT_TRUE(recorder_trace_sees(trace, &world.vcpu));
	CU_ASSERT_EQUAL(atomic_load(&world.opened), 2);
	CU_ASSERT_EQUAL(atomic_load(&world.closed), 1);
	close_world(trace);
}

/* Too many switches: it rests for 10 s. */
static void test_rests(void)
{
	struct recorder_trace *trace = open_world();

	recorder_trace_follow(trace, &world.watch);
	wait_error(trace, 0);
	world.time_ns += S;
	world.written = RECORDER_TRACE_MOST * UINT64_C(80) * 2;
	recorder_trace_follow(trace, &world.watch);
	CU_ASSERT_EQUAL(recorder_trace_get_error(trace), -EBUSY);
	while (atomic_load(&world.closed) == 0)
		g_usleep(1000);
	g_usleep(1000);
	recorder_trace_take(trace);
	CU_ASSERT_FALSE(recorder_trace_sees(trace, &world.vcpu));
	world.time_ns += 10 * S - 1;
	recorder_trace_follow(trace, &world.watch);
	CU_ASSERT_EQUAL(recorder_trace_get_error(trace), -EBUSY);
	world.time_ns += 1;
	while (recorder_trace_get_error(trace) == -EBUSY) {
		recorder_trace_take(trace);
		recorder_trace_follow(trace, &world.watch);
	}
	wait_error(trace, 0);
	CU_ASSERT_TRUE(recorder_trace_sees(trace, &world.vcpu));
	close_world(trace);
}

static void test_refused(void)
{
	struct recorder_trace *trace = open_world();

	world.error = -EACCES;
	recorder_trace_follow(trace, &world.watch);
	wait_error(trace, -EACCES);
	recorder_trace_follow(trace, &world.watch);
	CU_ASSERT_EQUAL(recorder_trace_get_error(trace), -EACCES);
	CU_ASSERT_FALSE(recorder_trace_sees(trace, &world.vcpu));
	close_world(trace);
}

/* The VM ends meanwhile. */
static void test_ends(void)
{
	struct recorder_trace *trace = open_world();

	atomic_store(&world.hangs, true);
	recorder_trace_follow(trace, &world.watch);
	recorder_trace_free(trace);
	CU_ASSERT_FALSE(atomic_load(&world.is_held_up));
	atomic_store(&world.hangs, false);
	g_usleep(10000);
	while (atomic_load(&world.opened) != atomic_load(&world.closed))
		g_usleep(1000);
	g_hash_table_unref(world.watch.threads);
}

static const struct tap_test tests[] = {
	{"a kernel that takes its time holds up no look", test_opens},
	{"the CPUs become more", test_grows},
	{"too many switches", test_rests},
	{"rings that are refused", test_refused},
	{"a VM that ends meanwhile", test_ends},
};

TAP_MAIN("recorder_trace", tests)
