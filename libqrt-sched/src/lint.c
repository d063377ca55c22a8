/* SPDX-License-Identifier: MIT */
#include "lint_p.h"

#include "cpus_p.h"
#include "plan_p.h"
#include "setting_p.h"
#include "struct_p.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct qrt_sched_p_lint *lint)
{
	size_t capacity = lint->capacity ? lint->capacity * 2 : 16;
	struct qrt_sched_finding *findings;

	if (lint->count < lint->capacity)
		return 1;
	findings = realloc(lint->findings, capacity * sizeof(*findings));
	if (!findings) {
		lint->is_out_of_memory = 1;
		return 0;
	}
	lint->findings = findings;
	lint->capacity = capacity;
	return 1;
}

void qrt_sched_p_lint_find(struct qrt_sched_p_lint *lint, enum qrt_sched_severity severity, uint32_t line,
			   const char *code, const char *format, ...)
{
	struct qrt_sched_finding *finding;
	va_list args;

	if (!make_room(lint))
		return;
	finding = &lint->findings[lint->count++];
	memset(finding, 0, sizeof(*finding));
	finding->severity = severity;
	finding->line = line;
	finding->role = -1;
	snprintf(finding->code, sizeof(finding->code), "%s", code);
	va_start(args, format);
	vsnprintf(finding->message, sizeof(finding->message), format, args);
	va_end(args);
}

void qrt_sched_p_lint_about(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	if (!lint->is_out_of_memory && lint->count)
		lint->findings[lint->count - 1].role = role;
}

void qrt_sched_p_lint_remedy(struct qrt_sched_p_lint *lint, const char *format, ...)
{
	struct qrt_sched_finding *finding;
	va_list args;

	if (lint->is_out_of_memory || !lint->count)
		return;
	finding = &lint->findings[lint->count - 1];
	va_start(args, format);
	vsnprintf(finding->remedy, sizeof(finding->remedy), format, args);
	va_end(args);
}

/* Where a thread can run of which the plan says no CPU. */
static struct qrt_sched_cpus anywhere(const struct qrt_sched_p_lint *lint)
{
	struct qrt_sched_cpus cpus;

	if (!lint->host) {
		memset(&cpus, 0xff, sizeof(cpus));
		return cpus;
	}
	cpus = lint->host->allowed;
	qrt_sched_p_cpus_and(&cpus, &lint->host->online);
	return cpus;
}

struct qrt_sched_p_thread qrt_sched_p_lint_thread(const struct qrt_sched_p_lint *lint,
						  enum qrt_sched_role role, uint32_t index)
{
	struct qrt_sched_p_thread thread = {.role = role, .index = index};

	qrt_sched_plan_get(lint->plan, role, index, &thread.setting);
	if (lint->has_fallen_back)
		qrt_sched_setting_get_fallback(&thread.setting, -EPERM, &thread.setting);
	thread.is_rt = qrt_sched_p_policy_is_rt(thread.setting.policy);
	thread.urgency = qrt_sched_p_setting_urgency(&thread.setting);
	if (!(thread.setting.set & QRT_SCHED_SET_CPUS)) {
		thread.cpus = anywhere(lint);
	} else {
		thread.cpus = thread.setting.cpus;
		if (lint->host)
			qrt_sched_p_cpus_and(&thread.cpus, &lint->host->online);
	}
	return thread;
}

int qrt_sched_p_lint_knows_iothreads(const struct qrt_sched_p_lint *lint)
{
	return lint->vm && lint->vm->iothreads != QRT_SCHED_VM_UNKNOWN;
}

int qrt_sched_p_lint_is_open(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	if (role == QRT_SCHED_ROLE_VCPU)
		return !lint->vm || !lint->vm->vcpus;
	return role != QRT_SCHED_ROLE_MAIN &&
	       (role != QRT_SCHED_ROLE_IOTH || !qrt_sched_p_lint_knows_iothreads(lint));
}

uint32_t qrt_sched_p_lint_threads(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t count = qrt_sched_p_plan_width(lint->plan, role);

	if (role == QRT_SCHED_ROLE_MAIN || !count)
		count = 1;
	if (role == QRT_SCHED_ROLE_VCPU && !qrt_sched_p_lint_is_open(lint, role))
		count = lint->vm->vcpus;
	if (role == QRT_SCHED_ROLE_IOTH && qrt_sched_p_lint_knows_iothreads(lint))
		count = lint->vm->iothreads;
	/* All beyond the longest list are alike, and there are no more CPUs than that. */
	return count < QRT_SCHED_P_VALUES_MAX ? count : QRT_SCHED_P_VALUES_MAX;
}

const char *qrt_sched_p_lint_urgency(const struct qrt_sched_p_thread *thread, char *buf, size_t size)
{
	const char *policy = qrt_sched_policy_name(thread->setting.policy);

	if (thread->is_rt)
		snprintf(buf, size, "%s %d", policy, thread->setting.priority);
	else
		snprintf(buf, size, "%s", policy);
	return buf;
}

/* Worst first, and within one severity in the order in which they were found. */
static void hand_out(const struct qrt_sched_p_lint *lint, struct qrt_sched_finding *ret_findings, size_t max)
{
	size_t i, written = 0;
	int severity;

	for (severity = QRT_SCHED_FAULT; severity >= QRT_SCHED_NOTE; severity--) {
		for (i = 0; i < lint->count && written < max; i++) {
			if (lint->findings[i].severity == (uint32_t)severity)
				ret_findings[written++] = lint->findings[i];
		}
	}
}

static int look(struct qrt_sched_p_lint *lint)
{
	qrt_sched_p_lint_values(lint);
	qrt_sched_p_lint_times(lint);
	qrt_sched_p_lint_quantum(lint);
	qrt_sched_p_lint_starve(lint);
	qrt_sched_p_lint_host(lint);
	qrt_sched_p_lint_around(lint);
	return lint->is_out_of_memory ? -ENOMEM : (int)lint->count;
}

int qrt_sched_plan_lint(const struct qrt_sched_plan *plan, const struct qrt_sched_host *host,
			const struct qrt_sched_vm *vm, struct qrt_sched_finding *ret_findings, size_t max)
{
	struct qrt_sched_p_lint lint = {.plan = plan};
	struct qrt_sched_host own_host;
	struct qrt_sched_vm own_vm;
	int r = 0;

	if (host) {
		r = qrt_p_struct_take(&own_host, sizeof(own_host), host);
		lint.host = &own_host;
	}
	if (r == 0 && vm) {
		r = qrt_p_struct_take(&own_vm, sizeof(own_vm), vm);
		lint.vm = &own_vm;
	}
	if (r == 0)
		r = look(&lint);
	if (r > 0)
		hand_out(&lint, ret_findings, max);
	free(lint.findings);
	return r;
}
