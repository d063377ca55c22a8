/* SPDX-License-Identifier: MIT */
/* Times, quanta and budgets of a plan, and setting them by a program. */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static void times_are_said(void)
{
	static const struct {
		const char *options, *said;
	} cases[] = {
		{"vcpu_sched=deadline vcpu_runtime=2000 vcpu_deadline=5000 vcpu_period=10000",
		 "deadline 2ms/5ms/10ms"},
		{"vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000", "deadline 2ms/10ms/10ms"},
		{"vcpu_sched=deadline vcpu_runtime=2000 vcpu_deadline=5000", "deadline 2ms/5ms/5ms"},
		{"vcpu_sched=deadline vcpu_runtime=2000", "deadline 2ms/2ms/2ms"},
		{"vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000 vcpu_nice=5",
		 "deadline 2ms/10ms/10ms"},
		{"vcpu_sched=fifo vcpu_runtime=2000", "fifo 1"},
		{"vcpu_sched=other vcpu_runtime=2000", "other slice 2ms"},
		{"vcpu_runtime=2000", "slice 2ms"},
		{"vcpu_sched=other vcpu_nice=5", "other nice 5 slice 72ms"},
		{"vcpu_sched=batch vcpu_nice=19", "batch nice 19 slice 4ms"},
		{"vcpu_sched=other vcpu_nice=-20", "other nice -20 slice 100ms"},
		{"vcpu_nice=19", "nice 19 slice 4ms"},
		{"vcpu_sched=other vcpu_nice=0", "other nice 0"},
		{"vcpu_sched=other vcpu_nice=5 vcpu_runtime=0", "other nice 5"},
		{"vcpu_sched=other vcpu_nice=5 vcpu_runtime=300", "other nice 5 slice 300us"},
		{"vcpu_sched=idle vcpu_nice=5", "idle"},
		{"vcpu_sched=rr vcpu_nice=5", "rr 1"},
		{"vcpu_ioprio=be:2", "io be:2"},
		{"vcpu_ioprio=none", "nothing"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of(cases[i].options);

		if (strcmp(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), cases[i].said) != 0)
			tap_note("%s: %s", cases[i].options, said_of(plan, QRT_SCHED_ROLE_VCPU, 0));
		CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), cases[i].said);
		qrt_sched_plan_close(plan);
	}
}

static void times_are_for_threads(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_sched=deadline,fifo,deadline vcpu_runtime=1000,0,3000 "
					      "vcpu_period=10000 vcpu_prio=0,7,9");
	struct qrt_sched_setting s;

	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), "deadline 1ms/10ms/10ms");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 1), "fifo 7");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 5), "deadline 3ms/10ms/10ms");
	CU_ASSERT_EQUAL(qrt_sched_plan_get(plan, QRT_SCHED_ROLE_VCPU, 2, &s), 0);
	CU_ASSERT_EQUAL(s.priority, 9);
	CU_ASSERT_EQUAL(s.set & QRT_SCHED_SET_FLAGS, 0);
	qrt_sched_plan_close(plan);
}

static void a_quantum_is_rr_with_nice(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_sched=rr,rr,fifo,rr vcpu_nice=19,0,19,-20 paio_sched=rr "
					      "othr_sched=other othr_nice=5");

	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_VCPU, 0), (int64_t)(4 * MS));
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_VCPU, 1), (int64_t)(100 * MS));
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_VCPU, 2), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_VCPU, 9), (int64_t)(800 * MS));
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_PAIO, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_OTHR, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLE_MAIN, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, QRT_SCHED_ROLES, 0), -EINVAL);
	qrt_sched_plan_close(plan);
}

static void budgets_are_of_roles_and_of_the_vm(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_budget=30%/100ms budget=2ms/3ms");
	struct qrt_sched_budget budget = {7, 7};

	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, QRT_SCHED_ROLE_MAIN, &budget), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, -2, &budget), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, QRT_SCHED_ROLES, &budget), -EINVAL);
	CU_ASSERT_TRUE(budget.runtime_ns == 7 && budget.window_ns == 7);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, QRT_SCHED_ROLE_VCPU, &budget), 0);
	CU_ASSERT_TRUE(budget.runtime_ns == 30 * MS && budget.window_ns == 100 * MS);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, -1, &budget), 0);
	CU_ASSERT_TRUE(budget.runtime_ns == 2 * MS && budget.window_ns == 3 * MS);
	qrt_sched_plan_close(plan);
	plan = plan_of("");
	CU_ASSERT_EQUAL(qrt_sched_plan_get_budget(plan, -1, &budget), -ENOENT);
	qrt_sched_plan_close(plan);
}

