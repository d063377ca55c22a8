/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

static void a_budget_below_its_deadlines_is_said(void)
{
	const char *vcpu = "vcpu_sched=deadline vcpu_runtime=4000 vcpu_period=10000 ";
	char options[256];
	static const struct {
		const char *budget;
		int expected;
	} cases[] = {{"vcpu_budget=79%/100ms", QRT_SCHED_WARNING},
		     {"vcpu_budget=80%/100ms", -1},
		     {"budget=79%/1s", QRT_SCHED_WARNING},
		     {"budget=80%/1s", -1},
		     {"main_budget=1%", -1}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcat(strcpy(options, vcpu), cases[i].budget);
		lint_on(options, "0-3", 2, 0);
		lint_expect(cases[i].budget, "budget-below-deadline", cases[i].expected);
	}
}

static void a_budget_below_a_busy_vcpu_is_worth_knowing(void)
{
	lint_on("vcpu_prio=5 vcpu_bias=1 budget=30%/100ms", "0-3", 1, 0);
	lint_expect("of the VM", "budget-below-vcpu", QRT_SCHED_NOTE);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("budget-below-vcpu")->message, "budget=30%/100ms"));
	CU_ASSERT_EQUAL(lint_found("budget-below-vcpu")->role, -1);
	lint_on("vcpu_prio=5 vcpu_bias=1 vcpu_budget=99%", "0-3", 1, 0);
	lint_expect("of the role", "budget-below-vcpu", QRT_SCHED_NOTE);
	lint_on("vcpu_prio=5 vcpu_bias=1 vcpu_budget=100%", "0-3", 1, 0);
	lint_expect("enough", "budget-below-vcpu", -1);
	lint_on("vcpu_sched=other budget=30%", "0-3", 1, 0);
	lint_expect("time sharing", "budget-below-vcpu", -1);
	lint_expect("time sharing", "budget-unused", QRT_SCHED_WARNING);
	lint_on("main_prio=5 main_budget=10%", "0-3", 1, 0);
	lint_expect("another role", "budget-below-vcpu", -1);
}

static void a_budget_is_for_who_is_urgent(void)
{
	lint_on("vcpu_prio=5 vcpu_bias=1 main_prio=6 paio_budget=100%", "0-3", 1, 0);
	lint_expect("a role that is not named", "budget-unused", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("budget-unused")->message, "paio_budget=100%"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("budget-unused")->remedy, "paio_prio"));
	CU_ASSERT_EQUAL(lint_found("budget-unused")->role, QRT_SCHED_ROLE_PAIO);
	lint_on("vcpu_sched=batch vcpu_nice=-5 vcpu_budget=100%", "0-3", 1, 0);
	lint_expect("batch", "budget-unused", QRT_SCHED_WARNING);
	lint_on("vcpu_sched=other,rr vcpu_prio=0,5 vcpu_bias=1 main_prio=5 main_sched=rr vcpu_budget=100%",
		"0-3", 2, 0);
	lint_expect("one of two", "budget-unused", -1);
	lint_on("vcpu_sched=deadline vcpu_runtime=1000 vcpu_period=2000 vcpu_budget=200%", "0-3", 1, 0);
	lint_expect("deadline", "budget-unused", -1);
	lint_on("paio_sched=rr budget=200%", "0-3", 1, 0);
	lint_expect("of the VM", "budget-unused", -1);
}

static void a_budget_of_more_than_the_host_holds_nobody(void)
{
	lint_on("vcpu_prio=5 vcpu_bias=1 budget=300%/100ms", "0-1", 1, 0);
	lint_expect("of the VM", "budget-above-host", QRT_SCHED_WARNING);
	CU_ASSERT_STRING_EQUAL(lint_found("budget-above-host")->message,
			       "budget=300%/100ms holds nobody back: it is more than this host has, 2 CPUs");
	CU_ASSERT_STRING_EQUAL(lint_found("budget-above-host")->remedy,
			       "give less than 200%, or leave it out");
	lint_on("vcpu_prio=5 vcpu_bias=1 vcpu_budget=201%", "0-1", 1, 0);
	lint_expect("of a role", "budget-above-host", QRT_SCHED_WARNING);
	CU_ASSERT_EQUAL(lint_found("budget-above-host")->role, QRT_SCHED_ROLE_VCPU);
	lint_on("vcpu_prio=5 vcpu_bias=1 budget=200%", "0-1", 1, 0);
	lint_expect("all of it", "budget-above-host", -1);
	lint_with("vcpu_prio=5 budget=9900%", NULL, NULL);
	lint_expect("a host that is not known", "budget-above-host", -1);
}

