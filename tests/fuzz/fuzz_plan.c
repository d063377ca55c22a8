/* SPDX-License-Identifier: MIT */
/* A plan file: bad ones change nothing, good ones survive format and parse, and whatever they say,
 * lint, defaults and the rest stay within their bounds. */
#include "fuzz.h"

#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

static struct qrt_sched_plan *new_plan(void)
{
	struct qrt_sched_plan *plan = NULL;

	PROMISE(qrt_sched_plan_new(&plan) == 0);
	return plan;
}

static char *text_of(const struct qrt_sched_plan *plan)
{
	int length = qrt_sched_plan_format(plan, NULL, 0);
	char *text = malloc((size_t)length + 1);

	PROMISE(length >= 0 && text);
	PROMISE(qrt_sched_plan_format(plan, text, (size_t)length + 1) == length);
	PROMISE(strlen(text) == (size_t)length);
	return text;
}

static void check_round_trip(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *again = new_plan();
	char *text = text_of(plan), *same;

	PROMISE(qrt_sched_plan_parse_text(again, text, strlen(text), NULL) == 0);
	same = text_of(again);
	PROMISE(strcmp(text, same) == 0);
	free(text);
	free(same);
	qrt_sched_plan_close(again);
}

static struct qrt_sched_host host(void)
{
	struct qrt_sched_host h = {.size = sizeof(h), .rt_runtime_us = 950000, .rt_period_us = 1000000};

	PROMISE(qrt_sched_cpus_parse("0-3,8", &h.online) == 0);
	PROMISE(qrt_sched_cpus_parse("1-9", &h.allowed) == 0);
	PROMISE(qrt_sched_cpus_parse("0-8", &h.fair_server) == 0);
	h.flags = QRT_SCHED_HOST_FAIR_SERVER | QRT_SCHED_HOST_RT_GROUPS;
	h.fair_runtime_us = 50000;
	h.fair_period_us = 1000000;
	h.memlock_limit = 8 << 20;
	h.flags |= QRT_SCHED_HOST_MEMORY;
	h.nodes.bits[0] = 1;
	h.free_2m = 7;
	return h;
}

static void check_budget(const struct qrt_sched_plan *plan, int role)
{
	struct qrt_sched_budget budget;
	int r = qrt_sched_plan_get_budget(plan, role, &budget);

	PROMISE(r == 0 || r == -ENOENT);
	PROMISE(r < 0 || (budget.runtime_ns >= 1000 && budget.window_ns >= 1000000));
}

static void check_globals(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	const char *schemata = qrt_sched_plan_get_resctrl(plan);

	PROMISE(qrt_sched_plan_get_globals(plan, &globals) == 0);
	PROMISE(globals.weight <= QRT_SCHED_WEIGHT_MAX && globals.preempt_lock_us <= QRT_SCHED_LOCK_MAX_US);
	PROMISE(globals.cstate_us <= QRT_SCHED_CSTATE_MAX && globals.haltpoll_ns <= QRT_SCHED_HALTPOLL_MAX);
	PROMISE(globals.boot <= QRT_SCHED_BOOT_PLAN &&
		(globals.boot == QRT_SCHED_BOOT_PLAN) == (qrt_sched_plan_get_boot(plan) != NULL) &&
		globals.boottime_s <= QRT_SCHED_BOOTTIME_MAX &&
		globals.heartbeat_ms <= QRT_SCHED_HEARTBEAT_MAX);
	PROMISE(globals.timer_priority >= 0 && globals.timer_priority <= 99);
	PROMISE(globals.hugepages <= QRT_SCHED_HUGEPAGES_1G && !globals.shield == !globals.shield_parts);
	PROMISE(!schemata || (strchr(schemata, ':') && strlen(schemata) < 256));
}

static void check_uses(struct qrt_sched_plan *plan)
{
	struct qrt_sched_vm vm = {.size = sizeof(vm), .vcpus = 3, .iothreads = 1, .paio_max = 4};
	struct qrt_sched_finding findings[4];
	struct qrt_sched_host h = host();
	struct qrt_sched_setting s;
	int32_t index;
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		PROMISE(qrt_sched_plan_get(plan, (enum qrt_sched_role)role, 7, &s) == 0);
		PROMISE(qrt_sched_plan_get_quantum(plan, (enum qrt_sched_role)role, 7) >= 0);
	}
	for (role = -1; role < QRT_SCHED_ROLES; role++)
		check_budget(plan, role);
	check_globals(plan);
	PROMISE(qrt_sched_plan_classify(plan, "CPU 1/KVM", &index) >= 0);
	PROMISE(qrt_sched_plan_lint(plan, &h, &vm, findings, 4) >= 0);
	PROMISE(qrt_sched_plan_lint(plan, NULL, NULL, findings, 4) >= 0);
	qrt_sched_plan_supported(plan, NULL);
	if (qrt_sched_plan_set_defaults(plan, &h, &vm, NULL) == 0)
		check_round_trip(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_sched_plan *plan = new_plan();
	struct qrt_sched_error error = {0};
	char *before, *after;
	int r;

	PROMISE(qrt_sched_plan_parse_option(plan, "paio_prio=9", NULL) == 0);
	before = text_of(plan);
	r = qrt_sched_plan_parse_text(plan, (const char *)data, size, &error);
	after = text_of(plan);
	PROMISE(error.code == (r < 0 ? r : 0));
	PROMISE((r < 0) == (error.message[0] != 0));
	PROMISE(r >= 0 || strcmp(before, after) == 0);
	if (r >= 0) {
		check_round_trip(plan);
		check_uses(plan);
	}
	free(before);
	free(after);
	qrt_sched_plan_close(plan);
	return 0;
}
