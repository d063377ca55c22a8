/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX 64
static struct qrt_sched_finding findings[MAX];
static int count;

static void lint_with(const char *options, const struct qrt_sched_host *host, const struct qrt_sched_vm *vm)
{
	struct qrt_sched_plan *plan = plan_of(options);

	memset(findings, 0, sizeof(findings));
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	count = qrt_sched_plan_lint(plan, host, vm, findings, MAX);
	qrt_sched_plan_close(plan);
}

static void lint(const char *options, const char *online, uint32_t vcpus, uint32_t iothreads)
{
	struct qrt_sched_host host = host_of(online);
	struct qrt_sched_vm vm = vm_of(vcpus, iothreads);

	lint_with(options, &host, &vm);
}

static const struct qrt_sched_finding *found(const char *code)
{
	int i;

	for (i = 0; i < count && i < MAX; i++) {
		if (!strcmp(findings[i].code, code))
			return &findings[i];
	}
	return NULL;
}

/* The severity of a finding, -1 where it is not among them. */
static int severity(const char *code)
{
	return found(code) ? (int)found(code)->severity : -1;
}

static void expect(const char *what, const char *code, int expected)
{
	int i;

	if (severity(code) != expected) {
		tap_note("%s: %s is %d, expected %d; findings:", what, code, severity(code), expected);
		for (i = 0; i < count && i < MAX; i++)
			tap_note("  %u %s: %s", findings[i].severity, findings[i].code, findings[i].message);
	}
	CU_ASSERT_EQUAL(severity(code), expected);
}

static void expect_clean(const char *what)
{
	int i;

	for (i = 0; i < count && i < MAX; i++)
		tap_note("%s: %u %s: %s", what, findings[i].severity, findings[i].code, findings[i].message);
	CU_ASSERT_EQUAL(count, 0);
}

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
	lint(SEPARATE, "0-10", 2, 0);
	expect_clean("fully separate FIFO");
	lint(SHARED, "0-10", 2, 0);
	expect_clean("fully shared RR");
	lint("maxprio=50,policy=ff vcpu_bias=1 main_bias=0 paio_bias=0 othr_bias=0 vncs_bias=0", "0-1", 1, 0);
	expect_clean("maxprio");
	lint("", "0-1", 2, 1);
	expect_clean("an empty plan");
}

static void cpus_have_to_be_there(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);

	lint("vcpu_bias=0,999 vcpu_sched=other", "0-3", 2, 0);
	expect("CPU 999", "cpu-missing", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("cpu-missing")->message, "vcpu 1: CPU 999"));
	CU_ASSERT_PTR_NOT_NULL(strstr(found("cpu-missing")->remedy, "0-3"));
	lint("main_bias=2-5 main_sched=other", "0-3", 2, 0);
	expect("a range that ends outside", "cpu-missing", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("cpu-missing")->message, "CPU 4-5"));
	host.allowed = cpus_of("0-1");
	lint_with("main_bias=2", &host, &vm);
	expect("outside the cpuset", "cpu-not-allowed", QRT_SCHED_FAULT);
	expect("it is there", "cpu-missing", -1);
	lint_with("main_bias=7", &host, &vm);
	expect("not there", "cpu-missing", QRT_SCHED_FAULT);
	expect("said once", "cpu-not-allowed", -1);
	lint_with("main_bias=1", &host, &vm);
	expect_clean("allowed");
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
		expect(cases[i].options, "too-many-values", cases[i].expected);
	}
	vm = vm_of(0, 0);
	lint_with("vcpu_nice=0,0,0,0", &host, &vm);
	expect("unknown number of vCPUs", "too-many-values", -1);
	lint_with("ioth_nice=0", &host, &vm);
	expect("one value is for all that may come", "too-many-values", -1);
	lint_with("ioth_nice=0,0", &host, &vm);
	expect("two for none", "too-many-values", QRT_SCHED_FAULT);
	lint_with("ioth_nice=0,0 paio_nice=0,0 vcpu_nice=0,0", &host, NULL);
	expect("unknown VM", "too-many-values", -1);
}

static void policy_and_priority_have_to_fit(void)
{
	lint("vcpu_sched=fifo vcpu_prio=0", "0-7", 1, 0);
	expect("fifo 0", "rt-without-prio", QRT_SCHED_FAULT);
	lint("vcpu_sched=rr,rr vcpu_prio=5,0", "0-7", 2, 0);
	expect("rr 0", "rt-without-prio", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("rt-without-prio")->message, "vcpu 1"));
	lint("main_sched=other main_prio=3", "0-7", 1, 0);
	expect("other 3", "prio-without-rt", QRT_SCHED_FAULT);
	lint("main_sched=idle main_prio=3", "0-7", 1, 0);
	expect("idle 3", "prio-without-rt", QRT_SCHED_FAULT);
	lint("main_sched=other main_prio=0 vncs_prio=0", "0-7", 1, 0);
	expect_clean("other 0");
}

