/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "tap.h"

#define CLAMP 0x60u /* SCHED_FLAG_UTIL_CLAMP */

static struct qrt_sched_setting fifo(int priority, const char *cpus)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
				      .policy = QRT_SCHED_POLICY_FIFO,
				      .priority = priority};

	if (cpus) {
		s.set |= QRT_SCHED_SET_CPUS;
		s.cpus = fake_kernel_cpus(cpus);
	}
	return s;
}

static struct qrt_sched_setting other(int nice, const char *cpus)
{
	return (struct qrt_sched_setting){.set = QRT_SCHED_SET_ALL,
					  .policy = QRT_SCHED_POLICY_OTHER,
					  .nice = nice,
					  .cpus = fake_kernel_cpus(cpus)};
}

static void gives_only_members_that_are_set(void)
{
	struct qrt_sched_setting s = fifo(7, NULL);

	fake_kernel_begin();
	fake_kernel.nice = 5;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 7);
	CU_ASSERT_EQUAL(fake_kernel.nice, 5);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "a");
	fake_kernel_end();
}

static void changes_nothing_that_is_right_already(void)
{
	struct qrt_sched_setting s = other(0, "0-3");

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	fake_kernel_end();
}

static void cpus_come_first_when_urgency_rises_and_last_when_it_falls(void)
{
	struct qrt_sched_setting up = fifo(7, "1"), down = other(0, "0-3");

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &up, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "ca");
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &down, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "caac");
	fake_kernel_end();
}

/* Every call fails once: what was changed until then is put back. */
static void check_faults(const struct qrt_sched_setting *from, const struct qrt_sched_setting *to)
{
	struct fake_kernel before;
	int at, rc = -1;

	for (at = 0; rc < 0; at++) {
		fake_kernel_begin();
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, from, NULL), 0);
		before = fake_kernel;
		fake_kernel.fail_at = fake_kernel.calls + at;
		fake_kernel.fail_with = -EIO;
		rc = qrt_sched_setting_apply(0, to, NULL);
		if (rc < 0) {
			CU_ASSERT_EQUAL(rc, -EIO);
			CU_ASSERT_EQUAL(fake_kernel.attr.policy, before.attr.policy);
			CU_ASSERT_EQUAL(fake_kernel.attr.priority, before.attr.priority);
			CU_ASSERT_EQUAL(fake_kernel.attr.flags, before.attr.flags);
			CU_ASSERT_EQUAL(fake_kernel.nice, before.nice);
			CU_ASSERT_EQUAL(memcmp(&fake_kernel.cpus, &before.cpus, sizeof(before.cpus)), 0);
			CU_ASSERT_EQUAL(fake_kernel.ioprio, before.ioprio);
		}
		fake_kernel_end();
	}
	CU_ASSERT(at >= 5);
}

static void a_fault_at_any_call_leaves_the_thread_as_it_was(void)
{
	struct qrt_sched_setting low = other(5, "0-3"), high = fifo(9, "2"), higher = fifo(20, "1");

	high.set = higher.set = QRT_SCHED_SET_ALL;
	higher.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	higher.nice = -3;
	check_faults(&low, &high);
	check_faults(&high, &low);
	check_faults(&high, &higher);
	check_faults(&higher, &high);
}

static void nice_under_fifo_never_fails(void)
{
	struct qrt_sched_setting s = fifo(7, NULL);

	fake_kernel_begin();
	s.set |= QRT_SCHED_SET_NICE;
	s.nice = -20;
	fake_kernel.refuse_nice = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, 1);
	fake_kernel.refuse_nice = 0;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.nice, -20);
	fake_kernel_end();
}

static void leaving_fifo_keeps_the_nice_value(void)
{
	struct qrt_sched_setting up = fifo(7, NULL);
	struct qrt_sched_setting down = {.set = QRT_SCHED_SET_POLICY, .policy = QRT_SCHED_POLICY_OTHER};

	fake_kernel_begin();
	fake_kernel.nice = 5;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &up, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &down, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 0);
	CU_ASSERT_EQUAL(fake_kernel.nice, 5);
	fake_kernel_end();
}

static void only_nice_keeps_the_policy(void)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_NICE, .nice = 11};

	fake_kernel_begin();
	fake_kernel.attr.policy = QRT_SCHED_POLICY_BATCH;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_BATCH);
	CU_ASSERT_EQUAL(fake_kernel.nice, 11);
	fake_kernel_end();
}

static void a_deadline_thread_keeps_its_times_when_only_cpus_change(void)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_CPUS},
				 fail = {.set = QRT_SCHED_SET_POLICY, .policy = 6};

	fake_kernel_begin();
	s.cpus = fake_kernel_cpus("2");
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &fail, NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	fake_kernel.attr =
		(struct qrt_sched_p_attr){.policy = 6, .runtime = 10, .deadline = 20, .period = 30};
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "c");
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 10);
	fake_kernel_end();
}

static void other_flags_of_the_thread_stay(void)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_FLAGS, .flags = QRT_SCHED_FLAG_RESET_ON_FORK};

	fake_kernel_begin();
	fake_kernel.attr.flags = CLAMP;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, CLAMP | SCHED_FLAG_RESET_ON_FORK);
	fake_kernel_end();
}

