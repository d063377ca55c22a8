/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

#define DEADLINE "vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000"

/* A host that throttles, as kernels do unless told otherwise. */
static struct qrt_sched_host throttling(const char *online)
{
	struct qrt_sched_host host = host_of(online);

	host.rt_runtime_us = 950000;
	return host;
}

static void a_good_deadline_passes(void)
{
	struct qrt_sched_host host = throttling("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);

	lint_with(DEADLINE " main_prio=5", &host, &vm);
	lint_expect_clean(DEADLINE);
}

static void times_have_to_fit_each_other(void)
{
	lint_on("vcpu_sched=deadline", "0-3", 1, 0);
	lint_expect("no runtime", "deadline-times", QRT_SCHED_FAULT);
	lint_on("vcpu_sched=deadline vcpu_runtime=2000 vcpu_deadline=1000", "0-3", 1, 0);
	lint_expect("runtime above deadline", "deadline-times", QRT_SCHED_FAULT);
	lint_on("vcpu_sched=deadline vcpu_runtime=20 vcpu_deadline=1000 vcpu_period=999", "0-3", 1, 0);
	lint_expect("deadline above period", "deadline-times", QRT_SCHED_FAULT);
	lint_on("main_prio=5 vcpu_sched=deadline,deadline vcpu_runtime=20,1001 vcpu_period=1000", "0-3", 2,
		0);
	lint_expect("the second", "deadline-times", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-times")->message, "vcpu 1"));
	lint_on("othr_sched=other othr_runtime=50", "0-3", 1, 0);
	lint_expect("a short slice", "slice-range", QRT_SCHED_FAULT);
	lint_on("othr_runtime=0,100,100000", "0-3", 1, 0);
	lint_expect("slices", "slice-range", -1);
}

static void times_without_a_use_are_said(void)
{
	lint_on("main_prio=5 main_runtime=2000", "0-3", 1, 0);
	lint_expect("fifo", "times-unused", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("times-unused")->message, "main_runtime"));
	lint_on("othr_runtime=2000 othr_period=10000", "0-3", 1, 0);
	lint_expect("a slice has no period", "times-unused", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("times-unused")->message, "othr_period"));
	lint_on("othr_runtime=2000", "0-3", 1, 0);
	lint_expect("a slice", "times-unused", -1);
}

