/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

static void the_host_needs_a_cpu(void)
{
	lint_on("vcpu_bias=0,1 vcpu_prio=5 main_prio=6 paio_prio=6", "0-1", 2, 0);
	lint_expect("all taken", "no-housekeeping", QRT_SCHED_WARNING);
	CU_ASSERT_STRING_EQUAL(lint_found("no-housekeeping")->remedy,
			       "leave a CPU to the host: fewer vCPUs, or vcpu_bias without CPU 0; or give "
			       "budget=170%/50ms, which qrt-launcher holds");
	lint_on("vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 2, 0);
	lint_expect("one left", "no-housekeeping", -1);
	lint_on("vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 1, 0);
	lint_expect("one vCPU, two CPUs", "no-housekeeping", -1);
	lint_on("vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 2, 0);
	lint_expect("two vCPUs, two CPUs", "no-housekeeping", QRT_SCHED_WARNING);
	lint_on("vcpu_sched=other", "0-1", 2, 0);
	lint_expect("time sharing", "no-housekeeping", -1);
	lint_on("vcpu_prio=5 main_prio=6 paio_prio=6", "0", 1, 0);
	lint_expect("a single CPU", "no-housekeeping", QRT_SCHED_NOTE);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-housekeeping")->remedy, "budget=85%/50ms"));
}

static void a_budget_leaves_time_to_the_host(void)
{
	static const struct {
		const char *options;
		int expected;
	} cases[] = {{"vcpu_bias=0,1 vcpu_prio=5 main_prio=6 budget=170%/50ms", -1},
		     {"vcpu_bias=0,1 vcpu_prio=5 main_prio=6 vcpu_budget=170%/20ms", -1},
		     {"vcpu_bias=0,1 vcpu_prio=5 main_prio=6 budget=171%/50ms", QRT_SCHED_WARNING},
		     {"vcpu_bias=0,1 vcpu_prio=5 main_prio=6 budget=170%/1s", QRT_SCHED_WARNING},
		     {"vcpu_bias=0,1 vcpu_prio=5 main_prio=6 main_budget=10%/50ms", QRT_SCHED_WARNING}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lint_on(cases[i].options, "0-1", 2, 0);
		lint_expect(cases[i].options, "no-housekeeping", cases[i].expected);
	}
}

static void timer_threads_have_to_be_above(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.timer_priority = 10;
	lint_with("main_prio=10", &host, &vm);
	lint_expect("no PREEMPT_RT", "timer-priority", -1);
	host.flags |= QRT_SCHED_HOST_PREEMPT_RT;
	lint_with("main_prio=10", &host, &vm);
	lint_expect("equal", "timer-priority", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("timer-priority")->remedy, "timerprio=11"));
	lint_with("main_prio=9", &host, &vm);
	lint_expect("below", "timer-priority", -1);
	lint_with("main_prio=10 timerprio=11", &host, &vm);
	lint_expect("raised by the plan", "timer-priority", -1);
	host.timer_priority = 99;
	lint_with("main_prio=10 timerprio=10", &host, &vm);
	lint_expect("lowered by the plan", "timer-priority", QRT_SCHED_WARNING);
	host.timer_priority = 0;
	lint_with("main_prio=10", &host, &vm);
	lint_expect("time-shared", "timer-priority", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("timer-priority")->remedy, "timerprio=11"));
	lint_with("main_nice=0", &host, &vm);
	lint_expect("all are time-shared", "timer-priority", -1);
	host.timer_priority = -1;
	lint_with("main_prio=10", &host, &vm);
	lint_expect("unknown", "timer-priority", -1);
}

static void rights_have_to_suffice(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.flags = 0;
	host.rtprio_limit = 10;
	lint_with("main_prio=11 vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("limit 10", "no-privilege", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-privilege")->message, "main 0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-privilege")->remedy, "CAP_SYS_NICE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("no-privilege")->remedy, "rtprio 11"));
	lint_with("main_prio=10", &host, &vm);
	lint_expect("within the limit", "no-privilege", -1);
	lint_with("main_nice=0 mlock=onfault", &host, &vm);
	lint_expect("time sharing", "no-privilege", -1);
	lint_expect("memory", "no-lock-privilege", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NULL(strstr(lint_found("no-lock-privilege")->message, "RLIMIT_MEMLOCK"));
	host.memlock_limit = 8 << 20;
	lint_with("mlock=onfault", &host, &vm);
	lint_expect("a limit", "no-lock-privilege", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(lint_found("no-lock-privilege")->message, "RLIMIT_MEMLOCK is 8192 KiB"));
	CU_ASSERT_EQUAL(lint_found("no-lock-privilege")->role, -1);
	lint_with("mlock=off", &host, &vm);
	lint_expect("no memory lock", "no-lock-privilege", -1);
	host.flags = QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK;
	host.rtprio_limit = 0;
	lint_with("main_prio=99 mlock=all", &host, &vm);
	lint_expect("capability", "no-privilege", -1);
	lint_expect("capability", "no-lock-privilege", -1);
}

static void throttling_is_said(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.rt_runtime_us = 950000;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("950 of 1000 ms", "rt-throttling", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("rt-throttling")->message, "50 ms of every 1000 ms"));
	lint_with("main_prio=5", &host, &vm);
	lint_expect("no real-time vCPU", "rt-throttling", -1);
	host.rt_runtime_us = 1000000;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("all of it", "rt-throttling", -1);
}

