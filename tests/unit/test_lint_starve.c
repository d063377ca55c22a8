/* SPDX-License-Identifier: MIT */
#include "lint_help.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

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
		lint_on(cases[i].options, "0-1", cases[i].vcpus, 0);
		lint_expect(cases[i].options, cases[i].code, cases[i].expected);
	}
}

static void the_finding_names_thread_cpu_and_remedy(void)
{
	const struct qrt_sched_finding *f;

	lint_on("vcpu_bias=1 vcpu_prio=5 main_bias=1", "0-1", 1, 0);
	f = lint_found("starved-main");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(f->message, "main 0 (other)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f->message, "vcpu 0 (fifo 5) on CPU 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f->remedy, "main_prio=6"));
	lint_on("vcpu_bias=1 vcpu_prio=99 main_bias=1", "0-1", 1, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("starved-main")->remedy, "lower vcpu_prio"));
}

static void a_starved_iothread_is_a_fault(void)
{
	lint_on("vcpu_bias=1 vcpu_prio=5 ioth_bias=0,1", "0-1", 1, 2);
	lint_expect("ioth 1", "starved-ioth", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("starved-ioth")->message, "ioth 1"));
	lint_on("vcpu_bias=1 vcpu_prio=5 ioth_bias=0,1", "0-1", 1, 1);
	lint_expect("there is no ioth 1", "starved-ioth", -1);
	lint_on("vcpu_bias=1 vcpu_prio=5 ioth_bias=1 ioth_prio=6", "0-1", 1, 1);
	lint_expect("above", "starved-ioth", -1);
	lint_on("vcpu_bias=0,1 vcpu_prio=5 main_prio=6", "0-1", 2, 1);
	lint_expect("not planned, nowhere to go", "starved-ioth", QRT_SCHED_FAULT);
}

static void starved_pool_workers_are_a_warning(void)
{
	lint_on("vcpu_bias=1 vcpu_prio=5 paio_bias=1", "0-1", 1, 0);
	lint_expect("below", "starved-paio", QRT_SCHED_WARNING);
	lint_on("vcpu_bias=1 vcpu_prio=5 paio_bias=1 paio_prio=6", "0-1", 1, 0);
	lint_expect("above", "starved-paio", -1);
	lint_on("vcpu_bias=1 vcpu_prio=5 paio_bias=0", "0-1", 1, 0);
	lint_expect("elsewhere", "starved-paio", -1);
	lint_on("vcpu_bias=0-1 vcpu_prio=5 main_prio=6", "0-1", 1, 0);
	lint_expect("one CPU is always free", "starved-paio", -1);
}

static void low_workers_need_inheritance(void)
{
	lint_on("main_prio=5 paio_prio=4 pi=off", "0-1", 1, 0);
	lint_expect("pi=off", "inversion", QRT_SCHED_WARNING);
	lint_on("main_prio=5 pi=off", "0-1", 1, 0);
	lint_expect("paio not planned", "inversion", QRT_SCHED_WARNING);
	lint_on("main_prio=5 paio_prio=4 pi=on", "0-1", 1, 0);
	lint_expect("pi=on", "inversion", -1);
	lint_on("main_prio=5 paio_prio=4", "0-1", 1, 0);
	lint_expect("pi is on where not said", "inversion", -1);
	lint_on("main_prio=5 paio_prio=5 pi=off", "0-1", 1, 0);
	lint_expect("equal", "inversion", -1);
}

static void vcpus_on_one_cpu_have_to_take_turns(void)
{
	lint_on("vcpu_bias=1 vcpu_prio=5", "0-3", 2, 0);
	lint_expect("fifo", "vcpus-share-cpu", QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("vcpus-share-cpu")->message, "vcpu 0 and vcpu 1"));
	lint_on("vcpu_bias=1 vcpu_prio=5 vcpu_sched=rr", "0-3", 2, 0);
	lint_expect("rr", "vcpus-share-cpu", -1);
	lint_on("vcpu_bias=1 vcpu_prio=5,6 vcpu_sched=rr", "0-3", 2, 0);
	lint_expect("rr, different", "vcpus-share-cpu", QRT_SCHED_WARNING);
	lint_on("vcpu_bias=1 vcpu_sched=other", "0-3", 2, 0);
	lint_expect("other", "vcpus-share-cpu", -1);
	lint_on("vcpu_bias=1,2,1 vcpu_prio=5", "0-3", 3, 0);
	lint_expect("0 and 2", "vcpus-share-cpu", QRT_SCHED_WARNING);
	lint_on("vcpu_bias=1,2 vcpu_prio=5", "0-3", 2, 0);
	lint_expect("apart", "vcpus-share-cpu", -1);
	lint_on("vcpu_bias=1-2 vcpu_prio=5", "0-3", 2, 0);
	lint_expect("two CPUs for two", "vcpus-share-cpu", -1);
}

static void lint_tcg(const char *options, uint32_t tcg)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(1, 2);

	vm.tcg = tcg;
	lint_with(options, &host, &vm);
}

static void under_tcg_nothing_spins_above_a_vcpu_on_its_cpu(void)
{
	const char *stacked = "vcpu_bias=1 vcpu_prio=5 main_bias=1 main_prio=6";

	lint_tcg(stacked, 1);
	lint_expect("main above", "spinning-above-vcpu", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("spinning-above-vcpu")->message, "CPU 1"));
	lint_tcg(stacked, 0);
	lint_expect("under KVM", "spinning-above-vcpu", -1);
	lint_tcg("vcpu_bias=1 vcpu_sched=other main_bias=1 main_prio=6", 1);
	lint_expect("time-shared vCPU", "spinning-above-vcpu", QRT_SCHED_FAULT);
	lint_tcg("vcpu_bias=1 vcpu_prio=5 ioth_bias=1 ioth_prio=6", 1);
	lint_expect("iothread", "spinning-above-vcpu", QRT_SCHED_FAULT);
	lint_tcg("vcpu_bias=1 vcpu_prio=5 main_bias=0 ioth_bias=0,1 ioth_prio=6", 1);
	lint_expect("the second iothread", "spinning-above-vcpu", QRT_SCHED_FAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(lint_found("spinning-above-vcpu")->message, "ioth 1"));
	lint_tcg("vcpu_bias=1 vcpu_prio=5 main_bias=0-1 main_prio=6", 1);
	lint_expect("another CPU to go to", "spinning-above-vcpu", -1);
	lint_tcg("vcpu_bias=1 vcpu_prio=5 vcpu_sched=rr main_bias=1 main_prio=5 main_sched=rr", 1);
	lint_expect("taking turns", "spinning-above-vcpu", -1);
}

static const struct tap_test tests[] = {
	{"a main loop that vCPUs starve is a fault", a_starved_main_loop_is_a_fault},
	{"such a finding names threads, CPU and remedy", the_finding_names_thread_cpu_and_remedy},
	{"an iothread that vCPUs starve is a fault", a_starved_iothread_is_a_fault},
	{"pool workers that vCPUs starve are a warning", starved_pool_workers_are_a_warning},
	{"pool workers below the main loop need inheritance", low_workers_need_inheritance},
	{"under TCG nothing spins above a vCPU on its CPU", under_tcg_nothing_spins_above_a_vcpu_on_its_cpu},
	{"vCPUs on one CPU have to take turns", vcpus_on_one_cpu_have_to_take_turns},
};

TAP_MAIN("lint_starve", tests)
