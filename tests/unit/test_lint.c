/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define SEPARATE                                                                                             \
	"vcpu_bias=3,4 vcpu_sched=fifo,fifo vcpu_prio=1,1 vcpu_nice=0,0 main_bias=5 main_sched=fifo "        \
	"main_prio=1 "                                                                                       \
	"main_nice=0 paio_bias=6 paio_sched=rr paio_prio=1 paio_nice=19 vncs_bias=7 vncs_sched=rr "          \
	"vncs_prio=1 "                                                                                       \
	"vncs_nice=19 vncm_bias=7 vncm_sched=rr vncm_prio=1 vncm_nice=19"
#define SHARED                                                                                               \
	"vcpu_bias=1,2 vcpu_sched=rr vcpu_prio=1 vcpu_nice=19 main_bias=1-2 main_sched=rr main_prio=1 "      \
	"main_nice=19 "                                                                                      \
	"paio_bias=1-2 paio_sched=rr paio_prio=1 paio_nice=19 vncs_bias=1-2 vncs_sched=rr vncs_prio=1 "      \
	"vncs_nice=19 "                                                                                      \
	"vncm_bias=1-2 vncm_sched=rr vncm_prio=1 vncm_nice=19"

static void the_known_good_layouts_pass(void)
{
	lint_on(SEPARATE, "0-10", 2, 0);
	lint_expect_clean("fully separate FIFO");
	lint_on(SHARED, "0-10", 2, 0);
	lint_expect_clean("fully shared RR");
	lint_on("maxprio=50,policy=ff vcpu_bias=1 main_bias=0 paio_bias=0 othr_bias=0 vncs_bias=0", "0-1", 1,
		0);
	lint_expect_clean("maxprio");
	lint_on("", "0-1", 2, 1);
	lint_expect_clean("an empty plan");
}

static void cpus_have_to_be_there(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);

	lint_on("vcpu_bias=0,999 vcpu_sched=other", "0-3", 2, 0);
	lint_expect("CPU 999", "cpu-missing", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("cpu-missing")->message, "vcpu 1: CPU 999"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("cpu-missing")->remedy, "0-3"));
	lint_on("main_bias=2-5 main_sched=other", "0-3", 2, 0);
	lint_expect("a range that ends outside", "cpu-missing", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("cpu-missing")->message, "CPU 4-5"));
	host.allowed = cpus_of("0-1");
	lint_with("main_bias=2", &host, &vm);
	lint_expect("outside the cpuset", "cpu-not-allowed", QRT_SCHED_FAULT);
	lint_expect("it is there", "cpu-missing", -1);
	lint_with("main_bias=7", &host, &vm);
	lint_expect("not there", "cpu-missing", QRT_SCHED_FAULT);
	lint_expect("said once", "cpu-not-allowed", -1);
	lint_with("main_bias=1", &host, &vm);
	lint_expect_clean("allowed");
}