static void a_starved_main_loop_is_a_fault(void)
{
	static const struct {
		const char *options;
		uint32_t vcpus;
		const char *code;
		int expected;
	} cases[] = {
		{"vcpu_bias=1 vcpu_sched=fifo main_bias=1", 1, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=4", 1, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=5", 1, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=5 main_sched=rr", 1, "starved-main",
		 QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=6", 1, "starved-main", -1},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=6 main_sched=rr", 1, "starved-main", -1},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=0", 1, "starved-main", -1},
		{"vcpu_bias=1 vcpu_prio=5 main_bias=0-1", 1, "starved-main", -1},
		{"vcpu_bias=1 vcpu_prio=5", 1, "starved-main", -1},
		{"vcpu_bias=0,1 vcpu_prio=5 main_bias=0-1", 2, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=0,1 vcpu_prio=5", 2, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=0,1 vcpu_prio=5,3 main_prio=4", 2, "starved-main", -1},
		{"vcpu_bias=0-1 vcpu_prio=5 main_bias=1", 1, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=0-1 vcpu_prio=5 main_bias=0-1", 2, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=0-1 vcpu_prio=5 main_bias=0-1", 1, "starved-main", QRT_SCHED_WARNING},
		{"vcpu_bias=0-1 vcpu_prio=5 main_bias=0-1", 0, "starved-main", QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_bias=1 main_prio=5", 1, "rr-vcpu-above-main",
		 -1},
		{"vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_bias=1 main_sched=rr main_prio=5", 1,
		 "rr-vcpu-above-main", -1},
		{"vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_bias=1 main_sched=rr main_prio=4", 1,
		 "rr-vcpu-above-main", QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_bias=1", 1, "rr-vcpu-above-main",
		 QRT_SCHED_FAULT},
		{"vcpu_bias=1 vcpu_sched=other main_bias=1", 1, "starved-main", -1},
		{"vcpu_bias=1 vcpu_sched=other main_bias=1 main_sched=idle", 1, "starved-main", -1},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lint(cases[i].options, "0-1", cases[i].vcpus, 0);
		expect(cases[i].options, cases[i].code, cases[i].expected);
	}
}

static void the_finding_names_thread_cpu_and_remedy(void)
{
	const struct qrt_sched_finding *f;

	lint("vcpu_bias=1 vcpu_prio=5 main_bias=1", "0-1", 1, 0);
	f = found("starved-main");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(f->message, "main 0 (other)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f->message, "vcpu 0 (fifo 5) on CPU 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f->remedy, "main_prio=6"));
	lint("vcpu_bias=1 vcpu_prio=99 main_bias=1", "0-1", 1, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("starved-main")->remedy, "lower vcpu_prio"));
}

static void a_starved_iothread_is_a_fault(void)
{
	lint("vcpu_bias=1 vcpu_prio=5 ioth_bias=0,1", "0-1", 1, 2);
	expect("ioth 1", "starved-ioth", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("starved-ioth")->message, "ioth 1"));
	lint("vcpu_bias=1 vcpu_prio=5 ioth_bias=0,1", "0-1", 1, 1);
	expect("there is no ioth 1", "starved-ioth", -1);
	lint("vcpu_bias=1 vcpu_prio=5 ioth_bias=1 ioth_prio=6", "0-1", 1, 1);
	expect("above", "starved-ioth", -1);
	lint("vcpu_bias=0,1 vcpu_prio=5 main_prio=6", "0-1", 2, 1);
	expect("not planned, nowhere to go", "starved-ioth", QRT_SCHED_FAULT);
}

static void starved_pool_workers_are_a_warning(void)
{
	lint("vcpu_bias=1 vcpu_prio=5 paio_bias=1", "0-1", 1, 0);
	expect("below", "starved-paio", QRT_SCHED_WARNING);
	lint("vcpu_bias=1 vcpu_prio=5 paio_bias=1 paio_prio=6", "0-1", 1, 0);
	expect("above", "starved-paio", -1);
	lint("vcpu_bias=1 vcpu_prio=5 paio_bias=0", "0-1", 1, 0);
	expect("elsewhere", "starved-paio", -1);
	lint("vcpu_bias=0-1 vcpu_prio=5 main_prio=6", "0-1", 1, 0);
	expect("one CPU is always free", "starved-paio", -1);
}

