/* SPDX-License-Identifier: MIT */
/* What lint cannot know: other VMs, how QEMU is started, and what the options took the place of. */
#include "governor.h"
#include "plan_request.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static void advise_place(const struct plan_request *request, struct qrt_sched_finding *finding)
{
	struct qrt_sched_cpus left = neighbours_leave(&request->neighbours, &request->host.allowed);
	char cpus[64];

	if (qrt_sched_cpus_count(&left) > 0 && qrt_sched_cpus_format(&left, cpus, sizeof(cpus)) >= 0 &&
	    request->said & 1u << QRT_SCHED_ROLE_VCPU)
		snprintf(finding->remedy, sizeof(finding->remedy), "give vcpu_bias CPUs out of %s", cpus);
	else
		snprintf(finding->remedy, sizeof(finding->remedy),
			 "end the other VM, or start one of them with fewer vCPUs, or without real time: "
			 "-rt maxprio=2,policy=ts");
}

/* The default plan leaves others alone as long as it can; whoever gives CPUs himself may mean to share. */
static void judge_neighbours(struct plan_request *request)
{
	bool is_default = !(request->said & 1u << QRT_SCHED_ROLE_VCPU);
	struct qrt_sched_finding *finding;
	struct qrt_sched_cpus shared;
	struct state_place own;
	char names[160], cpus[32];

	plan_request_get_place(request, &own);
	shared = neighbours_share(&request->neighbours, &own, is_default, names, sizeof(names));
	if (qrt_sched_cpus_count(&shared) == 0)
		return;
	finding = plan_finding_add(request, QRT_SCHED_WARNING, "shared-with-vm");
	if (!finding)
		return;
	if (qrt_sched_cpus_format(&shared, cpus, sizeof(cpus)) < 0)
		snprintf(cpus, sizeof(cpus), "%d and others", qrt_sched_cpus_next(&shared, -1));
	finding->role = QRT_SCHED_ROLE_VCPU;
	snprintf(finding->message, sizeof(finding->message),
		 "%son CPU %s real-time vCPUs of VM %.100s run, too: one that does not sleep keeps the other "
		 "away",
		 is_default ? "no CPU is left: " : "", cpus, names);
	advise_place(request, finding);
}

static void judge_lock(struct plan_request *request)
{
	struct qrt_sched_finding *finding = plan_finding_find(request, "no-lock-privilege");
	struct rlimit limit = {0};

	if (!finding)
		return;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(finding->message, sizeof(finding->message),
		 "mlock: QEMU%s%s may not lock its memory: it will have no CAP_IPC_LOCK, and its "
		 "RLIMIT_MEMLOCK stays at %llu KiB, which only CAP_SYS_RESOURCE of the launcher can lift",
		 request->user.set ? " as user " : "", request->user.set ? request->user.name : "",
		 (unsigned long long)limit.rlim_cur / 1024);
	snprintf(finding->remedy, sizeof(finding->remedy),
		 "'memlock unlimited' in /etc/security/limits.conf (systemd: LimitMEMLOCK=infinity; "
		 "container: --ulimit memlock=-1), or mlock=off");
}

/* Whether the plan would have no fault if the default plan stood behind it. */
static bool would_do_with_default(const struct plan_request *request)
{
	struct qrt_sched_plan *plan = NULL;
	struct qrt_sched_finding worst;
	int r = -1, len = qrt_sched_plan_format(request->plan, NULL, 0);
	g_autofree char *text = len < 0 ? NULL : g_malloc((gsize)len + 1);

	if (text && qrt_sched_plan_new(&plan) >= 0) {
		qrt_sched_plan_format(request->plan, text, (size_t)len + 1);
		r = qrt_sched_plan_parse_text(plan, text, (size_t)len, NULL);
		if (r >= 0)
			r = plan_request_complete(request, plan, NULL);
		if (r >= 0)
			r = qrt_sched_plan_lint(plan, &request->host, &request->vm, &worst, 1);
		qrt_sched_plan_close(plan);
	}
	return r == 0 || (r > 0 && worst.severity != QRT_SCHED_FAULT);
}

static void judge_default(struct plan_request *request)
{
	struct qrt_sched_finding *finding;

	if (!request->given || request->wants_default || !plan_request_has_fault(request) ||
	    !would_do_with_default(request))
		return;
	finding = plan_finding_add(request, QRT_SCHED_WARNING, "default-replaced");
	if (!finding)
		return;
	snprintf(
		finding->message, sizeof(finding->message),
		"what was given took the place of the whole default plan, which would not have these faults");
	snprintf(finding->remedy, sizeof(finding->remedy),
		 "add -rt default: then the default plan stands behind it for all that was not said");
}

void plan_judge(struct plan_request *request)
{
	judge_lock(request);
	judge_neighbours(request);
	judge_default(request);
	plan_judge_pages(request);
	governor_judge(request);
}
