/* SPDX-License-Identifier: MIT */
/* Settings with times and I/O priorities, on a made-up kernel that fails at each of its calls. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "fake_kernel.h"
#include "tap.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static struct qrt_sched_setting complete(uint32_t policy, int32_t priority, const char *cpus)
{
	return (struct qrt_sched_setting){.set = QRT_SCHED_SET_ALL,
					  .policy = policy,
					  .priority = priority,
					  .cpus = fake_kernel_cpus(cpus)};
}

static struct qrt_sched_setting deadline(uint64_t runtime, uint64_t period)
{
	struct qrt_sched_setting s = complete(QRT_SCHED_POLICY_DEADLINE, 0, "0-3");

	s.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	s.runtime_ns = runtime;
	s.deadline_ns = s.period_ns = period;
	return s;
}

static struct qrt_sched_setting slice(uint64_t ns)
{
	return (struct qrt_sched_setting){.set = QRT_SCHED_SET_TIMES, .runtime_ns = ns};
}

static void deadline_is_given_with_reset_on_fork(void)
{
	struct qrt_sched_setting s = deadline(2 * MS, 10 * MS), have;

	fake_kernel_begin();
	s.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_TIMES;
	s.priority = 40; /* of the fallback */
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_DEADLINE);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, SCHED_FLAG_RESET_ON_FORK);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 2 * MS);
	CU_ASSERT_EQUAL(fake_kernel.attr.deadline, 10 * MS);
	CU_ASSERT_EQUAL(fake_kernel.attr.period, 10 * MS);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&s, &have, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "a");
	fake_kernel_end();
}

/* Whoever names FLAGS has them: a thread that was found without is put back without. */
static void flags_that_are_named_count(void)
{
	struct qrt_sched_setting s = deadline(2 * MS, 10 * MS);

	fake_kernel_begin();
	s.flags = 0;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 0);
	fake_kernel_end();
}

static void cpus_are_widened_before_deadline_and_narrowed_after_it(void)
{
	struct qrt_sched_setting wide = deadline(2 * MS, 10 * MS),
				 narrow = complete(QRT_SCHED_POLICY_FIFO, 3, "1");

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &narrow, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &wide, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &narrow, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "cacaaac");
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime | fake_kernel.attr.deadline | fake_kernel.attr.period, 0);
	fake_kernel_end();
}

/* The kernel does not give back what a thread has that sleeps while it is taken out of DEADLINE. */
static void who_leaves_deadline_leaves_nothing_behind(void)
{
	struct qrt_sched_setting first = deadline(2 * MS, 10 * MS), other = complete(0, 0, "0-3");

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(7, &first, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(7, &other, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 0);
	CU_ASSERT_EQUAL(fake_kernel.kept, 0);
	fake_kernel_end();
}

/* IDLE would use it. */
static void who_leaves_other_leaves_its_slice(void)
{
	struct qrt_sched_setting twenty = slice(20 * MS), idle = complete(QRT_SCHED_POLICY_IDLE, 0, "0-3");

	fake_kernel_begin();
	fake_kernel.kernel_slice = 3 * MS;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(7, &twenty, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(7, &idle, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.slice, 3 * MS);
	fake_kernel_end();
}

static void bad_times_are_refused_before_anything_changes(void)
{
	struct qrt_sched_setting bad[] = {deadline(0, 10 * MS),
					  deadline(1023, 10 * MS),
					  deadline(11 * MS, 10 * MS),
					  deadline(MS, 1ull << 63),
					  slice(99 * US),
					  slice(100 * MS + 1),
					  complete(QRT_SCHED_POLICY_FIFO, 3, "0-3"),
					  slice(MS)};
	struct qrt_sched_error error;
	size_t i;

	bad[6].runtime_ns = MS;
	bad[7].deadline_ns = MS;
	fake_kernel_begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&error, 0, sizeof(error));
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &bad[i], &error), -EINVAL);
		CU_ASSERT(error.message[0] != '\0');
	}
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	fake_kernel_end();
}

static void a_slice_is_given_read_and_taken_back(void)
{
	struct qrt_sched_setting twenty = slice(20 * MS), none = slice(0), have;

	fake_kernel_begin();
	fake_kernel.kernel_slice = 2800 * US;
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.runtime_ns, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &none, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &twenty, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 20 * MS);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(have.runtime_ns, 20 * MS);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &none, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 0);
	fake_kernel_end();
}

/* A number that was only read would become one that was asked for. */
static void other_changes_leave_the_kernels_slice_alone(void)
{
	struct qrt_sched_setting nice = {.set = QRT_SCHED_SET_NICE, .nice = 5};

	fake_kernel_begin();
	fake_kernel.kernel_slice = 2800 * US;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &nice, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 0);
	fake_kernel.attr.runtime = 7 * MS;
	nice.nice = 6;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &nice, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 7 * MS);
	fake_kernel_end();
}

static void a_kernel_without_slices_is_no_deviation(void)
{
	struct qrt_sched_setting want = slice(20 * MS), have;

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &want, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &have), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
	fake_kernel_end();
}

/* ---- faults ---- */

/* What can be seen of the thread. */
static int is_as(const struct fake_kernel *before)
{
	return fake_kernel.attr.policy == before->attr.policy &&
	       fake_kernel.attr.priority == before->attr.priority &&
	       fake_kernel.attr.flags == before->attr.flags &&
	       fake_kernel.attr.runtime == before->attr.runtime &&
	       fake_kernel.attr.deadline == before->attr.deadline &&
	       fake_kernel.attr.period == before->attr.period && fake_kernel.nice == before->nice &&
	       fake_kernel.ioprio == before->ioprio &&
	       !memcmp(&fake_kernel.cpus, &before->cpus, sizeof(before->cpus));
}