static void low_workers_need_inheritance(void)
{
	lint("main_prio=5 paio_prio=4 pi=off", "0-1", 1, 0);
	expect("pi=off", "inversion", QRT_SCHED_WARNING);
	lint("main_prio=5 pi=off", "0-1", 1, 0);
	expect("paio not planned", "inversion", QRT_SCHED_WARNING);
	lint("main_prio=5 paio_prio=4 pi=on", "0-1", 1, 0);
	expect("pi=on", "inversion", -1);
	lint("main_prio=5 paio_prio=4", "0-1", 1, 0);
	expect("pi is on where not said", "inversion", -1);
	lint("main_prio=5 paio_prio=5 pi=off", "0-1", 1, 0);
	expect("equal", "inversion", -1);
}

static void the_host_needs_a_cpu(void)
{
	lint("vcpu_bias=0,1 vcpu_prio=5 main_prio=6 paio_prio=6", "0-1", 2, 0);
	expect("all taken", "no-housekeeping", QRT_SCHED_WARNING);
	lint("vcpu_bias=1 vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 2, 0);
	expect("one left", "no-housekeeping", -1);
	lint("vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 1, 0);
	expect("one vCPU, two CPUs", "no-housekeeping", -1);
	lint("vcpu_sched=rr vcpu_prio=5 main_prio=6", "0-1", 2, 0);
	expect("two vCPUs, two CPUs", "no-housekeeping", QRT_SCHED_WARNING);
	lint("vcpu_sched=other", "0-1", 2, 0);
	expect("time sharing", "no-housekeeping", -1);
	lint("vcpu_prio=5 main_prio=6 paio_prio=6", "0", 1, 0);
	expect("a single CPU", "no-housekeeping", QRT_SCHED_NOTE);
}

static void vcpus_on_one_cpu_have_to_take_turns(void)
{
	lint("vcpu_bias=1 vcpu_prio=5", "0-3", 2, 0);
	expect("fifo", "vcpus-share-cpu", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("vcpus-share-cpu")->message, "vcpu 0 and vcpu 1"));
	lint("vcpu_bias=1 vcpu_prio=5 vcpu_sched=rr", "0-3", 2, 0);
	expect("rr", "vcpus-share-cpu", -1);
	lint("vcpu_bias=1 vcpu_prio=5,6 vcpu_sched=rr", "0-3", 2, 0);
	expect("rr, different", "vcpus-share-cpu", QRT_SCHED_WARNING);
	lint("vcpu_bias=1 vcpu_sched=other", "0-3", 2, 0);
	expect("other", "vcpus-share-cpu", -1);
	lint("vcpu_bias=1,2,1 vcpu_prio=5", "0-3", 3, 0);
	expect("0 and 2", "vcpus-share-cpu", QRT_SCHED_WARNING);
	lint("vcpu_bias=1,2 vcpu_prio=5", "0-3", 2, 0);
	expect("apart", "vcpus-share-cpu", -1);
	lint("vcpu_bias=1-2 vcpu_prio=5", "0-3", 2, 0);
	expect("two CPUs for two", "vcpus-share-cpu", -1);
}

static void timer_threads_have_to_be_above(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.timer_priority = 10;
	lint_with("main_prio=10", &host, &vm);
	expect("no PREEMPT_RT", "timer-priority", -1);
	host.flags |= QRT_SCHED_HOST_PREEMPT_RT;
	lint_with("main_prio=10", &host, &vm);
	expect("equal", "timer-priority", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("timer-priority")->remedy, "chrt -f -p 11"));
	lint_with("main_prio=9", &host, &vm);
	expect("below", "timer-priority", -1);
	host.timer_priority = 0;
	lint_with("main_prio=10", &host, &vm);
	expect("unknown", "timer-priority", -1);
}

static void rights_have_to_suffice(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.flags = 0;
	host.rtprio_limit = 10;
	lint_with("main_prio=11 vcpu_prio=5 vcpu_bias=1", &host, &vm);
	expect("limit 10", "no-privilege", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("no-privilege")->message, "main 0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(found("no-privilege")->remedy, "CAP_SYS_NICE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(found("no-privilege")->remedy, "rtprio 11"));
	lint_with("main_prio=10", &host, &vm);
	expect("within the limit", "no-privilege", -1);
	lint_with("main_nice=0 mlock=onfault", &host, &vm);
	expect("time sharing", "no-privilege", -1);
	expect("memory", "no-lock-privilege", QRT_SCHED_WARNING);
	lint_with("mlock=off", &host, &vm);
	expect("no memory lock", "no-lock-privilege", -1);
	host.flags = QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK;
	host.rtprio_limit = 0;
	lint_with("main_prio=99 mlock=all", &host, &vm);
	expect("capability", "no-privilege", -1);
	expect("capability", "no-lock-privilege", -1);
}