static void there_have_to_be_threads_for_the_values(void)
{
	struct qrt_sched_vm vm = vm_of(2, 2);
	struct qrt_sched_host host = host_of("0-7");
	static const struct {
		const char *options;
		int expected;
	} cases[] = {
		{"vcpu_nice=0,0", -1},
		{"vcpu_nice=0,0,0", QRT_SCHED_FAULT},
		{"vcpu_bias=1-3,2", -1},
		{"main_nice=0", -1},
		{"main_nice=0,0", QRT_SCHED_FAULT},
		{"vncs_nice=0,0", QRT_SCHED_FAULT},
		{"vncm_nice=0,0,0", -1},
		{"ioth_nice=0,0", -1},
		{"ioth_nice=0,0,0", QRT_SCHED_FAULT},
		{"paio_nice=0,0,0,0", -1},
		{"paio_nice=0,0,0,0,0", QRT_SCHED_FAULT},
		{"othr_nice=0,0,0,0,0,0", -1},
		{"kio_nice=0,0,0,0,0,0", -1},
		{"main_name=a,b,c", -1},
	};
	size_t i;

	vm.paio_max = 4;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lint_with(cases[i].options, &host, &vm);
		lint_expect(cases[i].options, "too-many-values", cases[i].expected);
	}
	vm = vm_of(0, 0);
	lint_with("vcpu_nice=0,0,0,0", &host, &vm);
	lint_expect("unknown number of vCPUs", "too-many-values", -1);
	lint_with("ioth_nice=0", &host, &vm);
	lint_expect("one value is for all that may come", "too-many-values", -1);
	lint_with("ioth_nice=0,0", &host, &vm);
	lint_expect("two for none", "too-many-values", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NULL(strstr(lint_found("too-many-values")->remedy, "range"));
	lint_with("ioth_bias=0,1", &host, &vm);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("too-many-values")->remedy, "range"));
	lint_with("ioth_nice=0,0 paio_nice=0,0 vcpu_nice=0,0", &host, NULL);
	lint_expect("unknown VM", "too-many-values", -1);
}

static void policy_and_priority_have_to_fit(void)
{
	lint_on("vcpu_sched=fifo vcpu_prio=0", "0-7", 1, 0);
	lint_expect("fifo 0", "rt-without-prio", QRT_SCHED_FAULT);
	lint_on("vcpu_sched=rr,rr vcpu_prio=5,0", "0-7", 2, 0);
	lint_expect("rr 0", "rt-without-prio", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("rt-without-prio")->message, "vcpu 1"));
	lint_on("main_sched=other main_prio=3", "0-7", 1, 0);
	lint_expect("other 3", "prio-without-rt", QRT_SCHED_FAULT);
	lint_on("main_sched=idle main_prio=3", "0-7", 1, 0);
	lint_expect("idle 3", "prio-without-rt", QRT_SCHED_FAULT);
	lint_on("main_sched=other main_prio=0 vncs_prio=0", "0-7", 1, 0);
	lint_expect_clean("other 0");
}

static void findings_name_the_line(void)
{
	static const char text[] =
		"# plan\nvcpu_bias = 1\nvcpu_prio = 5\n\nmain_bias = 77\nmain_sched = other\nmain_prio = 3\n";
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	lint_count = qrt_sched_plan_lint(plan, &host, NULL, lint_findings, LINT_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lint_found("cpu-missing"));
	CU_ASSERT_EQUAL(lint_found("cpu-missing")->line, 5);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lint_found("prio-without-rt"));
	CU_ASSERT_EQUAL(lint_found("prio-without-rt")->line, 7);
	qrt_sched_plan_close(plan);
}

static void findings_name_the_role(void)
{
	static const struct {
		const char *options, *code;
		int role;
	} cases[] = {
		{"paio_bias=999 paio_sched=other", "cpu-missing", QRT_SCHED_ROLE_PAIO},
		{"othr_sched=fifo othr_prio=0", "rt-without-prio", QRT_SCHED_ROLE_OTHR},
		{"vncs_sched=other vncs_prio=3", "prio-without-rt", QRT_SCHED_ROLE_VNCS},
		{"ioth_nice=0,0", "too-many-values", QRT_SCHED_ROLE_IOTH},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1", "starved-main", QRT_SCHED_ROLE_MAIN},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=6", "spinning-above-vcpu",
		 QRT_SCHED_ROLE_MAIN},
		{"vcpu_bias=1,1 vcpu_prio=5 main_bias=0", "vcpus-share-cpu", QRT_SCHED_ROLE_VCPU},
		{"main_prio=5 pi=off", "inversion", QRT_SCHED_ROLE_PAIO},
		{"kio_prio=99", "reserved-99", QRT_SCHED_ROLE_KIO},
		{"main_prio=6", "no-privilege", QRT_SCHED_ROLE_MAIN},
		{"main_prio=6", "timer-priority", QRT_SCHED_ROLE_MAIN},
		{"vcpu_bias=1 vcpu_prio=5", "rt-throttling", QRT_SCHED_ROLE_VCPU},
		{"mlock=all", "no-lock-privilege", -1},
	};
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);
	size_t i;

	vm.tcg = 1;
	host.flags = QRT_SCHED_HOST_PREEMPT_RT;
	host.timer_priority = 1;
	host.rtprio_limit = 0;
	host.rt_runtime_us = 950000;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct qrt_sched_finding *finding;

		lint_with(cases[i].options, &host, &vm);
		finding = lint_found(cases[i].code);
		if (!finding || finding->role != cases[i].role)
			tap_note("%s: role %d", cases[i].code, finding ? finding->role : -2);
		CU_ASSERT(finding && finding->role == cases[i].role);
	}
}

