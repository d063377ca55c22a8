/* SPDX-License-Identifier: MIT */
/* What a plan says of the host around the VM. */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct qrt_sched_globals globals_of(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals g = {.size = sizeof(g)};

	qrt_sched_plan_get_globals(plan, &g);
	return g;
}

static const struct {
	const char *option;
	int code;
	const char *word;
} bad[] = {
	{"budget=30", -EINVAL, "30%/100ms"},
	{"budget=30%/0ms", -ERANGE, "1ms..10s"},
	{"weight=0", -ERANGE, "1..10000"},
	{"weight=10001", -ERANGE, "1..10000"},
	{"preemptlock=on", -EINVAL, "off, or 1..100000"},
	{"preemptlock=0", -ERANGE, "off, or 1..100000"},
	{"preemptlock=100001", -ERANGE, "off, or 1..100000"},
	{"cstate=1000001", -ERANGE, "0..1000000"},
	{"cstate=-1", -ERANGE, "0..1000000"},
	{"haltpoll=10000001", -ERANGE, "0..10000000"},
	{"timerprio=100", -ERANGE, "1..99"},
	{"resctrl=L3", -EINVAL, "L3:0=f"},
	{"resctrl=L3:", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0=", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0=f;", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0=f;1", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0=g", -EINVAL, "L3:0=f"},
	{"resctrl=l3:0=f", -EINVAL, "L3:0=f"},
	{"resctrl=L3:0=f L2:0=f", -EINVAL, "unknown option 'L2:0'"},
	{"hugepages=2m", -EINVAL, "off, thp, 2M or 1G"},
	{"hugepages=on", -EINVAL, "off, thp, 2M or 1G"},
	{"numa=", -EINVAL, "empty"},
	{"numa=all", -EINVAL, "nodes"},
	{"numa=0,", -EINVAL, "nodes"},
	{"numa=1024", -ERANGE, "nodes"},
	{"shield=yes", -EINVAL, "irqs, workqueues, kthreads, rps"},
	{"shield=irqs+", -EINVAL, "irqs, workqueues, kthreads, rps"},
	{"shield=irqs+on", -EINVAL, "irqs, workqueues, kthreads, rps"},
	{"boot=fifo", -EINVAL, "other, keep, or the path"},
	{"boottime=86401", -ERANGE, "0..86400"},
	{"boottime=10s", -EINVAL, "0..86400"},
	{"heartbeat=3600001", -ERANGE, "0..3600000"},
	{"heartbeat=-1", -ERANGE, "0..3600000"},
};

static void bad_values_are_refused_with_one_clear_line(void)
{
	struct qrt_sched_plan *plan = plan_of("weight=7 shield=irqs numa=0 resctrl=L3:0=f");
	char *before = strdup(plan_text(plan));
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = plan_add(plan, bad[i].option);

		if (r != bad[i].code || !strstr(last_error()->message, bad[i].word))
			tap_note("'%s': %d '%s'", bad[i].option, r, last_error()->message);
		CU_ASSERT_EQUAL(r, bad[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, bad[i].word));
	}
	CU_ASSERT_STRING_EQUAL(plan_text(plan), before);
	free(before);
	qrt_sched_plan_close(plan);
}

static void long_schemata_are_refused(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char option[300] = "resctrl=L3:0=";

	while (strlen(option) < strlen("resctrl=") + 255)
		strcat(option, "f");
	CU_ASSERT_EQUAL(plan_add(plan, option), 0);
	CU_ASSERT_STRING_EQUAL(qrt_sched_plan_get_resctrl(plan), option + strlen("resctrl="));
	strcat(option, "f");
	CU_ASSERT_EQUAL(plan_add(plan, option), -ERANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, "255"));
	qrt_sched_plan_close(plan);
}