static void throttling_is_said(void)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 0);

	host.rt_runtime_us = 950000;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	expect("950 of 1000 ms", "rt-throttling", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found("rt-throttling")->message, "50 ms of every 1000 ms"));
	lint_with("main_prio=5", &host, &vm);
	expect("no real-time vCPU", "rt-throttling", -1);
	host.rt_runtime_us = 1000000;
	lint_with("vcpu_prio=5 vcpu_bias=1", &host, &vm);
	expect("all of it", "rt-throttling", -1);
}

static void priority_99_is_the_kernels(void)
{
	lint("main_prio=99", "0-3", 1, 0);
	expect("99", "reserved-99", QRT_SCHED_WARNING);
	lint("main_prio=98", "0-3", 1, 0);
	expect("98", "reserved-99", -1);
}

static void findings_name_the_line(void)
{
	static const char text[] =
		"# plan\nvcpu_bias = 1\nvcpu_prio = 5\n\nmain_bias = 77\nmain_sched = other\nmain_prio = 3\n";
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	count = qrt_sched_plan_lint(plan, &host, NULL, findings, MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found("cpu-missing"));
	CU_ASSERT_EQUAL(found("cpu-missing")->line, 5);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found("prio-without-rt"));
	CU_ASSERT_EQUAL(found("prio-without-rt")->line, 7);
	qrt_sched_plan_close(plan);
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
	memset(findings, 0, sizeof(findings));
	all = qrt_sched_plan_lint(plan, &host, &vm, findings, MAX);
	CU_ASSERT_TRUE(all > 4);
	for (i = 1; i < all; i++)
		CU_ASSERT_TRUE(findings[i - 1].severity >= findings[i].severity);
	for (i = 0; i < all; i++)
		CU_ASSERT_TRUE(findings[i].message[0] && findings[i].remedy[0] && findings[i].code[0]);
	memset(one, 0x5a, sizeof(one));
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, one, 1), all);
	CU_ASSERT_EQUAL(memcmp(&one[0], &findings[0], sizeof(one[0])), 0);
	CU_ASSERT_EQUAL(one[1].severity, 0x5a5a5a5a);
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, NULL, 0), all);
	qrt_sched_plan_close(plan);
}

static void odd_descriptions_do_no_harm(void)
{
	struct qrt_sched_host host = host_of("");
	struct qrt_sched_vm vm = vm_of(UINT32_MAX, UINT32_MAX);

	lint_with(SEPARATE, &host, &vm);
	CU_ASSERT_TRUE(count > 0);
	lint_with(SEPARATE, NULL, NULL);
	expect("without a host", "cpu-missing", -1);
	lint_with("vcpu_bias=1 vcpu_prio=5 main_bias=1", NULL, NULL);
	expect("without a host", "starved-main", QRT_SCHED_FAULT);
	host.size = 0;
	lint_with("", &host, &vm);
	CU_ASSERT_EQUAL(count, -EINVAL);
	host.size = sizeof(host);
	vm.size = 1;
	lint_with("", &host, &vm);
	CU_ASSERT_EQUAL(count, -EINVAL);
}

static const struct tap_test tests[] = {
	{"separate FIFO, shared RR and maxprio layouts pass", the_known_good_layouts_pass},
	{"CPUs have to be online and allowed", cpus_have_to_be_there},
	{"values have to have threads", there_have_to_be_threads_for_the_values},
	{"policy and priority have to fit each other", policy_and_priority_have_to_fit},
	{"a main loop that vCPUs starve is a fault", a_starved_main_loop_is_a_fault},
	{"such a finding names threads, CPU and remedy", the_finding_names_thread_cpu_and_remedy},
	{"an iothread that vCPUs starve is a fault", a_starved_iothread_is_a_fault},
	{"pool workers that vCPUs starve are a warning", starved_pool_workers_are_a_warning},
	{"pool workers below the main loop need inheritance", low_workers_need_inheritance},
	{"the host needs a CPU of its own", the_host_needs_a_cpu},
	{"vCPUs on one CPU have to take turns", vcpus_on_one_cpu_have_to_take_turns},
	{"the kernel's timer threads have to be above", timer_threads_have_to_be_above},
	{"rights have to suffice", rights_have_to_suffice},
	{"throttling of a real-time vCPU is said", throttling_is_said},
	{"priority 99 is the kernel's", priority_99_is_the_kernels},
	{"findings name the line of the plan file", findings_name_the_line},
	{"worst come first, all are counted, max are written", worst_come_first_and_all_are_counted},
	{"odd descriptions of host and VM do no harm", odd_descriptions_do_no_harm},
};

TAP_MAIN("lint", tests)
