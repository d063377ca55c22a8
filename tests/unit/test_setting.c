/* SPDX-License-Identifier: MIT */
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
	} all[] = {{0, "other"}, {1, "fifo"}, {2, "rr"}, {3, "batch"}, {5, "idle"}};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CU_ASSERT_STRING_EQUAL(qrt_sched_policy_name(all[i].policy), all[i].name);
		CU_ASSERT_EQUAL(qrt_sched_policy_parse(all[i].name), (int)all[i].policy);
	}
	CU_ASSERT_PTR_NULL(qrt_sched_policy_name(4));
	CU_ASSERT_PTR_NULL(qrt_sched_policy_name(6));
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

static void describes_for_people(void)
{
	struct qrt_sched_setting s = setting_of(QRT_SCHED_POLICY_FIFO, 97, 5, "1");
	char text[64];

	CU_ASSERT_EQUAL(qrt_sched_setting_describe(&s, text, sizeof(text)), 12);
	CU_ASSERT_STRING_EQUAL(text, "fifo 97 on 1");
	s.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "fifo 97 on 1 reset-on-fork");
	s = setting_of(QRT_SCHED_POLICY_OTHER, 0, 5, "0,2-3");
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "other nice 5 on 0,2-3");
	s.set = QRT_SCHED_SET_CPUS;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "on 0,2-3");
	s.set = QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_NICE;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "priority 0 nice 5");
	s.set = 0;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "nothing");
	s.set = QRT_SCHED_SET_POLICY;
	s.policy = 6;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "policy-6");
}

static void describe_needs_room_for_the_nul(void)
{
	struct qrt_sched_setting s = setting_of(QRT_SCHED_POLICY_FIFO, 97, 0, "1");
	char text[16];
	size_t size;

	for (size = 0; size <= 12; size++)
		CU_ASSERT_EQUAL(qrt_sched_setting_describe(&s, text, size), -ENOSPC);
	CU_ASSERT_EQUAL(qrt_sched_setting_describe(&s, text, 13), 12);
}

static void describes_the_widest_set(void)
{
	struct qrt_sched_setting s = setting_of(QRT_SCHED_POLICY_RR, 1, 0, "1");
	char text[4200];
	int cpu;

	for (cpu = 1; cpu < QRT_SCHED_CPUS_MAX; cpu += 2)
		qrt_sched_cpus_add(&s.cpus, cpu);
	CU_ASSERT_TRUE(qrt_sched_setting_describe(&s, text, sizeof(text)) > 1024);
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
	CU_ASSERT_EQUAL(qrt_sched_p_struct_take(&own, sizeof(own), older), 0);
	CU_ASSERT_TRUE(own.a == 1 && own.b == 0);
	CU_ASSERT_EQUAL(qrt_sched_p_struct_take(&own, sizeof(own), newer), 0);
	CU_ASSERT_TRUE(own.a == 1 && own.b == 2);
	newer[3] = 1;
	CU_ASSERT_EQUAL(qrt_sched_p_struct_take(&own, sizeof(own), newer), -E2BIG);
	CU_ASSERT_EQUAL(qrt_sched_p_struct_take(&own, sizeof(own), none), -EINVAL);
}

static void structs_of_other_versions_are_filled(void)
{
	const struct example own = {.a = 1, .b = 2};
	uint32_t newer[5] = {16, 9, 9, 9, 77}, older[3] = {8, 9, 77}, none[1] = {0};

	CU_ASSERT_EQUAL(qrt_sched_p_struct_give(older, &own, sizeof(own)), 0);
	CU_ASSERT_TRUE(older[0] == 8 && older[1] == 1 && older[2] == 77);
	CU_ASSERT_EQUAL(qrt_sched_p_struct_give(newer, &own, sizeof(own)), 0);
	CU_ASSERT_TRUE(newer[0] == 16 && newer[1] == 1 && newer[2] == 2 && newer[3] == 0 && newer[4] == 77);
	CU_ASSERT_EQUAL(qrt_sched_p_struct_give(none, &own, sizeof(own)), -EINVAL);
}

static const struct tap_test tests[] = {
	{"policies have the documented names, and no others", policies_have_names},
	{"only members that are wanted are compared", compares_the_wanted_members_only},
	{"nice counts in time sharing, priority in real time", nice_counts_in_time_sharing_only},
	{"CPUs that are not online do not count as different", online_masks_the_wanted_cpus},
	{"settings are described for people", describes_for_people},
	{"describe needs room for the NUL and says so", describe_needs_room_for_the_nul},
	{"the widest CPU set can be described", describes_the_widest_set},
	{"urgency ranks policies as the kernel does", urgency_ranks_as_the_kernel},
	{"structs of older and newer callers are taken", structs_of_other_versions_are_taken},
	{"structs of older and newer callers are filled", structs_of_other_versions_are_filled},
};

TAP_MAIN("setting", tests)
