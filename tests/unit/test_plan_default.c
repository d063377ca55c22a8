/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the defaults make of options on a host. */
static struct qrt_sched_plan *defaults(const char *options, const char *online, const char *isolated,
				       uint32_t vcpus)
{
	struct qrt_sched_plan *plan = plan_of(options);
	struct qrt_sched_host host = host_of(online);
	struct qrt_sched_vm vm = vm_of(vcpus, 1);

	host.isolated = cpus_of(isolated);
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	return plan;
}

static void expect(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		   const char *said)
{
	if (strcmp(said_of(plan, role, index), said) != 0)
		tap_note("%s %u: '%s', expected '%s'", qrt_sched_role_name(role), index,
			 said_of(plan, role, index), said);
	CU_ASSERT_STRING_EQUAL(said_of(plan, role, index), said);
}

static void vcpus_get_the_last_cpus_each_its_own(void)
{
	struct qrt_sched_plan *plan = defaults("", "0-10", "", 2);
	struct qrt_sched_globals g = {.size = sizeof(g)};

	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "fifo 10 on 9");
	expect(plan, QRT_SCHED_ROLE_VCPU, 1, "fifo 10 on 10");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 0-8");
	expect(plan, QRT_SCHED_ROLE_IOTH, 0, "fifo 12 on 0-8");
	expect(plan, QRT_SCHED_ROLE_PAIO, 0, "fifo 11 on 0-8");
	expect(plan, QRT_SCHED_ROLE_VNCM, 0, "other nice 0 on 0-8");
	expect(plan, QRT_SCHED_ROLE_VNCS, 0, "other nice 0 on 0-8");
	expect(plan, QRT_SCHED_ROLE_OTHR, 0, "fifo 11 on 0-8");
	expect(plan, QRT_SCHED_ROLE_OTHR, 1, "other on 0-8");
	expect(plan, QRT_SCHED_ROLE_KIO, 0, "other nice 0 on 0-8");
	qrt_sched_plan_get_globals(plan, &g);
	CU_ASSERT_TRUE(g.defaulted == 1 && g.pi_mutexes == 1 && g.mlock == QRT_SCHED_MLOCK_OFF);
	qrt_sched_plan_close(plan);
}

static void small_hosts_get_what_is_possible(void)
{
	static const struct {
		const char *online;
		uint32_t vcpus;
		const char *vcpu0, *vcpu1, *main_loop;
	} cases[] = {
		{"0", 1, "fifo 10 on 0", NULL, "fifo 12 on 0"},
		{"0", 2, "rr 10 on 0", "rr 10 on 0", "fifo 12 on 0"},
		{"5", 1, "fifo 10 on 5", NULL, "fifo 12 on 5"},
		{"0-1", 1, "fifo 10 on 1", NULL, "fifo 12 on 0"},
		{"0-1", 2, "rr 10 on 1", "rr 10 on 1", "fifo 12 on 0"},
		{"0-3", 3, "fifo 10 on 1", "fifo 10 on 2", "fifo 12 on 0"},
		{"0-3", 4, "rr 10 on 1-3", "rr 10 on 1-3", "fifo 12 on 0"},
		{"0-3", 0, "rr 10 on 1-3", "rr 10 on 1-3", "fifo 12 on 0"},
		{"0,2,4", 2, "fifo 10 on 2", "fifo 10 on 4", "fifo 12 on 0"},
		{"0-3", 4000000000u, "rr 10 on 1-3", "rr 10 on 1-3", "fifo 12 on 0"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = defaults("", cases[i].online, "", cases[i].vcpus);

		expect(plan, QRT_SCHED_ROLE_VCPU, 0, cases[i].vcpu0);
		if (cases[i].vcpu1)
			expect(plan, QRT_SCHED_ROLE_VCPU, 1, cases[i].vcpu1);
		expect(plan, QRT_SCHED_ROLE_MAIN, 0, cases[i].main_loop);
		qrt_sched_plan_close(plan);
	}
}

static void isolated_cpus_are_for_vcpus_alone(void)
{
	struct qrt_sched_plan *plan = defaults("", "0-7", "1-3", 2);

	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "fifo 10 on 2");
	expect(plan, QRT_SCHED_ROLE_VCPU, 1, "fifo 10 on 3");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 0,4-7");
	qrt_sched_plan_close(plan);
	plan = defaults("", "0-3", "0-3", 1);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "fifo 10 on 3");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 0-2");
	qrt_sched_plan_close(plan);
	plan = defaults("", "0-3", "2-3", 3);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "fifo 10 on 1");
	expect(plan, QRT_SCHED_ROLE_VCPU, 2, "fifo 10 on 3");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 0");
	qrt_sched_plan_close(plan);
}

