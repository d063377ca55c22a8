/* SPDX-License-Identifier: MIT */
#include "fake_kernel.h"
#include "plan_help.h"
#include "setting_p.h"
#include "struct_p.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static struct qrt_sched_setting setting_of(uint32_t policy, int32_t priority, int32_t nice, const char *cpus)
{
	struct qrt_sched_setting s = {
		.set = QRT_SCHED_SET_ALL, .policy = policy, .priority = priority, .nice = nice};

	s.cpus = cpus_of(cpus);
	return s;
}

static void policies_have_names(void)
{
	static const struct {
		uint32_t policy;
		const char *name;
	} all[] = {{0, "other"}, {1, "fifo"}, {2, "rr"}, {3, "batch"}, {5, "idle"}, {6, "deadline"}};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CU_ASSERT_STRING_EQUAL(qrt_sched_policy_name(all[i].policy), all[i].name);
		CU_ASSERT_EQUAL(qrt_sched_policy_parse(all[i].name), (int)all[i].policy);
	}
	CU_ASSERT_PTR_NULL(qrt_sched_policy_name(4));
	CU_ASSERT_PTR_NULL(qrt_sched_policy_name(7));
	CU_ASSERT_PTR_NULL(qrt_sched_policy_name(UINT32_MAX));
	CU_ASSERT_EQUAL(qrt_sched_policy_parse("FIFO"), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_policy_parse(""), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_policy_parse(NULL), -ENOENT);
}

static void compares_the_wanted_members_only(void)
{
	struct qrt_sched_setting have = setting_of(QRT_SCHED_POLICY_OTHER, 0, 3, "0-1");
	struct qrt_sched_setting want = setting_of(QRT_SCHED_POLICY_FIFO, 5, 0, "2");
	uint32_t set;

	want.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	for (set = 0; set <= QRT_SCHED_SET_ALL; set++) {
		uint32_t expected = QRT_SCHED_SET_CPUS | QRT_SCHED_SET_FLAGS;

		want.set = set;
		if (set & QRT_SCHED_SET_POLICY)
			expected |= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
		else
			expected |= QRT_SCHED_SET_NICE;
		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), expected & set);
	}
}

static void nice_counts_in_time_sharing_only(void)
{
	static const struct {
		uint32_t policy;
		int32_t priority;
		uint32_t nice, prio;
	} cases[] = {
		{QRT_SCHED_POLICY_OTHER, 0, QRT_SCHED_SET_NICE, 0},
		{QRT_SCHED_POLICY_BATCH, 0, QRT_SCHED_SET_NICE, 0},
		{QRT_SCHED_POLICY_IDLE, 0, 0, 0},
		{QRT_SCHED_POLICY_FIFO, 4, 0, QRT_SCHED_SET_PRIORITY},
		{QRT_SCHED_POLICY_RR, 4, 0, QRT_SCHED_SET_PRIORITY},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_setting want = setting_of(cases[i].policy, cases[i].priority, 0, "0"),
					 have = want;

		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
		have.nice = 5;
		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), cases[i].nice);
		have.nice = 0;
		have.priority++;
		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), cases[i].prio);
	}
}

static void online_masks_the_wanted_cpus(void)
{
	struct qrt_sched_setting want = setting_of(QRT_SCHED_POLICY_OTHER, 0, 0, "0-3");
	struct qrt_sched_setting have = setting_of(QRT_SCHED_POLICY_OTHER, 0, 0, "0-1");
	struct qrt_sched_cpus online = cpus_of("0-1,7");

	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), QRT_SCHED_SET_CPUS);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, &online), 0);
	have.cpus = cpus_of("0");
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, &online), QRT_SCHED_SET_CPUS);
}

static struct qrt_sched_setting with_times(struct qrt_sched_setting s, uint64_t runtime, uint64_t deadline,
					   uint64_t period)
{
	s.runtime_ns = runtime;
	s.deadline_ns = deadline;
	s.period_ns = period;
	return s;
}

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static void times_are_compared_where_they_count(void)
{
	struct qrt_sched_setting want = setting_of(QRT_SCHED_POLICY_DEADLINE, 0, 0, "0"), have;

	want = have = with_times(want, MS, 2 * MS, 3 * MS);
	have.priority = 9; /* of a fallback: nothing that the kernel knows */
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
	have.runtime_ns++;
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), QRT_SCHED_SET_TIMES);
	have = with_times(have, MS, 2 * MS + 1, 3 * MS);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), QRT_SCHED_SET_TIMES);
	have = with_times(have, MS, 2 * MS, 3 * MS - 1);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), QRT_SCHED_SET_TIMES);
	want.set &= ~QRT_SCHED_SET_TIMES;
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
	want = with_times(setting_of(QRT_SCHED_POLICY_FIFO, 1, 0, "0"), 0, 0, 0);
	have = with_times(want, MS, 0, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), 0);
}

