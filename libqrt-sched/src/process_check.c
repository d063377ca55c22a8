/* SPDX-License-Identifier: MIT */
/* A plan against the host, where there is no supervisor that has done that; and against the one of before. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cpuset_p.h"
#include "error_p.h"
#include "plan_p.h"
#include "process_p.h"

#define FINDINGS 16

/* What the kernel does by default is the same at every start: qrt-launcher check says it. And each other trap
 * is said once: a change of the plan has those that it had before. */
static int is_known(struct qrt_sched_process *process, const struct qrt_sched_finding *finding)
{
	uint64_t hash = 0xcbf29ce484222325u;
	const char *at;
	size_t i;

	if (!strcmp(finding->code, "rt-throttling") || !strcmp(finding->code, "fair-server"))
		return 1;
	for (at = finding->message; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
	for (i = 0; i < sizeof(process->warned) / sizeof(process->warned[0]); i++) {
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&process->warned[i], &none, hash))
			return 0;
		if (none == hash)
			return 1;
	}
	return 0;
}

static int judge(struct qrt_sched_process *process, const struct qrt_sched_finding *finding,
		 struct qrt_sched_error *reterr)
{
	/* Of threads that have their roles by now: the kernel says whether each may change, and most need no
	 * right to have less. */
	if (process->is_started && !strcmp(finding->code, "no-privilege"))
		return 0;
	if (finding->severity == QRT_SCHED_FAULT)
		return qrt_sched_p_error(reterr, -EINVAL, "%s; %s", finding->message, finding->remedy);
	if (finding->severity == QRT_SCHED_WARNING && !is_known(process, finding))
		qrt_sched_p_process_say(process, "%s; %s", finding->message, finding->remedy);
	return 0;
}

/* The process's, whichever of its threads asks: that may be one that is placed. */
static void take_own_cpus(const struct qrt_sched_process *process, struct qrt_sched_host *host)
{
	if (!(process->origin.set & QRT_SCHED_SET_CPUS))
		return;
	host->allowed = process->origin.cpus;
	qrt_sched_p_cpuset_widen(&host->allowed, &host->isolated);
}

/* Nobody holds it to its budgets: what they would prevent can happen. */
static void leave_out_budgets(struct qrt_sched_plan *plan)
{
	int role;

	plan->said[QRT_SCHED_P_GLOBAL_BUDGET].is_said = 0;
	for (role = 0; role < QRT_SCHED_ROLES; role++)
		plan->lists[role][QRT_SCHED_P_KEY_BUDGET].count = 0;
}

/* How many findings there are. -ENOMEM */
static int lint(const struct qrt_sched_process *process, const struct qrt_sched_plan *plan,
		const struct qrt_sched_host *host, struct qrt_sched_finding *ret_findings)
{
	const struct qrt_sched_vm vm = {
		.size = sizeof(vm), .vcpus = process->vcpus, .iothreads = QRT_SCHED_VM_UNKNOWN};
	struct qrt_sched_plan *own;
	int count, rc = qrt_sched_plan_copy(plan, &own);

	if (rc < 0)
		return rc;
	leave_out_budgets(own);
	count = qrt_sched_plan_lint(own, host, &vm, ret_findings, FINDINGS);
	qrt_sched_plan_close(own);
	return count;
}

int qrt_sched_p_process_check(struct qrt_sched_process *process, const struct qrt_sched_plan *plan,
			      struct qrt_sched_error *reterr)
{
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_finding findings[FINDINGS];
	int i, count, rc;

	if (process->is_supervised || !(process->flags & QRT_SCHED_PROCESS_CHECK))
		return 0;
	rc = qrt_sched_plan_supported(plan, reterr);
	if (rc >= 0)
		rc = qrt_sched_host_read(&host, reterr);
	if (rc < 0)
		return rc;
	take_own_cpus(process, &host);
	count = lint(process, plan, &host, findings);
	if (count < 0)
		return qrt_sched_p_error(reterr, count, "out of memory");
	for (i = 0; i < count && i < FINDINGS && rc >= 0; i++)
		rc = judge(process, &findings[i], reterr);
	return rc;
}

/* What is said of the whole VM, and the bit that tells that it is said where 0 is a value like others. Where
 * a plan comes from (maxprio, defaulted) is no matter: what that did is in its roles. */
#define GLOBAL(member)                                                                                       \
	offsetof(struct qrt_sched_globals, member), sizeof(((struct qrt_sched_globals *)0)->member)

static const struct {
	const char *name;
	size_t offset, size;
	uint32_t said;
} globals[] = {
	{"mlock", GLOBAL(mlock), 0},
	{"pi", GLOBAL(pi_mutexes), 0},
	{"pvsched", GLOBAL(pvsched), 0},
	{"advance", GLOBAL(advance_us), 0},
	{"pool", GLOBAL(pool_min), 0},
	{"weight", GLOBAL(weight), 0},
	{"preemptlock", GLOBAL(preempt_lock_us), 0},
	{"cstate", GLOBAL(cstate_us), QRT_SCHED_GLOBAL_CSTATE},
	{"haltpoll", GLOBAL(haltpoll_ns), QRT_SCHED_GLOBAL_HALTPOLL},
	{"timerprio", GLOBAL(timer_priority), 0},
	{"hugepages", GLOBAL(hugepages), 0},
	{"shield", GLOBAL(shield), 0},
	{"shield", GLOBAL(shield_parts), 0},
	{"numa", GLOBAL(numa_nodes), 0},
	{"boot", GLOBAL(boot), 0},
	{"boottime", GLOBAL(boottime_s), QRT_SCHED_GLOBAL_BOOTTIME},
	{"heartbeat", GLOBAL(heartbeat_ms), QRT_SCHED_GLOBAL_HEARTBEAT},
};

void qrt_sched_p_process_note_globals(struct qrt_sched_process *process, const struct qrt_sched_plan *plan)
{
	const char *resctrl = qrt_sched_plan_get_resctrl(plan);

	process->globals.size = sizeof(process->globals);
	qrt_sched_plan_get_globals(plan, &process->globals);
	if (resctrl)
		snprintf(process->resctrl, sizeof(process->resctrl), "%s", resctrl);
	if (qrt_sched_plan_get_boot(plan))
		snprintf(process->boot_plan, sizeof(process->boot_plan), "%s", qrt_sched_plan_get_boot(plan));
}

static const char *find_other(const struct qrt_sched_globals *a, const struct qrt_sched_globals *b)
{
	size_t i;

	for (i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
		if ((a->set ^ b->set) & globals[i].said ||
		    memcmp((const char *)a + globals[i].offset, (const char *)b + globals[i].offset,
			   globals[i].size) != 0)
			return globals[i].name;
	}
	return NULL;
}

const char *qrt_sched_p_process_find_other(const struct qrt_sched_process *process,
					   const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals other = {.size = sizeof(other)};
	const char *resctrl = qrt_sched_plan_get_resctrl(plan), *boot = qrt_sched_plan_get_boot(plan);

	qrt_sched_plan_get_globals(plan, &other);
	if (strcmp(resctrl ? resctrl : "", process->resctrl))
		return "resctrl";
	if (strcmp(boot ? boot : "", process->boot_plan))
		return "boot";
	return find_other(&other, &process->globals);
}