static void cpus_that_are_not_allowed_are_left_alone(void)
{
	struct qrt_sched_host host = host_of("0-7");
	struct qrt_sched_vm vm = vm_of(1, 0);
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_error error = {0};

	host.allowed = cpus_of("2-3,9");
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, &error), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "fifo 10 on 3");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 2");
	qrt_sched_plan_close(plan);
	plan = plan_of("vcpu_prio=3");
	host.allowed = cpus_of("9");
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "cpuset"));
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=3\n");
	qrt_sched_plan_close(plan);
}

static void what_was_said_stays(void)
{
	static const struct {
		const char *options;
		enum qrt_sched_role role;
		const char *said;
	} cases[] = {
		{"vcpu_sched=other", QRT_SCHED_ROLE_VCPU, "other nice 0 on 1"},
		{"vcpu_prio=0", QRT_SCHED_ROLE_VCPU, "other nice 0 on 1"},
		{"vcpu_prio=40", QRT_SCHED_ROLE_VCPU, "fifo 40 on 1"},
		{"vcpu_prio=40", QRT_SCHED_ROLE_MAIN, "fifo 42 on 0"},
		{"vcpu_prio=40", QRT_SCHED_ROLE_PAIO, "fifo 41 on 0"},
		{"vcpu_prio=98", QRT_SCHED_ROLE_MAIN, "fifo 99 on 0"},
		{"vcpu_sched=rr", QRT_SCHED_ROLE_VCPU, "rr 10 on 1"},
		{"vcpu_bias=0", QRT_SCHED_ROLE_VCPU, "fifo 10 on 0"},
		{"main_bias=0-1", QRT_SCHED_ROLE_MAIN, "fifo 12 on 0-1"},
		{"main_nice=5", QRT_SCHED_ROLE_MAIN, "fifo 12 on 0"},
		{"vncs_sched=batch", QRT_SCHED_ROLE_VNCS, "batch on 0"},
		{"vncs_sched=fifo", QRT_SCHED_ROLE_VNCS, "fifo 1 on 0"},
		{"vncs_nice=5", QRT_SCHED_ROLE_VNCS, "other nice 5 slice 72ms on 0"},
		{"maxprio=50", QRT_SCHED_ROLE_VNCS, "fifo 49 on 0"},
		{"maxprio=50", QRT_SCHED_ROLE_VCPU, "fifo 49 on 1"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = defaults(cases[i].options, "0-1", "", 1);

		expect(plan, cases[i].role, 0, cases[i].said);
		qrt_sched_plan_close(plan);
	}
}

static void globals_that_were_said_stay(void)
{
	struct qrt_sched_plan *plan = defaults("mlock=all pi=off", "0-1", "", 1);
	struct qrt_sched_globals g = {.size = sizeof(g)};

	qrt_sched_plan_get_globals(plan, &g);
	CU_ASSERT_TRUE(g.mlock == QRT_SCHED_MLOCK_ALL && g.pi_mutexes == 0);
	qrt_sched_plan_close(plan);
}

/* The launcher hands a default plan to the preload library as text. */
static void default_plans_pass_lint_and_come_back(void)
{
	uint32_t cpus, vcpus;

	for (cpus = 1; cpus <= 6; cpus++) {
		for (vcpus = 1; vcpus <= 7; vcpus++) {
			struct qrt_sched_plan *plan, *again = plan_of("");
			struct qrt_sched_finding findings[8];
			struct qrt_sched_vm vm = vm_of(vcpus, 2);
			struct qrt_sched_host host;
			char online[16];
			int i, n;

			snprintf(online, sizeof(online), cpus > 1 ? "0-%u" : "%u", cpus - 1);
			host = host_of(online);
			plan = defaults("", online, "", vcpus);
			CU_ASSERT_EQUAL(qrt_sched_plan_supported(plan, NULL), 0);
			n = qrt_sched_plan_lint(plan, &host, &vm, findings, 8);
			for (i = 0; i < n && i < 8; i++) {
				CU_ASSERT_TRUE(findings[i].severity == QRT_SCHED_NOTE);
				if (findings[i].severity != QRT_SCHED_NOTE)
					tap_note("%u/%u: %s", cpus, vcpus, findings[i].message);
			}
			CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(again, plan_text(plan),
								  strlen(plan_text(plan)), NULL),
					0);
			CU_ASSERT_TRUE(plans_equal(plan, again));
			qrt_sched_plan_close(plan);
			qrt_sched_plan_close(again);
		}
	}
}

