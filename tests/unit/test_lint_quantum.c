/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

static void a_quantum_needs_somebody_to_take_turns_with(void)
{
	lint_on("vcpu_sched=rr vcpu_nice=19 vcpu_bias=1,2 main_prio=5", "0-3", 2, 0);
	lint_expect("each alone", "lone-quantum", QRT_SCHED_NOTE);
	lint_on("vcpu_sched=rr vcpu_nice=19 vcpu_bias=1 main_prio=5", "0-3", 2, 0);
	lint_expect("two on one CPU", "lone-quantum", -1);
	lint_on("vcpu_sched=rr vcpu_nice=19 vcpu_bias=1 vcpu_prio=5 main_prio=5 main_bias=1 main_sched=rr",
		"0-3", 1, 0);
	lint_expect("with main", "lone-quantum", -1);
	lint_on("vcpu_sched=rr vcpu_nice=19 vcpu_bias=1 vcpu_prio=4 main_prio=5 main_bias=1 main_sched=rr",
		"0-3", 1, 0);
	lint_expect("main is above", "lone-quantum", QRT_SCHED_NOTE);
	lint_on("vcpu_sched=rr vcpu_bias=1 main_prio=5", "0-3", 1, 0);
	lint_expect("the kernel's", "lone-quantum", -1);
	lint_on("paio_sched=rr paio_nice=19", "0-3", 1, 0);
	lint_expect("workers are many", "lone-quantum", -1);
}

#define EQUALS "vcpu_sched=rr vcpu_bias=1 main_sched=rr main_bias=1 "

static void turns_of_more_than_a_second_are_said(void)
{
	lint_on(EQUALS "vcpu_nice=-20", "0-3", 2, 0);
	lint_expect("two of 800 ms", "long-turns", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("long-turns")->message, "main 0 can wait 1600 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("long-turns")->remedy, "vcpu_nice"));
	CU_ASSERT_EQUAL(lint_found("long-turns")->role, QRT_SCHED_ROLE_MAIN);
	lint_on(EQUALS "vcpu_nice=-20", "0-3", 1, 0);
	lint_expect("one of 800 ms", "long-turns", -1);
	lint_on(EQUALS "vcpu_nice=-9,-7,-9", "0-3", 2, 0);
	lint_expect("580 and 540 ms", "long-turns", QRT_SCHED_WARNING);
	lint_on(EQUALS "vcpu_nice=-5,-4", "0-3", 2, 0);
	lint_expect("500 and 480 ms", "long-turns", -1);
	lint_on(EQUALS "vcpu_nice=-20 main_prio=2", "0-3", 2, 0);
	lint_expect("main is above", "long-turns", -1);
	lint_on("vcpu_sched=rr vcpu_bias=1-2 main_sched=rr main_bias=1-2 vcpu_nice=-20", "0-3", 2, 0);
	lint_expect("one of the two CPUs gets free before", "long-turns", -1);
	lint_on("vcpu_sched=rr vcpu_bias=1,2 main_sched=rr main_bias=3 vcpu_nice=-20", "0-3", 2, 0);
	lint_expect("nobody waits", "long-turns", -1);
}

static void cpus_that_are_not_there_are_no_place_to_wait(void)
{
	lint_on("vcpu_sched=rr vcpu_bias=9 main_sched=rr main_bias=9 vcpu_nice=-20", "0-3", 2, 0);
	lint_expect("no CPU", "cpu-missing", QRT_SCHED_FAULT);
	lint_expect("no CPU", "long-turns", -1);
}

static void a_nice_value_is_for_turns_and_time_sharing(void)
{
	lint_on("vcpu_sched=fifo vcpu_prio=5 vcpu_nice=19", "0-3", 2, 0);
	lint_expect("fifo", "nice-unused", QRT_SCHED_WARNING);
	CU_ASSERT_STRING_EQUAL(lint_found("nice-unused")->message,
			       "vcpu_nice has no effect: vcpu 0 is under fifo");
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("nice-unused")->remedy, "vcpu_sched=rr"));
	CU_ASSERT_EQUAL(lint_found("nice-unused")->role, QRT_SCHED_ROLE_VCPU);
	lint_on("vcpu_prio=5 vcpu_nice=0,-3", "0-3", 2, 0);
	lint_expect("a priority makes it fifo", "nice-unused", QRT_SCHED_WARNING);
	lint_on("vcpu_sched=fifo vcpu_prio=5 vcpu_nice=0,0", "0-3", 2, 0);
	lint_expect("says nothing", "nice-unused", -1);
	lint_on("vcpu_sched=rr vcpu_prio=5 vcpu_nice=19", "0-3", 2, 0);
	lint_expect("a quantum", "nice-unused", -1);
	lint_on("othr_sched=fifo,other othr_prio=5,0 othr_nice=5", "0-3", 2, 0);
	lint_expect("one is time-shared", "nice-unused", -1);
	lint_on("vcpu_sched=batch vcpu_nice=5", "0-3", 2, 0);
	lint_expect("time-shared", "nice-unused", -1);
	lint_on("vcpu_nice=5", "0-3", 2, 0);
	lint_expect("as it was", "nice-unused", -1);
}

static const struct tap_test tests[] = {
	{"a nice value is for turns and time sharing", a_nice_value_is_for_turns_and_time_sharing},
	{"a quantum needs somebody to take turns with", a_quantum_needs_somebody_to_take_turns_with},
	{"turns of more than a second are said", turns_of_more_than_a_second_are_said},
	{"CPUs that are not there are no place to wait", cpus_that_are_not_there_are_no_place_to_wait},
};

TAP_MAIN("lint_quantum", tests)