/* A kernel since 6.12 with CPUs 0-3, as it begins. */
static struct qrt_sched_host host_with_fair_server(void)
{
	struct qrt_sched_host host = host_of("0-3");

	host.flags |= QRT_SCHED_HOST_FAIR_SERVER;
	host.fair_server = cpus_of("0-3");
	host.fair_runtime_us = 50000;
	host.fair_period_us = 1000000;
	host.rt_runtime_us = 950000;
	return host;
}

static void the_fair_server_is_said_in_place_of_throttling(void)
{
	struct qrt_sched_host host = host_with_fair_server();
	struct qrt_sched_vm vm = vm_of(1, 0);

	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("6.12", "fair-server", QRT_SCHED_WARNING);
	lint_expect("6.12", "rt-throttling", -1);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(lint_found("fair-server")->message, "50 ms of every 1000 ms, on CPU 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("fair-server")->remedy, "fair_server/cpu1/runtime"));
	CU_ASSERT_PTR_NULL(strstr(lint_found("fair-server")->remedy, "sched_rt_runtime_us"));
	CU_ASSERT_EQUAL(lint_found("fair-server")->role, QRT_SCHED_ROLE_VCPU);
	host.rt_runtime_us = -1;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("the sysctl does not stop it", "fair-server", QRT_SCHED_WARNING);
	lint_with("main_prio=5", &host, &vm);
	lint_expect("no real-time vCPU", "fair-server", -1);
	host.fair_server = cpus_of("0,2-3");
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("off on the vCPU's CPU", "fair-server", -1);
}

static void groups_of_real_time_threads_are_throttled_as_well(void)
{
	struct qrt_sched_host host = host_with_fair_server();
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.flags |= QRT_SCHED_HOST_RT_GROUPS;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("throttling", "rt-throttling", QRT_SCHED_WARNING);
	lint_expect("server", "fair-server", QRT_SCHED_WARNING);
	host.rt_runtime_us = -1;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	lint_expect("off", "rt-throttling", -1);
}

static void on_isolated_cpus_the_fair_server_is_a_note(void)
{
	struct qrt_sched_host host = host_with_fair_server();
	struct qrt_sched_vm vm = vm_of(2, 0);

	host.isolated = cpus_of("2-3");
	lint_with("vcpu_prio=5 vcpu_bias=2,3", &host, &vm);
	lint_expect("isolated", "fair-server", QRT_SCHED_NOTE);
	lint_with("vcpu_prio=5 vcpu_bias=1,2", &host, &vm);
	lint_expect("one is not", "fair-server", QRT_SCHED_WARNING);
}

static void priority_99_is_the_kernels(void)
{
	lint_on("main_prio=99", "0-3", 1, 0);
	lint_expect("99", "reserved-99", QRT_SCHED_WARNING);
	lint_on("main_prio=98", "0-3", 1, 0);
	lint_expect("98", "reserved-99", -1);
}

static const struct tap_test tests[] = {
	{"the host needs a CPU of its own", the_host_needs_a_cpu},
	{"a budget leaves time to the host", a_budget_leaves_time_to_the_host},
	{"the kernel's timer threads have to be above", timer_threads_have_to_be_above},
	{"rights have to suffice", rights_have_to_suffice},
	{"throttling of a real-time vCPU is said", throttling_is_said},
	{"since 6.12 the fair server is said in place of throttling",
	 the_fair_server_is_said_in_place_of_throttling},
	{"groups of real-time threads are throttled as well",
	 groups_of_real_time_threads_are_throttled_as_well},
	{"on isolated CPUs the fair server is a note", on_isolated_cpus_the_fair_server_is_a_note},
	{"priority 99 is the kernel's", priority_99_is_the_kernels},
};

TAP_MAIN("lint_host", tests)
