/* SPDX-License-Identifier: MIT */
/* The rotator: over a made-up kernel, and with real threads. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "quantum_p.h"
#include "tap.h"
#include "turns.h"

#define MS UINT64_C(1000000)

static struct qrt_sched_rotator *rotator;
static struct qrt_sched_p_sys table;
static int lowered, changed, attr_error;
static uint64_t began; /* the made-up kernel's clock is ahead: no timer runs out meanwhile */

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	(void)tid;
	changed++;
	lowered += attr->priority == 8;
	fake_kernel.attr = *attr;
	return 0;
}

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	(void)tid;
	if (attr_error)
		return attr_error;
	*ret_attr = fake_kernel.attr;
	return 0;
}

static void set_usage(int tid, uint64_t cpu_ns, int times)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	snprintf(text, sizeof(text), "%llu 0 %d\n", (unsigned long long)cpu_ns, times);
	fake_kernel_file(path, text);
}

static void set_time(int tid, uint64_t cpu_ns)
{
	set_usage(tid, cpu_ns, cpu_ns > 0);
}

static void begin(void)
{
	fake_kernel_begin();
	fake_kernel_file("/proc/thread-self/status", "Name:\tx\nCapEff:\t0000000000800000\n");
	fake_kernel.attr.policy = QRT_SCHED_POLICY_FIFO;
	fake_kernel.attr.priority = 9;
	began = turns_now() + 1000000 * MS;
	fake_kernel.now = began;
	table = *qrt_sched_p_sys;
	table.get_attr = get_attr;
	table.set_attr = set_attr;
	qrt_sched_p_sys = &table;
	lowered = changed = attr_error = 0;
	rotator = NULL;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_rotator_open(&rotator), 0);
	set_time(10, 50 * MS);
	set_time(11, 70 * MS);
}

static void end(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_rotator_close(rotator));
	fake_kernel_end();
}

/* When it wants to look again: ms after the begin; -1: never. The timer says how long that is from now. */
static int due(void)
{
	struct itimerspec spec;
	uint64_t before, left;

	do {
		before = turns_now();
		CU_ASSERT_EQUAL(timerfd_gettime(qrt_sched_rotator_get_fd(rotator), &spec), 0);
	} while (turns_now() - before > MS / 10);
	left = (uint64_t)spec.it_value.tv_sec * 1000000000u + (uint64_t)spec.it_value.tv_nsec;
	return left ? (int)((before + left - began + MS / 2) / MS) : -1;
}

static void at(uint64_t ms)
{
	fake_kernel.now = began + ms * MS;
}

static void who_used_its_quantum_is_rotated(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	CU_ASSERT_EQUAL(due(), 20);
	CU_ASSERT_EQUAL(qrt_sched_rotator_get_wait(rotator), 20 * MS);
	at(15);
	CU_ASSERT_EQUAL(qrt_sched_rotator_get_wait(rotator), 5 * MS);
	at(21);
	CU_ASSERT_EQUAL(qrt_sched_rotator_get_wait(rotator), 0);
	at(20);
	set_time(10, 70 * MS);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 1);
	CU_ASSERT_EQUAL(lowered, 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 9);
	CU_ASSERT_EQUAL(due(), 40);
	end();
}

static void who_has_time_left_is_looked_at_when_it_can_be_over(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	at(20);
	set_time(10, 65 * MS);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(lowered, 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(due(), 25);
	at(25);
	set_time(10, 70 * MS - 20 * MS / QRT_SCHED_P_SLACK);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 1);
	end();
}

static void who_does_not_run_is_not_touched(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	/* Whether it runs shows only when the kernel has counted. */
	at(20);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(changed, 2);
	at(40);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(changed, 2);
	CU_ASSERT_EQUAL(due(), 60);
	/* It came onto the CPU, and nothing is counted yet. */
	set_usage(10, 50 * MS, 2);
	at(60);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(changed, 4);
	set_usage(10, 70 * MS, 2);
	at(80);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 1);
	CU_ASSERT_EQUAL(changed, 8);
	end();
}

static void nobody_is_looked_at_too_early(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 11, 50 * MS), 0);
	CU_ASSERT_EQUAL(due(), 20);
	at(19);
	set_time(10, 1000 * MS);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(changed, 0);
	at(20);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 1);
	CU_ASSERT_EQUAL(changed, 4);
	CU_ASSERT_EQUAL(due(), 40);
	end();
}

static void who_is_not_in_real_time_is_left_alone(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	fake_kernel.attr.policy = QRT_SCHED_POLICY_OTHER;
	at(20);
	set_time(10, 80 * MS);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(changed, 0);
	CU_ASSERT_EQUAL(due(), 40);
	/* Back again, it has a whole quantum. */
	fake_kernel.attr.policy = QRT_SCHED_POLICY_RR;
	at(40);
	set_time(10, 99 * MS);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	set_time(10, 100 * MS);
	at(41);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_RR);
	end();
}

static void a_changed_quantum_counts_from_now(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 100 * MS), 0);
	at(10);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	CU_ASSERT_EQUAL(due(), 30);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 0), 0);
	CU_ASSERT_EQUAL(due(), -1);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 0), 0);
	at(500);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	end();
}