static void on_one_cpu_translated_guests_take_turns(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_host host = host_of("0");
	struct qrt_sched_vm vm = vm_of(1, 1);

	vm.tcg = 1;
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "rr 10 on 0");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "rr 10 on 0");
	expect(plan, QRT_SCHED_ROLE_IOTH, 0, "rr 10 on 0");
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, NULL, 0) >= 0, 1);
	qrt_sched_plan_close(plan);
}

/* On one CPU of several the kernel would refuse it; what it falls back to stays below the main loop. */
static void who_is_under_deadline_may_run_everywhere(void)
{
	static const char deadline[] = "vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000 ";
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(2, 0);
	struct qrt_sched_plan *plan = plan_of(deadline);

	host.rt_runtime_us = 950000;
	host.isolated = cpus_of("3");
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 1, "deadline 2ms/10ms/10ms on 0-2");
	CU_ASSERT_PTR_NOT_NULL(strstr(plan_text(plan), "vcpu_prio=10\n"));
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 12 on 0-1");
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, NULL, 0), 0);
	qrt_sched_plan_close(plan);

	plan = plan_of("vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000 vcpu_prio=30 vcpu_bias=1");
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "deadline 2ms/10ms/10ms on 1");
	expect(plan, QRT_SCHED_ROLE_MAIN, 0, "fifo 32 on 0-1");
	qrt_sched_plan_close(plan);

	plan = plan_of("shield=on vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000");
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 0, "deadline 2ms/10ms/10ms on 2-3");
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, &vm, NULL, 0), 0);
	qrt_sched_plan_close(plan);

	host.rt_runtime_us = -1;
	plan = plan_of(deadline);
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), 0);
	expect(plan, QRT_SCHED_ROLE_VCPU, 1, "deadline 2ms/10ms/10ms on 3");
	qrt_sched_plan_close(plan);
}

static void unusable_descriptions_are_refused(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_host host = host_of("0-1");
	struct qrt_sched_vm vm = vm_of(1, 0);
	struct qrt_sched_error error = {0};

	host.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	host.size = sizeof(host);
	vm.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_plan_set_defaults(plan, &host, &vm, NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "");
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"vCPUs get the last CPUs, each its own, all else the rest", vcpus_get_the_last_cpus_each_its_own},
	{"hosts with few CPUs get what is possible", small_hosts_get_what_is_possible},
	{"isolated CPUs are for vCPUs alone", isolated_cpus_are_for_vcpus_alone},
	{"CPUs that are not allowed are left alone", cpus_that_are_not_allowed_are_left_alone},
	{"on one CPU the threads of a translated guest take turns", on_one_cpu_translated_guests_take_turns},
	{"what the plan says already stays, and the rest fits it", what_was_said_stays},
	{"mlock and pi that were said stay", globals_that_were_said_stay},
	{"default plans pass lint and survive format and parse", default_plans_pass_lint_and_come_back},
	{"who is under deadline may run everywhere", who_is_under_deadline_may_run_everywhere},
	{"descriptions without a size are refused", unusable_descriptions_are_refused},
};

TAP_MAIN("plan_default", tests)