static void worst_come_first_and_all_are_counted(void)
{
	struct qrt_sched_host host = host_of("0-1");
	struct qrt_sched_vm vm = vm_of(2, 0);
	struct qrt_sched_plan *plan =
		plan_of("vcpu_bias=0,1 vcpu_prio=5 main_bias=7,8,9 othr_prio=99 paio_bias=44");
	struct qrt_sched_finding one[2];
	int i, all;

	host.rt_runtime_us = 950000;
	memset(lint_findings, 0, sizeof(lint_findings));
	all = qrt_sched_plan_lint(plan, &host, &vm, lint_findings, LINT_MAX);
	CU_ASSERT_TRUE(all > 4);
	for (i = 1; i < all; i++)
		CU_ASSERT_TRUE(lint_findings[i - 1].severity >= lint_findings[i].severity);
	for (i = 0; i < all; i++)
		CU_ASSERT_TRUE(lint_findings[i].message[0] && lint_findings[i].remedy[0] &&
			       lint_findings[i].code[0]);
	memset(one, 0x5a, sizeof(one));
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, one, 1), all);
	CU_ASSERT_EQUAL(memcmp(&one[0], &lint_findings[0], sizeof(one[0])), 0);
	CU_ASSERT_EQUAL(one[1].severity, 0x5a5a5a5a);
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, NULL, 0), all);
	qrt_sched_plan_close(plan);
}

static void odd_descriptions_do_no_harm(void)
{
	struct qrt_sched_host host = host_of("");
	struct qrt_sched_vm vm = vm_of(UINT32_MAX, UINT32_MAX);

	lint_with(SEPARATE, &host, &vm);
	CU_ASSERT_TRUE(lint_count > 0);
	lint_with(SEPARATE, NULL, NULL);
	lint_expect("without a host", "cpu-missing", -1);
	lint_with("vcpu_bias=1 vcpu_prio=5 main_bias=1", NULL, NULL);
	lint_expect("without a host", "starved-main", QRT_SCHED_FAULT);
	host.size = 0;
	lint_with("", &host, &vm);
	CU_ASSERT_EQUAL(lint_count, -EINVAL);
	host.size = sizeof(host);
	vm.size = 1;
	lint_with("", &host, &vm);
	CU_ASSERT_EQUAL(lint_count, -EINVAL);
}

static const struct tap_test tests[] = {
	{"separate FIFO, shared RR and maxprio layouts pass", the_known_good_layouts_pass},
	{"CPUs have to be online and allowed", cpus_have_to_be_there},
	{"values have to have threads", there_have_to_be_threads_for_the_values},
	{"policy and priority have to fit each other", policy_and_priority_have_to_fit},
	{"findings name the line of the plan file", findings_name_the_line},
	{"findings name the role that they are about", findings_name_the_role},
	{"worst come first, all are counted, max are written", worst_come_first_and_all_are_counted},
	{"odd descriptions of host and VM do no harm", odd_descriptions_do_no_harm},
};

TAP_MAIN("lint", tests)
