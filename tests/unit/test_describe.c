/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>

static struct qrt_sched_setting setting_of(uint32_t policy, int32_t priority, int32_t nice, const char *cpus)
{
	struct qrt_sched_setting s = {
		.set = QRT_SCHED_SET_ALL, .policy = policy, .priority = priority, .nice = nice};

	s.cpus = cpus_of(cpus);
	return s;
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
	s.policy = 7;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "policy-7");
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

static void times_and_io_are_described(void)
{
	struct qrt_sched_setting s = setting_of(QRT_SCHED_POLICY_DEADLINE, 10, 0, "0-1");
	char text[96];

	s = with_times(s, 2 * MS, 10 * MS, 1000 * MS);
	s.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0);
	s.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "deadline 2ms/10ms/1s on 0-1 io rt:0 reset-on-fork");
	s = with_times(setting_of(QRT_SCHED_POLICY_OTHER, 0, 5, "0"), 2800 * US, 0, 0);
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "other nice 5 slice 2.8ms on 0");
	s.runtime_ns = 150 * US;
	s.set = QRT_SCHED_SET_TIMES;
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "slice 150us");
	s = with_times(s, 1024, 1500 * US, 2000001);
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "times 1024ns/1.5ms/2000001ns");
	s.set = QRT_SCHED_SET_IOPRIO;
	s.ioprio = 0xe001; /* a class that nobody knows yet */
	qrt_sched_setting_describe(&s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "io 0xe001");
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

static const struct tap_test tests[] = {
	{"settings are described for people", describes_for_people},
	{"times and I/O priorities are described", times_and_io_are_described},
	{"describe needs room for the NUL and says so", describe_needs_room_for_the_nul},
	{"the widest CPU set can be described", describes_the_widest_set},
};

TAP_MAIN("describe", tests)