/* A kernel without slices reports none, and who wants the kernel's own takes any. */
static void slices_are_compared_where_there_are_any(void)
{
	static const struct {
		uint64_t want, have;
		uint32_t old_differs, new_differs; /* on kernels without, and with slices */
	} cases[] = {
		{20 * MS, 20 * MS, 0, 0},
		{20 * MS, 3 * MS, QRT_SCHED_SET_TIMES, QRT_SCHED_SET_TIMES},
		{20 * MS, 0, 0, QRT_SCHED_SET_TIMES},
		{0, 3 * MS, 0, 0},
		{0, 0, 0, 0},
	};
	struct qrt_sched_setting want = setting_of(QRT_SCHED_POLICY_BATCH, 0, 0, "0"), have = want;
	size_t i;

	fake_kernel_begin();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		want.runtime_ns = cases[i].want;
		have.runtime_ns = cases[i].have;
		fake_kernel.kernel_slice = 0;
		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), cases[i].old_differs);
		fake_kernel.kernel_slice = 2800 * US;
		CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), cases[i].new_differs);
	}
	fake_kernel_end();
	have.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&want, &have, NULL), QRT_SCHED_SET_IOPRIO);
}

static void deadline_falls_back_to_fifo(void)
{
	static const int refusals[] = {-EPERM, -EACCES, -EBUSY, -EINVAL, -EOPNOTSUPP};
	struct qrt_sched_setting s = with_times(setting_of(QRT_SCHED_POLICY_DEADLINE, 12, 3, "0-1"), MS, MS,
						MS);
	struct qrt_sched_setting got;
	char text[96];
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, refusals[i], &got), 0);
		qrt_sched_setting_describe(&got, text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, "fifo 12 on 0-1");
		CU_ASSERT_EQUAL(got.nice, 3);
		CU_ASSERT_EQUAL(got.runtime_ns | got.deadline_ns | got.period_ns, 0);
	}
	s.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES;
	CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, -EPERM, &got), 0);
	qrt_sched_setting_describe(&got, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "fifo 1 reset-on-fork");
	memset(&got, 0x5a, sizeof(got));
	CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, -ESRCH, &got), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, 0, &got), -ENOENT);
	s.policy = QRT_SCHED_POLICY_FIFO;
	CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, -EPERM, &got), -ENOENT);
	s.policy = QRT_SCHED_POLICY_DEADLINE;
	s.set = QRT_SCHED_SET_TIMES;
	CU_ASSERT_EQUAL(qrt_sched_setting_get_fallback(&s, -EPERM, &got), -ENOENT);
	CU_ASSERT_EQUAL(got.policy, 0x5a5a5a5a);
}

static void a_change_of_policy_ends_the_times(void)
{
	struct qrt_sched_setting deadline = with_times(setting_of(QRT_SCHED_POLICY_DEADLINE, 0, 0, "0"), MS,
						       MS, MS);
	struct qrt_sched_setting other = {.set = QRT_SCHED_SET_POLICY, .policy = QRT_SCHED_POLICY_OTHER};
	struct qrt_sched_setting s = deadline, slice = other;

	qrt_sched_p_setting_overlay(&s, &other);
	qrt_sched_p_setting_normalise(&s);
	CU_ASSERT_EQUAL(s.runtime_ns | s.deadline_ns | s.period_ns, 0);
	slice.set |= QRT_SCHED_SET_TIMES;
	slice.runtime_ns = 5 * MS;
	s = deadline;
	qrt_sched_p_setting_overlay(&s, &slice);
	CU_ASSERT_EQUAL(s.runtime_ns, 5 * MS);
	CU_ASSERT_EQUAL(s.deadline_ns, 0);
	other.policy = QRT_SCHED_POLICY_BATCH;
	qrt_sched_p_setting_overlay(&s, &other);
	CU_ASSERT_EQUAL(s.runtime_ns, 5 * MS);
	other.policy = QRT_SCHED_POLICY_FIFO;
	qrt_sched_p_setting_overlay(&s, &other);
	CU_ASSERT_EQUAL(s.runtime_ns, 0);
}