static void the_cpus_have_to_be_all(void)
{
	struct qrt_sched_host host = throttling("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	lint_with(DEADLINE " vcpu_bias=1 vcpu_prio=7", &host, &vm);
	lint_expect("one of four", "deadline-cpus", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-cpus")->message, "fifo 7"));
	CU_ASSERT_EQUAL(lint_found("deadline-cpus")->role, QRT_SCHED_ROLE_VCPU);
	lint_with(DEADLINE " vcpu_bias=0-3", &host, &vm);
	lint_expect("all", "deadline-cpus", -1);
	vm.vcpus = 2;
	lint_with(DEADLINE " vcpu_bias=0-3,2", &host, &vm);
	lint_expect("the second one", "deadline-cpus", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-cpus")->message, "vcpu 1"));
	host.isolated = cpus_of("3");
	lint_with(DEADLINE " vcpu_bias=0-2", &host, &vm);
	lint_expect("all that are balanced", "deadline-cpus", -1);
	host.rt_runtime_us = -1;
	lint_with(DEADLINE " vcpu_bias=1", &host, &vm);
	lint_expect("without throttling", "deadline-cpus", -1);
}

/* It is a partition of its own. */
static void a_shield_has_the_cpus_of_vcpus(void)
{
	struct qrt_sched_host host = throttling("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);

	lint_with(DEADLINE " vcpu_bias=2-3 shield=on", &host, &vm);
	lint_expect("both on both", "deadline-cpus", -1);
	lint_with(DEADLINE " vcpu_bias=2,3 shield=irqs", &host, &vm);
	lint_expect("one on each", "deadline-cpus", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-cpus")->message, "such as CPU 3"));
	lint_with("vcpu_prio=5 vcpu_bias=3 shield=on main_sched=deadline main_runtime=20 main_period=1000 "
		  "main_bias=0-2",
		  &host, &vm);
	lint_expect("outside", "deadline-cpus", -1);
	lint_with("vcpu_prio=5 vcpu_bias=3 shield=on main_sched=deadline main_runtime=20 main_period=1000 "
		  "main_bias=0-1",
		  &host, &vm);
	lint_expect("not all outside", "deadline-cpus", QRT_SCHED_WARNING);
}

static void the_bandwidth_has_to_suffice(void)
{
	struct qrt_sched_host host = throttling("0-1");
	struct qrt_sched_vm vm = vm_of(2, 0);

	lint_with("vcpu_sched=deadline vcpu_runtime=950 vcpu_period=1000", &host, &vm);
	lint_expect("95 % of each of two", "deadline-bandwidth", -1);
	lint_with("vcpu_sched=deadline vcpu_runtime=951 vcpu_period=1000", &host, &vm);
	lint_expect("a little more", "deadline-bandwidth", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-bandwidth")->message, "1.90"));
	lint_with(
		"vcpu_sched=deadline vcpu_runtime=900 vcpu_period=1000 main_sched=deadline main_runtime=200 "
		"main_period=1000",
		&host, &vm);
	lint_expect("roles together", "deadline-bandwidth", QRT_SCHED_FAULT);
	host.rt_runtime_us = -1;
	lint_with("vcpu_sched=deadline vcpu_runtime=1000 vcpu_period=1000", &host, &vm);
	lint_expect("without throttling", "deadline-bandwidth", -1);
}

static void the_right_is_a_capability(void)
{
	struct qrt_sched_host host = throttling("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.flags = 0;
	host.rtprio_limit = 10;
	lint_with(DEADLINE " vcpu_prio=10", &host, &vm);
	lint_expect("the fallback works", "deadline-privilege", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("deadline-privilege")->message, "run under fifo 10"));
	lint_with(DEADLINE " vcpu_prio=11", &host, &vm);
	lint_expect("nor does that", "deadline-privilege", QRT_SCHED_FAULT);
	host.flags = QRT_SCHED_HOST_CAP_NICE;
	lint_with(DEADLINE " vcpu_prio=11", &host, &vm);
	lint_expect("root", "deadline-privilege", -1);
}

/* It sleeps when its runtime is used up; what it falls back to does not. */
static void the_fallback_may_starve_the_main_loop(void)
{
	struct qrt_sched_host host = host_of("0");
	struct qrt_sched_vm vm = vm_of(1, 0);

	lint_with(DEADLINE " main_prio=5", &host, &vm);
	lint_expect("main above", "fallback-starves", -1);
	lint_with(DEADLINE " vcpu_prio=6 main_prio=5", &host, &vm);
	lint_expect("main below", "fallback-starves", QRT_SCHED_WARNING);
	lint_expect("under deadline", "starved-main", -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("fallback-starves")->message, "should the kernel refuse"));
	lint_with("vcpu_prio=6 main_prio=5", &host, &vm);
	lint_expect("fifo", "starved-main", QRT_SCHED_FAULT);
	lint_expect("no deadline", "fallback-starves", -1);
}

static const struct tap_test tests[] = {
	{"a good deadline passes", a_good_deadline_passes},
	{"times have to fit each other", times_have_to_fit_each_other},
	{"times without a use are said", times_without_a_use_are_said},
	{"the CPUs of a deadline have to be all of the partition", the_cpus_have_to_be_all},
	{"a shield has the CPUs of vCPUs", a_shield_has_the_cpus_of_vcpus},
	{"the bandwidth has to suffice", the_bandwidth_has_to_suffice},
	{"the right to a deadline is a capability", the_right_is_a_capability},
	{"the fallback may starve the main loop", the_fallback_may_starve_the_main_loop},
};

TAP_MAIN("lint_times", tests)
