/* SPDX-License-Identifier: MIT */
/* The same on the kernel of this machine: slices, DEADLINE with its traps, I/O priorities. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys_p.h"
#include "tap.h"

#define MS UINT64_C(1000000)

/* Runs it on a thread of its own, whose setting dies with it. */
static void on_a_thread(void *(*run)(void *))
{
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, NULL), 0);
	pthread_join(thread, NULL);
}

static void *change_slice(void *unused)
{
	struct qrt_sched_setting want = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES}, have;

	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &want, NULL), 0);
	want.runtime_ns = 20 * MS;
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.runtime_ns, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &want, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.runtime_ns, qrt_sched_p_kernel_slice() ? 20 * MS : 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
	want.runtime_ns = 0;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &want, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.runtime_ns, 0);
	return unused;
}

static void a_slice_is_given_and_taken_back(void)
{
	on_a_thread(change_slice);
}

static void *change_ioprio(void *unused)
{
	struct qrt_sched_setting want = {.set = QRT_SCHED_SET_IOPRIO,
					 .ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, 6)};
	struct qrt_sched_setting before, have;
	struct qrt_sched_error error;
	int rc;

	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &before), 0);
	rc = qrt_sched_setting_apply(0, &want, &error);
	if (rc == -ENOSYS) {
		tap_skip(error.message);
		return unused;
	}
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.ioprio, want.ioprio);
	before.set = QRT_SCHED_SET_IOPRIO;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &before, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.ioprio, before.ioprio);
	return unused;
}

static void an_ioprio_is_given_and_taken_back(void)
{
	on_a_thread(change_ioprio);
}

/* All CPUs that there are: what a container leaves of them is not what the kernel looks at. */
static struct qrt_sched_setting deadline(void)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES | QRT_SCHED_SET_CPUS,
				      .policy = QRT_SCHED_POLICY_DEADLINE,
				      .runtime_ns = 1 * MS,
				      .deadline_ns = 100 * MS,
				      .period_ns = 100 * MS};

	qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &s.cpus);
	return s;
}

static void *start_nothing(void *unused)
{
	return unused;
}

static void *become_deadline(void *unused)
{
	struct qrt_sched_setting want = deadline(), have;
	struct qrt_sched_error error;
	pthread_t child;

	if (qrt_sched_setting_apply(0, &want, &error) < 0) {
		tap_skip(error.message);
		return unused;
	}
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
	/* Without RESET_ON_FORK this is EAGAIN. */
	CU_ASSERT_EQUAL_FATAL(pthread_create(&child, NULL, start_nothing, NULL), 0);
	pthread_join(child, NULL);
	want = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY, .policy = QRT_SCHED_POLICY_OTHER};
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &want, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(have.runtime_ns | have.deadline_ns | have.period_ns, 0);
	return unused;
}

static void a_thread_can_become_deadline_and_start_others(void)
{
	on_a_thread(become_deadline);
}

/* Which trap it is depends on the machine; the thread is as it was, and the fallback works. */
static void *walk_into_a_trap(void *unused)
{
	struct qrt_sched_setting want = deadline(), before, have, instead;
	int first = qrt_sched_cpus_next(&want.cpus, -1);
	struct qrt_sched_error error = {0};
	int rc;

	memset(&want.cpus, 0, sizeof(want.cpus));
	qrt_sched_cpus_add(&want.cpus, first);
	want.runtime_ns = want.deadline_ns; /* where there is but one CPU, this is too much */
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &before), 0);
	rc = qrt_sched_setting_apply(0, &want, &error);
	if (rc >= 0) {
		tap_skip("this kernel has no traps: kernel.sched_rt_runtime_us is -1, or CPUs are shielded");
		return unused;
	}
	CU_ASSERT(error.message[0] != '\0' && error.code == rc);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&before, &have, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_setting_get_fallback(&want, rc, &instead), 0);
	rc = qrt_sched_setting_apply(0, &instead, &error);
	if (rc == -EPERM) {
		tap_skip(error.message);
		return unused;
	}
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&instead, &have, NULL), 0);
	return unused;
}

static void a_refusal_changes_nothing_and_has_a_fallback(void)
{
	on_a_thread(walk_into_a_trap);
}

/* ---- a share that is not given back ---- */

struct sleeper {
	pthread_t thread;
	pthread_barrier_t turn;
	pid_t tid;
	int turns;
};

static void *wake_now_and_then(void *arg)
{
	struct sleeper *sleeper = arg;
	int turn;

	sleeper->tid = (pid_t)syscall(SYS_gettid);
	for (turn = 0; turn < sleeper->turns; turn++)
		pthread_barrier_wait(&sleeper->turn);
	return NULL;
}

/* Its share, 10 % of a CPU, is there for each of 25 rounds: that is more than two CPUs have. */
static void enter_and_leave(struct sleeper *sleeper, int rounds)
{
	struct qrt_sched_setting want = deadline(), other = {.set = QRT_SCHED_SET_POLICY};
	struct timespec beyond_its_deadline = {.tv_nsec = 60 * 1000000};
	struct qrt_sched_error error = {.message = ""};
	int round, rc;

	want.runtime_ns = 2 * MS;
	want.deadline_ns = want.period_ns = 20 * MS;
	for (round = 0; round < rounds; round++) {
		rc = qrt_sched_setting_apply(sleeper->tid, &want, &error);
		if (rc < 0 && !round)
			tap_skip(error.message);
		else if (rc < 0)
			tap_note("round %d: %s", round, error.message);
		CU_ASSERT(rc >= 0 || !round);
		pthread_barrier_wait(&sleeper->turn); /* it has run, and sleeps again */
		nanosleep(&beyond_its_deadline, NULL);
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(sleeper->tid, &other, NULL), 0);
	}
}

/* A machine of many CPUs has so much that nothing would be seen missing. */
static void a_sleeping_thread_gives_back_its_share(void)
{
	struct sleeper sleeper = {.turns = 1 + 25 + 1};
	struct qrt_sched_cpus online;

	qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &online);
	if (qrt_sched_cpus_count(&online) > 2) {
		tap_skip("needs a machine of one or two CPUs");
		return;
	}
	pthread_barrier_init(&sleeper.turn, NULL, 2);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&sleeper.thread, NULL, wake_now_and_then, &sleeper), 0);
	pthread_barrier_wait(&sleeper.turn);
	enter_and_leave(&sleeper, 25);
	pthread_barrier_wait(&sleeper.turn);
	pthread_join(sleeper.thread, NULL);
	pthread_barrier_destroy(&sleeper.turn);
}

static const struct tap_test tests[] = {
	{"a slice is given and taken back", a_slice_is_given_and_taken_back},
	{"an I/O priority is given and taken back", an_ioprio_is_given_and_taken_back},
	{"a thread can become DEADLINE and start others", a_thread_can_become_deadline_and_start_others},
	{"a refusal changes nothing and has a fallback", a_refusal_changes_nothing_and_has_a_fallback},
	{"a thread that sleeps gives back its share", a_sleeping_thread_gives_back_its_share},
};

TAP_MAIN("apply_real", tests)