static void deadline_brings_reset_on_fork(void)
{
	struct qrt_sched_setting s = setting_of(QRT_SCHED_POLICY_OTHER, 0, 0, "0");
	struct qrt_sched_setting deadline = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES,
					     .policy = QRT_SCHED_POLICY_DEADLINE};

	qrt_sched_p_setting_overlay(&s, &deadline);
	CU_ASSERT_EQUAL(s.flags, QRT_SCHED_FLAG_RESET_ON_FORK);
	deadline.set |= QRT_SCHED_SET_FLAGS;
	qrt_sched_p_setting_overlay(&s, &deadline);
	CU_ASSERT_EQUAL(s.flags, 0);
}

static void urgency_ranks_as_the_kernel(void)
{
	static const struct {
		uint32_t policy;
		int32_t priority;
	} order[] = {{QRT_SCHED_POLICY_IDLE, 0},
		     {QRT_SCHED_POLICY_BATCH, 0},
		     {QRT_SCHED_POLICY_OTHER, 0},
		     {QRT_SCHED_POLICY_FIFO, 1},
		     {QRT_SCHED_POLICY_RR, 2},
		     {QRT_SCHED_POLICY_FIFO, 99},
		     {6, 0}};
	size_t i;

	for (i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		CU_ASSERT_TRUE(qrt_sched_p_urgency(order[i - 1].policy, order[i - 1].priority) <
			       qrt_sched_p_urgency(order[i].policy, order[i].priority));
	CU_ASSERT_EQUAL(qrt_sched_p_urgency(QRT_SCHED_POLICY_FIFO, 7),
			qrt_sched_p_urgency(QRT_SCHED_POLICY_RR, 7));
}

struct example {
	uint32_t size, a, b;
};

static void structs_of_other_versions_are_taken(void)
{
	struct example own;
	uint32_t newer[4] = {16, 1, 2, 0}, older[2] = {8, 1}, none[1] = {0};

	memset(&own, 0x5a, sizeof(own));
	CU_ASSERT_EQUAL(qrt_p_struct_take(&own, sizeof(own), older), 0);
	CU_ASSERT_TRUE(own.a == 1 && own.b == 0);
	CU_ASSERT_EQUAL(qrt_p_struct_take(&own, sizeof(own), newer), 0);
	CU_ASSERT_TRUE(own.a == 1 && own.b == 2);
	newer[3] = 1;
	CU_ASSERT_EQUAL(qrt_p_struct_take(&own, sizeof(own), newer), -E2BIG);
	CU_ASSERT_EQUAL(qrt_p_struct_take(&own, sizeof(own), none), -EINVAL);
}

static void structs_of_other_versions_are_filled(void)
{
	const struct example own = {.a = 1, .b = 2};
	uint32_t newer[5] = {16, 9, 9, 9, 77}, older[3] = {8, 9, 77}, none[1] = {0};

	CU_ASSERT_EQUAL(qrt_p_struct_give(older, &own, sizeof(own)), 0);
	CU_ASSERT_TRUE(older[0] == 8 && older[1] == 1 && older[2] == 77);
	CU_ASSERT_EQUAL(qrt_p_struct_give(newer, &own, sizeof(own)), 0);
	CU_ASSERT_TRUE(newer[0] == 16 && newer[1] == 1 && newer[2] == 2 && newer[3] == 0 && newer[4] == 77);
	CU_ASSERT_EQUAL(qrt_p_struct_give(none, &own, sizeof(own)), -EINVAL);
}

static const struct tap_test tests[] = {
	{"policies have the documented names, and no others", policies_have_names},
	{"only members that are wanted are compared", compares_the_wanted_members_only},
	{"nice counts in time sharing, priority in real time", nice_counts_in_time_sharing_only},
	{"CPUs that are not online do not count as different", online_masks_the_wanted_cpus},
	{"times are compared where they count", times_are_compared_where_they_count},
	{"slices are compared where there are any", slices_are_compared_where_there_are_any},
	{"DEADLINE falls back to FIFO at its priority", deadline_falls_back_to_fifo},
	{"a change of policy ends the times", a_change_of_policy_ends_the_times},
	{"DEADLINE brings RESET_ON_FORK unless told otherwise", deadline_brings_reset_on_fork},
	{"urgency ranks policies as the kernel does", urgency_ranks_as_the_kernel},
	{"structs of older and newer callers are taken", structs_of_other_versions_are_taken},
	{"structs of older and newer callers are filled", structs_of_other_versions_are_filled},
};

TAP_MAIN("setting", tests)