static int is_as_asked(const struct qrt_sched_setting *want)
{
	struct qrt_sched_setting have;

	fake_kernel.fail_at = -1;
	return qrt_sched_setting_read(0, &have) == 0 && qrt_sched_setting_compare(want, &have, NULL) == 0;
}

/* Every call fails once. Returns how many there were. */
static int fail_each(const struct qrt_sched_setting *from, const struct qrt_sched_setting *to, int with)
{
	struct fake_kernel before;
	int at, rc, last, wrong = 0;

	for (at = 0, last = 1; last && at < 100; at++) {
		fake_kernel_begin();
		fake_kernel.kernel_slice = 3 * MS;
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, from, NULL), 0);
		before = fake_kernel;
		fake_kernel.fail_at = fake_kernel.calls + at;
		fake_kernel.fail_with = with;
		rc = qrt_sched_setting_apply(0, to, NULL);
		last = fake_kernel.calls > fake_kernel.fail_at;
		if (rc < 0 ? rc != with || !is_as(&before) : !is_as_asked(to))
			wrong++;
		fake_kernel_end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	return at - 1;
}

static void a_fault_at_any_call_leaves_the_thread_as_it_was_or_as_asked(void)
{
	static const int errors[] = {-EPERM, -EINVAL, -ESRCH, -EBUSY, -EIO};
	struct qrt_sched_setting all[6];
	size_t i, from, to;
	int calls;

	all[0] = complete(QRT_SCHED_POLICY_OTHER, 0, "0-3");
	all[0].nice = 5;
	all[1] = complete(QRT_SCHED_POLICY_OTHER, 0, "0-1");
	all[1].runtime_ns = 20 * MS;
	all[1].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	all[2] = deadline(2 * MS, 10 * MS);
	all[2].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0);
	all[3] = deadline(3 * MS, 10 * MS);
	all[3].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 3);
	all[4] = complete(QRT_SCHED_POLICY_FIFO, 50, "2");
	all[4].nice = -3;
	all[4].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, 2);
	all[5] = complete(QRT_SCHED_POLICY_IDLE, 0, "3");
	for (i = 0; i < 5 * 6 * 6; i++) {
		from = i / 5 / 6;
		to = i / 5 % 6;
		calls = fail_each(&all[from], &all[to], errors[i % 5]);
		CU_ASSERT(from == to || calls >= 6);
	}
}

/* ---- I/O priorities ---- */

static void what_can_be_refused_comes_first(void)
{
	struct qrt_sched_setting up = complete(QRT_SCHED_POLICY_FIFO, 3, "1"), down = complete(0, 0, "0-3");

	up.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0);
	down.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	fake_kernel_begin();
	fake_kernel.refuse_io = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &up, NULL), -EPERM);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	fake_kernel.refuse_io = 0;
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &up, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &down, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "icaaci");
	fake_kernel_end();
}

/* ---- what a refusal of DEADLINE says ---- */

static const char *refusal(int rc, const char *status, const char *cpus)
{
	static struct qrt_sched_error error;
	struct qrt_sched_setting s = deadline(2 * MS, 10 * MS);

	memset(&error, 0, sizeof(error));
	fake_kernel_begin();
	fake_kernel_file("/proc/thread-self/status", status);
	fake_kernel_file("/sys/devices/system/cpu/online", "0-3\n");
	fake_kernel_file("/sys/devices/system/cpu/isolated", "3\n");
	fake_kernel.refuse_dl = rc;
	s.cpus = fake_kernel_cpus(cpus);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &s, &error), rc);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	fake_kernel_end();
	return error.message;
}

static void a_refusal_says_which_trap_it_is(void)
{
	const char *all = "CapEff:\t000001ffffffffff\nSeccomp:\t0\n";
	const char *none = "CapEff:\t0000000000000000\nSeccomp:\t0\n";

	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(-EPERM, none, "0-3"), "deadline needs CAP_SYS_NICE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(-EPERM, all, "1"), "all CPUs of the partition (0-2)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(-EPERM, all, "0-2"), "security module"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(-EBUSY, all, "0-3"), "sched_rt_runtime_us"));
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal(-EINVAL, all, "0-3"), "sched_deadline_period"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(refusal(-EPERM, "CapEff:\t000001ffffffffff\nSeccomp:\t2\n", "0-3"), "seccomp filter"));
}

static const struct tap_test tests[] = {
	{"DEADLINE is given with RESET_ON_FORK", deadline_is_given_with_reset_on_fork},
	{"flags that are named count", flags_that_are_named_count},
	{"CPUs are widened before DEADLINE and narrowed after it",
	 cpus_are_widened_before_deadline_and_narrowed_after_it},
	{"who leaves DEADLINE leaves nothing behind", who_leaves_deadline_leaves_nothing_behind},
	{"who leaves OTHER leaves its slice", who_leaves_other_leaves_its_slice},
	{"bad times are refused before anything changes", bad_times_are_refused_before_anything_changes},
	{"a slice is given, read, and taken back", a_slice_is_given_read_and_taken_back},
	{"other changes leave the kernel's slice alone", other_changes_leave_the_kernels_slice_alone},
	{"a kernel without slices is no deviation", a_kernel_without_slices_is_no_deviation},
	{"a fault at any call leaves the thread as it was, or as asked",
	 a_fault_at_any_call_leaves_the_thread_as_it_was_or_as_asked},
	{"what can be refused comes first", what_can_be_refused_comes_first},
	{"a refusal says which trap it is", a_refusal_says_which_trap_it_is},
};

TAP_MAIN("apply_times", tests)