static void bad_values_are_refused_before_anything_changes(void)
{
	struct qrt_sched_setting bad[] = {
		fifo(0, NULL),
		fifo(100, NULL),
		fifo(-1, NULL),
		{.set = QRT_SCHED_SET_POLICY, .policy = 4},
		{.set = QRT_SCHED_SET_POLICY, .policy = 99},
		{.set = QRT_SCHED_SET_POLICY, .policy = QRT_SCHED_POLICY_RR},
		{.set = QRT_SCHED_SET_PRIORITY, .priority = 5},
		{.set = QRT_SCHED_SET_NICE, .nice = 20},
		{.set = QRT_SCHED_SET_NICE, .nice = -21},
		{.set = QRT_SCHED_SET_CPUS},
		{.set = QRT_SCHED_SET_FLAGS, .flags = 2},
		{.set = 128},
		{.set = QRT_SCHED_SET_IOPRIO, .ioprio = QRT_SCHED_IOPRIO(4, 0)},
	};
	struct qrt_sched_error error;
	size_t i;

	fake_kernel_begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&error, 0, sizeof(error));
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &bad[i], &error), -EINVAL);
		CU_ASSERT_EQUAL(error.code, -EINVAL);
		CU_ASSERT(error.message[0] != '\0');
	}
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(-5, &bad[0], NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	fake_kernel_end();
}

static void policy_can_change_where_the_rest_cannot_be_read(void)
{
	struct qrt_sched_setting s = fifo(3, NULL), read, cpus = fifo(3, "1");

	fake_kernel_begin();
	fake_kernel.refuse_reading = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &read), -EPERM);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &cpus, NULL), -EPERM);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "a");
	fake_kernel_end();
}

/* ---- what a refusal says ---- */

static const char *refusal(const char *status, const char *cgroup)
{
	static struct qrt_sched_error error;
	struct qrt_sched_setting s = fifo(97, NULL);

	fake_kernel_begin();
	if (status)
		fake_kernel_file("/proc/thread-self/status", status);
	if (cgroup)
		fake_kernel_file("/proc/self/cgroup", cgroup);
	fake_kernel.limit = 20;
	fake_kernel.refuse_set = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, &error), -EPERM);
	fake_kernel_end();
	return error.message;
}

static void says_which_right_is_missing(void)
{
	const char *all = "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n";

	CU_ASSERT_PTR_NOT_NULL(strstr(refusal("Name:\tx\nCapEff:\t0000000000000000\nSeccomp:\t0\n", NULL),
				      "CAP_SYS_NICE, or RLIMIT_RTPRIO of 97 or more (it is 20"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(refusal("CapEff:\t000001ffffffffff\nSeccomp:\t2\n", NULL), "seccomp filter"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(all, "4:cpu,cpuacct:/vm.slice\n0::/x\n"),
				      "control group /vm.slice has no real-time time"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(all, "4:cpuset:/a\n3:cpu:/\n0::/x\n"), "security module"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(NULL, NULL), "CAP_SYS_NICE"));
}

/* ---- the real kernel ---- */

static struct qrt_sched_error real_error;
static int real_rc, real_policy, real_priority;

static void *change_self(void *unused)
{
	struct qrt_sched_setting s = fifo(3, NULL), read;

	(void)unused;
	s.set |= QRT_SCHED_SET_FLAGS;
	s.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	real_rc = qrt_sched_setting_apply(0, &s, &real_error);
	if (real_rc >= 0 && qrt_sched_setting_read(0, &read) >= 0)
		real_rc = (int)qrt_sched_setting_compare(&s, &read, NULL);
	real_policy = (int)syscall(SYS_sched_getscheduler, 0);
	real_priority = (int)read.priority;
	return NULL;
}

static void a_thread_can_become_fifo(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, change_self, NULL);
	pthread_join(thread, NULL);
	if (real_rc == -EPERM) {
		tap_skip(real_error.message);
		return;
	}
	CU_ASSERT_EQUAL(real_rc, 0);
	CU_ASSERT_EQUAL(real_policy, 0x40000000 | QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(real_priority, 3);
}

static void a_cpu_that_is_not_there_is_an_error_in_words(void)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_CPUS};
	struct qrt_sched_error error = {0};

	s.cpus = fake_kernel_cpus("1023");
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "online"));
}

static void a_thread_that_is_not_there_is_an_error(void)
{
	struct qrt_sched_setting s = other(0, "0");

	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0x3ffffffe, &s, NULL), -ESRCH);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0x3ffffffe, &s), -ESRCH);
	CU_ASSERT_EQUAL(s.set, QRT_SCHED_SET_ALL);
}

static const struct tap_test tests[] = {
	{"gives only members that are set", gives_only_members_that_are_set},
	{"changes nothing that is right already", changes_nothing_that_is_right_already},
	{"CPUs come first when urgency rises, last when it falls",
	 cpus_come_first_when_urgency_rises_and_last_when_it_falls},
	{"a fault at any call leaves the thread as it was", a_fault_at_any_call_leaves_the_thread_as_it_was},
	{"nice under FIFO never fails", nice_under_fifo_never_fails},
	{"leaving FIFO keeps the nice value", leaving_fifo_keeps_the_nice_value},
	{"only nice keeps the policy", only_nice_keeps_the_policy},
	{"a DEADLINE thread keeps its times when only CPUs change",
	 a_deadline_thread_keeps_its_times_when_only_cpus_change},
	{"other flags of the thread stay", other_flags_of_the_thread_stay},
	{"bad values are refused before anything changes", bad_values_are_refused_before_anything_changes},
	{"the policy can change where the rest cannot be read",
	 policy_can_change_where_the_rest_cannot_be_read},
	{"a refusal says which right is missing", says_which_right_is_missing},
	{"a thread can become FIFO", a_thread_can_become_fifo},
	{"a CPU that is not there is an error in words", a_cpu_that_is_not_there_is_an_error_in_words},
	{"a thread that is not there is an error", a_thread_that_is_not_there_is_an_error},
};

TAP_MAIN("apply", tests)