/* What is said, how it is written back, and what the getters make of it. */
static void the_host_around_is_said(void)
{
	static const struct {
		const char *option, *canonical;
	} cases[] = {
		{"budget=30%/100ms", "budget=30%/100ms\n"},
		{"weight=10000", "weight=10000\n"},
		{"preemptlock=off", "preemptlock=off\n"},
		{"preemptlock=100000", "preemptlock=100000\n"},
		{"cstate=0", "cstate=0\n"},
		{"haltpoll=10000000", "haltpoll=10000000\n"},
		{"timerprio=99", "timerprio=99\n"},
		{"timerprio=0", "timerprio=0\n"},
		{"resctrl=L3:0=f;1=0aF", "resctrl=L3:0=f;1=0aF\n"},
		{"resctrl = MB:0=50", "resctrl=MB:0=50\n"},
		{"resctrl=L3CODE:0=fffff", "resctrl=L3CODE:0=fffff\n"},
		{"hugepages=off", "hugepages=off\n"},
		{"hugepages=thp", "hugepages=thp\n"},
		{"hugepages=2M", "hugepages=2M\n"},
		{"hugepages=1G", "hugepages=1G\n"},
		{"numa=0", "numa=0\n"},
		{"numa=0-1,3", "numa=0-1,3\n"},
		{"numa=3+0+1", "numa=0-1,3\n"},
		{"shield=off", "shield=off\n"},
		{"shield=on", "shield=on\n"},
		{"shield=rps + irqs", "shield=irqs+rps\n"},
		{"shield=kthreads", "shield=kthreads\n"},
		{"shield=irqs+workqueues+kthreads+rps", "shield=on\n"},
		{"boot=other", "boot=other\n"},
		{"boot=keep", "boot=keep\n"},
		{"boot=./slow.plan", "boot=./slow.plan\n"},
		{"boottime=0", "boottime=0\n"},
		{"heartbeat=3600000", "heartbeat=3600000\n"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of("");

		CU_ASSERT_EQUAL(plan_add(plan, cases[i].option), 0);
		CU_ASSERT_STRING_EQUAL(plan_text(plan), cases[i].canonical);
		qrt_sched_plan_close(plan);
	}
}

static void globals_tell_it(void)
{
	struct qrt_sched_plan *plan = plan_of("weight=70 preemptlock=500 cstate=0 timerprio=60 hugepages=1G "
					      "numa=1 shield=irqs+rps");
	struct qrt_sched_globals g = globals_of(plan);

	CU_ASSERT_EQUAL(g.set, QRT_SCHED_GLOBAL_CSTATE);
	CU_ASSERT_TRUE(g.weight == 70 && g.preempt_lock_us == 500 && g.cstate_us == 0 &&
		       g.timer_priority == 60);
	CU_ASSERT_TRUE(g.hugepages == QRT_SCHED_HUGEPAGES_1G && g.shield == 1);
	CU_ASSERT_EQUAL(g.shield_parts, QRT_SCHED_GLOBAL_SHIELD_IRQS | QRT_SCHED_GLOBAL_SHIELD_RPS);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&g.numa_nodes), 1);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&g.numa_nodes, 1), 1);
	CU_ASSERT_EQUAL(plan_add(plan, "preemptlock=off"), 0);
	CU_ASSERT_EQUAL(plan_add(plan, "shield=off"), 0);
	CU_ASSERT_EQUAL(plan_add(plan, "haltpoll=7"), 0);
	g = globals_of(plan);
	CU_ASSERT_EQUAL(g.set, QRT_SCHED_GLOBAL_CSTATE | QRT_SCHED_GLOBAL_HALTPOLL);
	CU_ASSERT_TRUE(g.preempt_lock_us == 0 && g.shield == 0 && g.shield_parts == 0 && g.haltpoll_ns == 7);
	qrt_sched_plan_close(plan);
}

static void globals_tell_of_the_guests_life(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_globals g = globals_of(plan);

	CU_ASSERT_TRUE(g.boot == QRT_SCHED_BOOT_OTHER && g.set == 0);
	CU_ASSERT_EQUAL(plan_add(plan, "boot=keep boottime=0 heartbeat=250"), 0);
	g = globals_of(plan);
	CU_ASSERT_EQUAL(g.set, QRT_SCHED_GLOBAL_BOOTTIME | QRT_SCHED_GLOBAL_HEARTBEAT);
	CU_ASSERT_TRUE(g.boot == QRT_SCHED_BOOT_KEEP && g.boottime_s == 0 && g.heartbeat_ms == 250);
	CU_ASSERT_PTR_NULL(qrt_sched_plan_get_boot(plan));
	CU_ASSERT_EQUAL(plan_add(plan, "boot=/etc/qrt/slow.plan"), 0);
	CU_ASSERT_STRING_EQUAL(qrt_sched_plan_get_boot(plan), "/etc/qrt/slow.plan");
	CU_ASSERT_EQUAL(globals_of(plan).boot, QRT_SCHED_BOOT_PLAN);
	CU_ASSERT_EQUAL(plan_add(plan, "boot=other"), 0);
	CU_ASSERT_PTR_NULL(qrt_sched_plan_get_boot(plan));
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"the host around is said in all its forms", the_host_around_is_said},
	{"globals tell what was said of it", globals_tell_it},
	{"globals tell what was said of the guest's life", globals_tell_of_the_guests_life},
	{"a bad value is one clear line, and changes nothing", bad_values_are_refused_with_one_clear_line},
	{"schemata that are too long are refused", long_schemata_are_refused},
};

TAP_MAIN("plan_around", tests)
