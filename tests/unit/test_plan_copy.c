/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const char everything[] = "maxprio=50,policy=rr,aioprio=3,pvsched=on vcpu_bias=0+2,3-5 vncs_nice=-3 "
				 "kio_name=a*,?b advance=7 pool=3 mlock=all pi=off budget=7% weight=2 "
				 "preemptlock=9 cstate=1 haltpoll=2 timerprio=3 resctrl=L3:0=f hugepages=thp "
				 "numa=1 shield=rps main_runtime=4 main_period=100 main_ioprio=idle "
				 "main_budget=1ms/2ms boot=keep boottime=0 heartbeat=5";

static struct qrt_sched_plan *copy_of(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *copy = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_copy(plan, &copy), 0);
	CU_ASSERT_PTR_NOT_EQUAL(copy, plan);
	return copy;
}

static void a_copy_says_the_same(void)
{
	struct qrt_sched_plan *plan = plan_of(everything), *copy = copy_of(plan);
	char *text = strdup(plan_text(plan));

	CU_ASSERT(plans_equal(plan, copy));
	CU_ASSERT_STRING_EQUAL(plan_text(copy), text);
	free(text);
	qrt_sched_plan_close(plan);
	CU_ASSERT_STRING_EQUAL(said_of(copy, QRT_SCHED_ROLE_VCPU, 0), "rr 49 on 0,2");
	qrt_sched_plan_close(copy);
}

static void an_empty_plan_is_copied_too(void)
{
	struct qrt_sched_plan *plan = plan_of(""), *copy = copy_of(plan);

	CU_ASSERT(plans_equal(plan, copy));
	CU_ASSERT_STRING_EQUAL(plan_text(copy), "");
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(copy);
}

static void a_copy_keeps_the_lines(void)
{
	static const char text[] = "vcpu_prio=5\n\nmain_prio=6\n";
	struct qrt_sched_plan *plan = plan_of(""), *copy;

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	copy = copy_of(plan);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(copy, QRT_SCHED_ROLE_MAIN, QRT_SCHED_SET_PRIORITY), 3);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(copy);
}

static void neither_follows_the_other(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5,6 pi=on"), *copy = copy_of(plan);

	CU_ASSERT_EQUAL(plan_add(copy, "vcpu_prio=9"), 0);
	CU_ASSERT_EQUAL(plan_add(copy, "pi=off"), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=5,6\npi=on\n");
	CU_ASSERT_EQUAL(plan_add(plan, "vcpu_prio=7,8"), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(copy), "vcpu_prio=9\npi=off\n");
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(copy);
}

/* *ret_plan may be where the plan was read from. */
static void the_output_may_be_the_input(void)
{
	struct qrt_sched_plan *first = plan_of("vcpu_prio=5"), *plan = first;

	CU_ASSERT_EQUAL(qrt_sched_plan_copy(plan, &plan), 0);
	CU_ASSERT_PTR_NOT_EQUAL(plan, first);
	CU_ASSERT(plans_equal(plan, first));
	qrt_sched_plan_close(first);
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"a copy says the same", a_copy_says_the_same},
	{"an empty plan is copied too", an_empty_plan_is_copied_too},
	{"a copy keeps the lines", a_copy_keeps_the_lines},
	{"neither follows the other", neither_follows_the_other},
	{"the output may be the input", the_output_may_be_the_input},
};

TAP_MAIN("plan_copy", tests)