static void schemata_are_the_plans(void)
{
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_PTR_NULL(qrt_sched_plan_get_resctrl(plan));
	CU_ASSERT_EQUAL(plan_add(plan, "resctrl=L3:0=f;1=f"), 0);
	CU_ASSERT_STRING_EQUAL(qrt_sched_plan_get_resctrl(plan), "L3:0=f;1=f");
	qrt_sched_plan_close(plan);
}

static void lines_tell_who_said_times(void)
{
	static const char text[] = "vcpu_sched=deadline\nvcpu_period=10000\nvcpu_runtime=5\nmain_nice=4\n"
				   "paio_ioprio=idle\n";
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_TIMES), 3);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_MAIN, QRT_SCHED_SET_TIMES), 4);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_PAIO, QRT_SCHED_SET_IOPRIO), 5);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_PAIO, QRT_SCHED_SET_TIMES), 0);
	qrt_sched_plan_close(plan);
}

static struct qrt_sched_setting deadline(uint64_t runtime, uint64_t deadline_ns, uint64_t period)
{
	return (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES,
					  .policy = QRT_SCHED_POLICY_DEADLINE,
					  .runtime_ns = runtime,
					  .deadline_ns = deadline_ns,
					  .period_ns = period};
}

static void set_takes_times_and_io(void)
{
	struct qrt_sched_setting s = deadline(2 * MS, 5 * MS, 10 * MS), got;
	struct qrt_sched_setting slice = {.set = QRT_SCHED_SET_TIMES, .runtime_ns = 300 * US};
	struct qrt_sched_plan *plan = plan_of("");

	s.set |= QRT_SCHED_SET_IOPRIO;
	s.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 4);
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 0, &s), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_sched=deadline\nvcpu_runtime=2000\nvcpu_deadline=5000\n"
						"vcpu_period=10000\nvcpu_ioprio=rt:4\n");
	CU_ASSERT_EQUAL(qrt_sched_plan_get(plan, QRT_SCHED_ROLE_VCPU, 3, &got), 0);
	got.set &= s.set;
	got.priority = 0;
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&s, &got, NULL), 0);
	s = deadline(1 * MS, 5 * MS, 10 * MS);
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 1, &s), 0);
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), "deadline 2ms/5ms/10ms io rt:4");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 1), "deadline 1ms/5ms/10ms io rt:4");
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_OTHR, 0, &slice), 0);
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_OTHR, 0), "slice 300us");
	slice.runtime_ns = 0;
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_OTHR, 0, &slice), 0);
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_OTHR, 0), "nothing");
	qrt_sched_plan_close(plan);
}

static void set_refuses_what_a_plan_cannot_say(void)
{
	struct qrt_sched_setting bad[] = {
		deadline(2 * MS + 1, 5 * MS, 10 * MS), /* not in us */
		deadline(6 * MS, 5 * MS, 10 * MS),
		deadline(10 * US, 50 * US, 99 * US),
		deadline(2 * MS, 5 * MS, 4194305 * US),
		deadline(2 * MS, 0, 0),
		deadline(0, 0, 0),
		{.set = QRT_SCHED_SET_TIMES, .runtime_ns = 99 * US},
		{.set = QRT_SCHED_SET_IOPRIO, .ioprio = 8},
	};
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 0, &bad[i]), -EINVAL);
	bad[0].runtime_ns--;
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 1, &bad[0]), -EINVAL); /* a hole */
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=5\n");
	qrt_sched_plan_close(plan);
}

static void threads_are_told_apart(void)
{
	struct qrt_sched_plan *plan = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_count(plan, QRT_SCHED_ROLE_IOTH), 0);
	qrt_sched_plan_parse_option(plan, "ioth_prio=1,2,3 ioth_bias=0,1,0,1,0 main_nice=3", NULL);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_count(plan, QRT_SCHED_ROLE_IOTH), 5);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_count(plan, QRT_SCHED_ROLE_MAIN), 1);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_count(plan, QRT_SCHED_ROLE_VCPU), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_count(plan, QRT_SCHED_ROLES), -EINVAL);
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"how many threads of a role are told apart", threads_are_told_apart},
	{"times are said by their keys, and by nice", times_are_said},
	{"times are for threads", times_are_for_threads},
	{"a quantum is RR with a nice value", a_quantum_is_rr_with_nice},
	{"budgets are of roles, and of the VM", budgets_are_of_roles_and_of_the_vm},
	{"schemata are the plan's", schemata_are_the_plans},
	{"lines tell who said times", lines_tell_who_said_times},
	{"set takes times and I/O priorities", set_takes_times_and_io},
	{"set refuses what a plan cannot say", set_refuses_what_a_plan_cannot_say},
};

TAP_MAIN("plan_get", tests)