static void nodes_have_to_be_there(void)
{
	struct qrt_sched_host host = host_of("0-3");

	host.nodes = cpus_of("0,2");
	lint_with("numa=1", &host, NULL);
	lint_expect("nobody looked", "numa-missing", -1);
	host.flags |= QRT_SCHED_HOST_MEMORY;
	lint_with("numa=0-1", &host, NULL);
	lint_expect("node 1", "numa-missing", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("numa-missing")->message, "node 1"));
	lint_with("numa=0,2", &host, NULL);
	lint_expect_clean("nodes that are there");
}

static void huge_pages_have_to_be_there(void)
{
	struct qrt_sched_host host = host_of("0-3");

	host.flags |= QRT_SCHED_HOST_MEMORY;
	lint_with("hugepages=2M", &host, NULL);
	lint_expect("2M", "no-hugepages", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-hugepages")->remedy, "hugepages-2048kB"));
	host.free_2m = 5;
	lint_with("hugepages=2M", &host, NULL);
	lint_expect_clean("2M");
	lint_with("hugepages=1G", &host, NULL);
	lint_expect("1G", "no-hugepages", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-hugepages")->remedy, "hugepages-1048576kB"));
	lint_with("hugepages=thp mlock=prefault", &host, NULL);
	lint_expect("thp", "no-thp", QRT_SCHED_WARNING);
	host.flags |= QRT_SCHED_HOST_THP;
	lint_with("hugepages=thp mlock=prefault", &host, NULL);
	lint_expect_clean("thp");
	lint_with("hugepages=off", &host, NULL);
	lint_expect_clean("off");
}

static void huge_pages_come_late_unless_they_are_touched_first(void)
{
	lint_on("hugepages=thp", "0-3", 1, 0);
	lint_expect("off", "huge-first-touch", QRT_SCHED_NOTE);
	lint_on("hugepages=thp mlock=onfault", "0-3", 1, 0);
	lint_expect("onfault", "huge-first-touch", QRT_SCHED_NOTE);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("huge-first-touch")->message, "mlock=onfault"));
	lint_on("hugepages=thp mlock=all", "0-3", 1, 0);
	lint_expect("all", "huge-first-touch", -1);
	lint_on("hugepages=2M", "0-3", 1, 0);
	lint_expect("these are there before the guest is", "huge-first-touch", -1);
}

static void realtime_io_needs_a_right(void)
{
	struct qrt_sched_host host = host_of("0-3");

	lint_with("paio_ioprio=be:0,rt:0", &host, NULL);
	lint_expect_clean("root");
	host.flags = 0;
	lint_with("paio_ioprio=be:0,rt:0", &host, NULL);
	lint_expect("nobody", "ioprio-privilege", QRT_SCHED_FAULT);
	lint_with("paio_ioprio=be:0,idle", &host, NULL);
	lint_expect_clean("what everybody may");
}

static void timers_without_threads_need_no_priority(void)
{
	struct qrt_sched_host host = host_of("0-3");

	lint_with("timerprio=50", &host, NULL);
	lint_expect("no PREEMPT_RT", "timerprio-unused", QRT_SCHED_NOTE);
	lint_with("timerprio=0", &host, NULL);
	lint_expect_clean("as they are");
	host.flags |= QRT_SCHED_HOST_PREEMPT_RT;
	lint_with("timerprio=50", &host, NULL);
	lint_expect_clean("PREEMPT_RT");
}

static const struct tap_test tests[] = {
	{"a budget of more than the host holds nobody", a_budget_of_more_than_the_host_holds_nobody},
	{"a budget below its deadlines is said", a_budget_below_its_deadlines_is_said},
	{"a budget below a busy vCPU is worth knowing", a_budget_below_a_busy_vcpu_is_worth_knowing},
	{"a budget is for who is urgent", a_budget_is_for_who_is_urgent},
	{"nodes have to be there", nodes_have_to_be_there},
	{"huge pages have to be there", huge_pages_have_to_be_there},
	{"huge pages come late unless they are touched first",
	 huge_pages_come_late_unless_they_are_touched_first},
	{"real-time I/O needs a right", realtime_io_needs_a_right},
	{"timers without threads need no priority", timers_without_threads_need_no_priority},
};

TAP_MAIN("lint_around", tests)
