/* SPDX-License-Identifier: MIT */
#include "boot_plan.h"

#include "command.h"
#include "locks.h"

#define FINDINGS 32

static int read_it(struct qrt_sched_plan *plan, const char *path)
{
	struct qrt_sched_error error;

	if (qrt_sched_plan_parse_file(plan, path, &error) >= 0 && qrt_sched_plan_supported(plan, &error) >= 0)
		return EXIT_OK;
	if (error.line)
		complain("boot=%s: line %u: %s", path, error.line, error.message);
	else
		complain("boot=%s: %s", path, error.message);
	return EXIT_LAUNCHER;
}

/* The supervisor stands above the plan, and a preempt lock does. */
static int check_priority(const struct plan_request *request, const struct qrt_sched_plan *plan,
			  const char *path)
{
	int most = locks_find_highest(request->plan), highest = locks_find_highest(plan);

	if (highest <= most)
		return EXIT_OK;
	complain("boot=%s: priority %d is more than any in the plan of the VM that is ready (%d): give less",
		 path, highest, most);
	return EXIT_LAUNCHER;
}

static int check_policies(const struct qrt_sched_plan *plan, const char *path)
{
	struct qrt_sched_setting setting;
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		setting = (struct qrt_sched_setting){.set = 0};
		qrt_sched_plan_get(plan, (enum qrt_sched_role)role, 0, &setting);
		if (!(setting.set & QRT_SCHED_SET_POLICY) || setting.policy != QRT_SCHED_POLICY_DEADLINE)
			continue;
		complain("boot=%s: %s_sched=deadline is for a guest that is ready: give rr, fifo or other",
			 path, qrt_sched_role_name((enum qrt_sched_role)role));
		return EXIT_LAUNCHER;
	}
	return EXIT_OK;
}

/* When it is taken, and for how long, the plan of the VM says. */
static int check_life(const struct qrt_sched_plan *plan, const char *path)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	qrt_sched_plan_get_globals(plan, &globals);
	if (!globals.boot && !(globals.set & (QRT_SCHED_GLOBAL_BOOTTIME | QRT_SCHED_GLOBAL_HEARTBEAT)))
		return EXIT_OK;
	complain("boot=%s: boot, boottime and heartbeat are for the plan that names this one: leave them out "
		 "here",
		 path);
	return EXIT_LAUNCHER;
}

static int lint(const struct plan_request *request, const struct qrt_sched_plan *plan, const char *path)
{
	struct qrt_sched_finding findings[FINDINGS];
	int count = qrt_sched_plan_lint(plan, &request->host, &request->vm, findings, FINDINGS), i;

	for (i = 0; i < count && i < FINDINGS; i++) {
		if (findings[i].severity != QRT_SCHED_FAULT)
			continue;
		complain("boot=%s: %s; %s", path, findings[i].message, findings[i].remedy);
		return EXIT_LAUNCHER;
	}
	return EXIT_OK;
}

int boot_plan_open(const struct plan_request *request, struct qrt_sched_plan **ret_plan)
{
	const char *path = qrt_sched_plan_get_boot(request->plan);
	struct qrt_sched_plan *plan = NULL;
	int r = EXIT_OK;

	if (path && qrt_sched_plan_new(&plan) < 0) {
		complain("boot=%s: out of memory", path);
		return EXIT_LAUNCHER;
	}
	if (path)
		r = read_it(plan, path);
	if (path && r == EXIT_OK)
		r = check_life(plan, path);
	if (path && r == EXIT_OK)
		r = check_priority(request, plan, path);
	if (path && r == EXIT_OK)
		r = check_policies(plan, path);
	if (path && r == EXIT_OK)
		r = lint(request, plan, path);
	if (r == EXIT_OK)
		*ret_plan = plan;
	else
		qrt_sched_plan_close(plan);
	return r;
}