static void what_cannot_be_rotated_is_refused(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, QRT_SCHED_QUANTUM_MIN - 1), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, QRT_SCHED_QUANTUM_MAX + 1), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 0, 20 * MS), -ESRCH);
	attr_error = -ESRCH;
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), -ESRCH);
	attr_error = 0;
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 12, 20 * MS), -ESRCH);
	fake_kernel_file("/proc/12/stat", "12 (x) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0\n");
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 12, 20 * MS), -EOPNOTSUPP);
	set_time(12, 0);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 12, 20 * MS), -EOPNOTSUPP);
	fake_kernel_file("/proc/thread-self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), -EPERM);
	CU_ASSERT_EQUAL(due(), -1);
	end();
}

static void who_ended_is_taken_out(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 10, 20 * MS), 0);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, 11, 20 * MS), 0);
	at(20);
	attr_error = -ESRCH;
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(due(), -1);
	end();
}

static void many_threads_find_room(void)
{
	int tid;

	begin();
	for (tid = 100; tid < 150; tid++) {
		set_time(tid, MS);
		CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, tid, 20 * MS), 0);
		set_time(tid, 30 * MS);
	}
	at(20);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 50);
	end();
}

/* ---- real threads ---- */

static pid_t brief_tid;

static void *run_briefly(void *ret_rc)
{
	brief_tid = (pid_t)syscall(SYS_gettid);
	*(int *)ret_rc = qrt_sched_rotator_set(rotator, brief_tid, 5 * MS);
	return NULL;
}

/* Who is joined has yet to go for good. */
static void wait_gone(pid_t tid)
{
	char path[64];
	int i;

	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	for (i = 0; i < 20000 && access(path, F_OK) == 0; i++)
		usleep(1000);
}

static void a_real_thread_that_ended_is_taken_out(void)
{
	pthread_t thread;
	int rc = -1;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_rotator_open(&rotator), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run_briefly, &rc), 0);
	pthread_join(thread, NULL);
	wait_gone(brief_tid);
	if (rc == -EPERM || rc == -EOPNOTSUPP) {
		tap_skip(rc == -EPERM ? "needs CAP_SYS_NICE" : "the kernel counts no CPU time of threads");
	} else {
		struct pollfd p = {.fd = qrt_sched_rotator_get_fd(rotator), .events = POLLIN};

		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_EQUAL(fcntl(p.fd, F_GETFD), FD_CLOEXEC);
		CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
		CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
		CU_ASSERT_EQUAL(poll(&p, 1, 20), 0);
	}
	CU_ASSERT_PTR_NULL(qrt_sched_rotator_close(rotator));
}

static const uint64_t lengths[2] = {8 * MS, 16 * MS};
static int rotated, set_error;

static void rotate_them(struct turns *turns)
{
	struct pollfd p = {.fd = qrt_sched_rotator_get_fd(rotator), .events = POLLIN};
	uint64_t until = turns_now() + turns->time_ns;
	int i;

	for (i = 0; i < 2 && !set_error; i++)
		set_error = qrt_sched_rotator_set(rotator, turns->tids[i], lengths[i]);
	while (!set_error && turns_now() < until && poll(&p, 1, 100) >= 0)
		rotated += qrt_sched_rotator_harvest(rotator);
}

static void check_turns(const struct turns *turns)
{
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t median = turns_median(turns, i, TURNS_CPU);

		tap_note("quantum %.1f ms: %zu runs, median %.2f ms of CPU time", (double)lengths[i] / 1e6,
			 turns_count(turns, i), (double)median / 1e6);
		CU_ASSERT(turns_count(turns, i) >= 3);
		CU_ASSERT(median >= lengths[i] - lengths[i] / 16);
		CU_ASSERT(median <= lengths[i] * 2);
	}
}

static void threads_of_one_level_take_turns(void)
{
	static struct turns turns;
	struct sched_param above = {.sched_priority = 9}, none = {0};
	int rc;

	turns = (struct turns){
		.threads = 2, .cpu = turns_cpu(), .policy = SCHED_FIFO, .priority = 2, .time_ns = 400 * MS};
	rotated = set_error = 0;
	if (turns_why_not()) {
		tap_skip(turns_why_not());
		return;
	}
	sched_setscheduler(0, SCHED_FIFO, &above);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_rotator_open(&rotator), 0);
	rc = turns_take_enough(&turns, rotate_them, 3);
	sched_setscheduler(0, SCHED_OTHER, &none);
	qrt_sched_rotator_close(rotator);
	CU_ASSERT_EQUAL(rc, 0);
	if (set_error == -EOPNOTSUPP) {
		tap_skip("the kernel counts no CPU time of threads");
		return;
	}
	CU_ASSERT_EQUAL(set_error, 0);
	CU_ASSERT(rotated >= 6);
	check_turns(&turns);
}

static const struct tap_test tests[] = {
	{"who used its quantum is rotated", who_used_its_quantum_is_rotated},
	{"who has time left is looked at when it can be over",
	 who_has_time_left_is_looked_at_when_it_can_be_over},
	{"who does not run is not touched", who_does_not_run_is_not_touched},
	{"nobody is looked at too early", nobody_is_looked_at_too_early},
	{"who is not in real-time is left alone", who_is_not_in_real_time_is_left_alone},
	{"a changed quantum counts from now, 0 takes out", a_changed_quantum_counts_from_now},
	{"what cannot be rotated is refused", what_cannot_be_rotated_is_refused},
	{"who ended is taken out", who_ended_is_taken_out},
	{"many threads find room", many_threads_find_room},
	{"a real thread that ended is taken out", a_real_thread_that_ended_is_taken_out},
	{"threads of one level take turns by their quanta", threads_of_one_level_take_turns},
};

TAP_MAIN("rotator", tests)
