/* SPDX-License-Identifier: MIT */
/* What is refused, for no governor could hold it. */
#include "governor.h"
#include "governor_p.h"
#include "plan_request.h"

#include <stdio.h>

#define PRIORITY_MAX 99

static bool is_realtime(const struct qrt_sched_setting *setting)
{
	return setting->set & QRT_SCHED_SET_POLICY &&
	       (setting->policy == QRT_SCHED_POLICY_FIFO || setting->policy == QRT_SCHED_POLICY_RR);
}

static void add(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *more)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cpus->bits); i++)
		cpus->bits[i] |= more->bits[i];
}

/* What the governor is needed for, NULL: nothing. */
static const char *find_need(const struct governor_terms *terms, bool is_guarded)
{
	int role;

	if (terms->vm.runtime_ns)
		return "its budget";
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (terms->roles[role].runtime_ns)
			return "its budgets";
	}
	if (terms->weight)
		return "its weight";
	return is_guarded ? "what can take every CPU, on a kernel that throttles nobody" : NULL;
}

static int32_t find_priority(const struct plan_request *request, int role)
{
	struct qrt_sched_setting setting;
	int32_t highest = 0;
	uint32_t i;

	for (i = 0; i < plan_request_count_threads(request, role); i++) {
		if (qrt_sched_plan_get(request->plan, role, i, &setting) >= 0 && is_realtime(&setting))
			highest = MAX(highest, setting.priority);
	}
	return highest;
}

static void judge_room(struct plan_request *request, int role, const char *need)
{
	int32_t priority = find_priority(request, role), limit = request->host.rtprio_limit;
	const char *name = qrt_sched_role_name(role);
	struct qrt_sched_finding *finding;

	/* A right that is missing for the plan itself is said there. */
	if (priority < MIN(limit, PRIORITY_MAX) || priority > limit)
		return;
	finding = plan_finding_add(request, QRT_SCHED_FAULT, "governor-no-room");
	if (!finding)
		return;
	finding->role = role;
	snprintf(finding->message, sizeof(finding->message),
		 "%s has priority %d, above which there is none%s for the governor, which is to hold %s",
		 name, priority, limit < PRIORITY_MAX ? " that this process may give" : "", need);
	snprintf(finding->remedy, sizeof(finding->remedy), "give %s_prio %d or less%s", name, priority - 1,
		 limit < PRIORITY_MAX ? ", or run as root" : "");
}

/* A budget that is never used up holds nobody. */
static void judge_budget(struct plan_request *request, const struct qrt_sched_budget *budget, uint32_t cpus)
{
	struct qrt_sched_budget guard = governor_plan_guard(cpus);
	struct qrt_sched_finding *finding;
	char text[64], enough[64];

	if (budget->runtime_ns / cpus < budget->window_ns)
		return;
	finding = plan_finding_add(request, QRT_SCHED_FAULT, "budget-takes-host");
	if (!finding || qrt_sched_budget_format(budget, text, sizeof(text)) < 0 ||
	    qrt_sched_budget_format(&guard, enough, sizeof(enough)) < 0)
		return;
	snprintf(finding->message, sizeof(finding->message),
		 "budget=%s is more than the host has, its real-time threads can take all %u CPUs, and the "
		 "kernel throttles nobody: nothing could end a VM that spins",
		 text, cpus);
	snprintf(finding->remedy, sizeof(finding->remedy),
		 "give budget=%s or less, or leave a CPU to the host, or switch throttling on: sysctl -w "
		 "kernel.sched_rt_runtime_us=950000",
		 enough);
}

void governor_judge(struct plan_request *request)
{
	struct qrt_sched_cpus kept, cover, taken;
	struct governor_terms terms;
	bool can_take_host;
	const char *need;
	int role = governor_plan_cover(request->plan, request->vm.vcpus, &request->host.allowed, &cover);

	if (role < 0)
		return;
	governor_plan_read(request->plan, &terms);
	governor_plan_get_kept(&request->host, &kept);
	taken = cover;
	add(&taken, &request->neighbours.taken);
	can_take_host = governor_plan_has_all(&taken, &kept) &&
			governor_plan_is_unheld(&request->host, &kept);
	need = find_need(&terms, can_take_host);
	if (need)
		judge_room(request, role, need);
	if (can_take_host && terms.vm.runtime_ns)
		judge_budget(request, &terms.vm, (uint32_t)qrt_sched_cpus_count(&kept));
}
