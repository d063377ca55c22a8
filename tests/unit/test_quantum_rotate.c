/* SPDX-License-Identifier: MIT */
/* A thread that is rotated from outside. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fake_kernel.h"
#include "quantum_p.h"
#include "tap.h"
#include "turns.h"

#define MS UINT64_C(1000000)

/* What was set, in order: policy * 1000 + priority. */
static struct qrt_sched_p_sys table;
static uint32_t steps[8];
static int count, fail_at;

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	(void)tid;
	if (count == fail_at)
		return -EPERM;
	if (count < 8)
		steps[count++] = attr->policy * 1000 + attr->priority;
	fake_kernel.attr = *attr;
	if (attr->policy == QRT_SCHED_POLICY_OTHER)
		fake_kernel.nice = attr->nice;
	return 0;
}

static void begin(uint32_t policy, uint32_t priority)
{
	fake_kernel_begin();
	fake_kernel_file("/proc/thread-self/status", "Name:\tx\nCapEff:\t0000000000800000\n");
	fake_kernel.attr.policy = policy;
	fake_kernel.attr.priority = priority;
	fake_kernel.attr.flags = 1;
	fake_kernel.nice = -3;
	table = *qrt_sched_p_sys;
	table.set_attr = set_attr;
	qrt_sched_p_sys = &table;
	count = 0;
	fail_at = -1;
}

static struct qrt_sched_setting runs(uint32_t policy, int32_t priority)
{
	return (struct qrt_sched_setting){
		.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY, .policy = policy, .priority = priority};
}

static void it_is_lowered_and_raised(void)
{
	struct qrt_sched_setting setting = runs(QRT_SCHED_POLICY_RR, 7);

	begin(QRT_SCHED_POLICY_RR, 7);
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, NULL), 0);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(steps[0], 2006);
	CU_ASSERT_EQUAL(steps[1], 2007);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 1);
	fake_kernel_end();
}

static void from_the_lowest_priority_it_leaves_real_time_and_keeps_its_nice_value(void)
{
	struct qrt_sched_setting setting = runs(QRT_SCHED_POLICY_FIFO, 1);

	begin(QRT_SCHED_POLICY_FIFO, 1);
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, NULL), 0);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(steps[0], 0);
	CU_ASSERT_EQUAL(steps[1], 1001);
	CU_ASSERT_EQUAL(fake_kernel.nice, -3);
	fake_kernel_end();
}

static void who_runs_otherwise_is_left_alone(void)
{
	struct qrt_sched_setting setting = runs(QRT_SCHED_POLICY_FIFO, 5), part = setting;
	struct qrt_sched_error error;

	begin(QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), -ESTALE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "fifo 5"));
	setting = runs(QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), -EINVAL);
	part.set = QRT_SCHED_SET_PRIORITY;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &part, &error), -EINVAL);
	part.set = QRT_SCHED_SET_ALL;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(0, &part, &error), -EINVAL);
	CU_ASSERT_EQUAL(count, 0);
	fake_kernel_end();
}

static void who_could_not_be_raised_again_is_not_lowered(void)
{
	struct qrt_sched_setting setting = runs(QRT_SCHED_POLICY_FIFO, 5);
	struct qrt_sched_error error;

	begin(QRT_SCHED_POLICY_FIFO, 5);
	fake_kernel_file("/proc/thread-self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	fake_kernel.limit = 4;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "CAP_SYS_NICE"));
	CU_ASSERT_EQUAL(count, 0);
	fake_kernel.limit = 5;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), 0);
	fake_kernel_end();
}

static void what_the_kernel_refuses_is_said(void)
{
	struct qrt_sched_setting setting = runs(QRT_SCHED_POLICY_FIFO, 5);
	struct qrt_sched_error error;

	begin(QRT_SCHED_POLICY_FIFO, 5);
	fail_at = 0;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), -EPERM);
	CU_ASSERT_EQUAL(error.code, -EPERM);
	fail_at = -1;
	fake_kernel.fail_at = fake_kernel.calls;
	fake_kernel.fail_with = -ESRCH;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(5, &setting, &error), -ESRCH);
	CU_ASSERT_EQUAL(count, 0);
	fake_kernel_end();
}

/* ---- two threads on one CPU, that would not let each other run ---- */

static struct qrt_sched_setting real;
static _Atomic int turn_of; /* the thread that spins */
static int rotations, wrong;

static void note_turn(struct turns *turns, int thread)
{
	(void)turns;
	turn_of = thread;
}

static int wait_for_other(int than, uint64_t until)
{
	while (turn_of == than && turns_now() < until)
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	return turn_of != than;
}

/* From a CPU of its own, or from above: this thread must get to run. */
static void rotate_some(struct turns *turns)
{
	uint64_t until = turns_now() + turns->time_ns - 50 * MS;
	int now;

	rotations = wrong = 0;
	turn_of = -1;
	while (wait_for_other(-1, until) && rotations < 10 && turns_now() < until) {
		now = turn_of;
		if (qrt_sched_quantum_rotate(turns->tids[now], &real, NULL) < 0)
			wrong++;
		rotations += wait_for_other(now, until);
	}
}

static void rotate_real(int priority)
{
	static struct turns turns;
	struct sched_param above = {.sched_priority = priority + 2}, none = {0};
	int rc;

	turns = (struct turns){.threads = 2,
			       .cpu = turns_cpu(),
			       .policy = SCHED_FIFO,
			       .priority = priority,
			       .time_ns = 400 * MS,
			       .round = note_turn};
	turn_of = -1;
	real = runs(QRT_SCHED_POLICY_FIFO, priority);
	if (turns_why_not()) {
		tap_skip(turns_why_not());
		return;
	}
	sched_setscheduler(0, SCHED_FIFO, &above);
	rc = turns_take_enough(&turns, rotate_some, 2);
	sched_setscheduler(0, SCHED_OTHER, &none);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	tap_note("priority %d: %d rotations", priority, rotations);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(rotations >= 3);
}

static void the_other_one_runs_at_once(void)
{
	rotate_real(3);
}

static void also_at_the_lowest_priority(void)
{
	rotate_real(1);
}

static const struct tap_test tests[] = {
	{"it is lowered and raised again, with its flags", it_is_lowered_and_raised},
	{"from priority 1 it leaves real-time and keeps its nice value",
	 from_the_lowest_priority_it_leaves_real_time_and_keeps_its_nice_value},
	{"who runs otherwise is left alone", who_runs_otherwise_is_left_alone},
	{"who could not be raised again is not lowered", who_could_not_be_raised_again_is_not_lowered},
	{"what the kernel refuses is said", what_the_kernel_refuses_is_said},
	{"the other one of its level runs", the_other_one_runs_at_once},
	{"the other one runs also at priority 1", also_at_the_lowest_priority},
};

TAP_MAIN("quantum_rotate", tests)
