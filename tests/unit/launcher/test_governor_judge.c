/* SPDX-License-Identifier: MIT */
/* Plans that no governor could hold, on a host with four CPUs. */
#include "tap.h"

#include "command.h"
#include "governor.h"
#include "plan_request.h"

#include <string.h>

/* Parts of the launcher say things; here nobody listens. */
void complain(const char *format, ...)
{
	(void)format;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static struct plan_request request;

static void cpus_of(const char *text, struct qrt_sched_cpus *ret_cpus)
{
	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(text, ret_cpus), 0);
}

/* A host that throttles nobody, unless runtime_us is less than the period. */
static void begin(const char *plan, int64_t runtime_us)
{
	CU_ASSERT_EQUAL_FATAL(plan_request_open(&request, "test"), 0);
	cpus_of("0-3", &request.host.online);
	cpus_of("0-3", &request.host.allowed);
	request.host.rtprio_limit = 99;
	request.host.rt_runtime_us = runtime_us;
	request.host.rt_period_us = 1000000;
	request.vm.vcpus = 4;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, plan, NULL), 0);
}

/* The judgement's code, "" for none; its remedy has to have these words. */
static void expect(const char *code, const char *remedy)
{
	governor_judge(&request);
	CU_ASSERT_EQUAL(request.findings_count, *code ? 1 : 0);
	if (request.findings_count == 1) {
		CU_ASSERT_STRING_EQUAL(request.findings[0].code, code);
		CU_ASSERT_EQUAL(request.findings[0].severity, QRT_SCHED_FAULT);
		CU_ASSERT_PTR_NOT_NULL(strstr(request.findings[0].remedy, remedy));
	}
	plan_request_close(&request);
}

static void test_room(void)
{
	begin("vcpu_prio=50 main_prio=99 budget=30%/100ms", 950000);
	expect("governor-no-room", "main_prio 98 or less");
	begin("vcpu_prio=99 vcpu_budget=30%/100ms", 950000);
	expect("governor-no-room", "vcpu_prio 98");
	begin("vcpu_prio=99 weight=5", 950000);
	expect("governor-no-room", "vcpu_prio 98");
	begin("vcpu_prio=98 weight=5 budget=30%/100ms", 950000);
	expect("", "");
	begin("vcpu_prio=99", 950000);
	expect("", "");
	begin("vcpu_sched=other weight=5 budget=30%/100ms", 950000);
	expect("", "");
}

static void test_rights(void)
{
	begin("vcpu_prio=50 budget=30%/100ms", 950000);
	request.host.rtprio_limit = 50;
	expect("governor-no-room", "vcpu_prio 49 or less, or run as root");
	begin("vcpu_prio=49 budget=30%/100ms", 950000);
	request.host.rtprio_limit = 50;
	expect("", "");
	begin("vcpu_prio=60 budget=30%/100ms", 950000);
	request.host.rtprio_limit = 50;
	expect("", "");
}

static void test_guard(void)
{
	begin("vcpu_prio=99 vcpu_bias=0,1,2,3", -1);
	expect("governor-no-room", "vcpu_prio 98");
	begin("vcpu_prio=99", -1);
	expect("governor-no-room", "vcpu_prio 98");
	begin("vcpu_prio=99 vcpu_bias=1,2,3", -1);
	expect("", "");
	begin("vcpu_prio=99 vcpu_bias=1,2,3", -1);
	cpus_of("0", &request.neighbours.taken);
	expect("governor-no-room", "vcpu_prio 98");
	begin("vcpu_prio=99 vcpu_bias=0,1,2,3", -1);
	request.host.flags = QRT_SCHED_HOST_FAIR_SERVER;
	cpus_of("0-3", &request.host.fair_server);
	expect("", "");
}

static void test_budget(void)
{
	begin("vcpu_prio=50 budget=400%/100ms", -1);
	expect("budget-takes-host", "budget=340%/50ms");
	begin("vcpu_prio=50 budget=399%/100ms", -1);
	expect("", "");
	begin("vcpu_prio=50 budget=400%/100ms", 950000);
	expect("", "");
	begin("vcpu_prio=50 vcpu_bias=1-3 budget=400%/100ms", -1);
	expect("", "");
}

static const struct tap_test tests[] = {
	{"above a plan that asks for it there has to be room", test_room},
	{"room is what this process may give", test_rights},
	{"a host that nothing else holds needs the governor", test_guard},
	{"a budget that is never used up holds nobody", test_budget},
};

TAP_MAIN("governor_judge", tests)
