/* SPDX-License-Identifier: MIT */
/* DEADLINE with its traps, and slices. */
#include "cpus_p.h"
#include "cpuset_p.h"
#include "lint_p.h"
#include "plan_p.h"
#include "setting_p.h"

#include <errno.h>

#define BANDWIDTH_ONE 1048576u /* a whole CPU, in the kernel's unit */

static int is_deadline(const struct qrt_sched_p_thread *thread)
{
	return (thread->setting.set & QRT_SCHED_SET_POLICY) &&
	       thread->setting.policy == QRT_SCHED_POLICY_DEADLINE;
}

static uint32_t line_of_times(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	return qrt_sched_plan_get_line(lint->plan, role, QRT_SCHED_SET_TIMES);
}

static void check_values(struct qrt_sched_p_lint *lint, enum qrt_sched_role role, uint32_t index)
{
	struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, index);
	const struct qrt_sched_setting *s = &thread.setting;
	const char *name = qrt_sched_role_name(role);

	if (!qrt_sched_p_plan_has_bad_times(lint->plan, role, index))
		return;
	if (!is_deadline(&thread)) {
		qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, line_of_times(lint, role), "slice-range",
				      "%s %u: a slice of %llu us does not exist", name, index,
				      (unsigned long long)s->runtime_ns / 1000);
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(lint, "give %s_runtime 100..100000, or 0 for the kernel's own", name);
		return;
	}
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_FAULT, line_of_times(lint, role), "deadline-times",
		"%s %u: runtime %llu, deadline %llu, period %llu us: none may be longer than the next, or 0",
		name, index, (unsigned long long)s->runtime_ns / 1000,
		(unsigned long long)s->deadline_ns / 1000, (unsigned long long)s->period_ns / 1000);
	qrt_sched_p_lint_about(lint, role);
	qrt_sched_p_lint_remedy(lint, "give %s_runtime what the thread needs of each %s_period", name, name);
}

/* Times that its policy has no use for. */
static void check_unused(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	static const enum qrt_sched_p_key keys[] = {QRT_SCHED_P_KEY_RUNTIME, QRT_SCHED_P_KEY_DEADLINE,
						    QRT_SCHED_P_KEY_PERIOD};
	struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, 0);
	const char *name = qrt_sched_role_name(role);
	int i, is_slice = !(thread.setting.set & QRT_SCHED_SET_POLICY) ||
			  qrt_sched_p_policy_is_fair(thread.setting.policy);

	if (is_deadline(&thread))
		return;
	for (i = is_slice; i < 3; i++) {
		if (!lint->plan->lists[role][keys[i]].count)
			continue;
		qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING,
				      qrt_sched_p_plan_line(lint->plan, role, keys[i]), "times-unused",
				      "%s_%s has no effect: %s 0 is not under deadline", name,
				      qrt_sched_p_key_name(keys[i]), name);
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(lint, "give %s_sched=deadline, or leave it out", name);
		return;
	}
}

/* Those of the vCPUs. */
static struct qrt_sched_cpus shielded(const struct qrt_sched_p_lint *lint)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);
	struct qrt_sched_cpus cpus = {0};

	for (i = 0; i < vcpus; i++) {
		struct qrt_sched_p_thread vcpu = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i);

		qrt_sched_p_cpus_or(&cpus, &vcpu.cpus);
	}
	return cpus;
}

/* A shield is a partition of its own. */
static struct qrt_sched_cpus domain_of(const struct qrt_sched_p_lint *lint,
				       const struct qrt_sched_p_thread *thread)
{
	struct qrt_sched_cpus domain = qrt_sched_p_cpuset_domain(lint->host), shield, outside = thread->cpus;

	if (!lint->plan->shield)
		return domain;
	shield = shielded(lint);
	qrt_sched_p_cpus_minus(&outside, &shield);
	if (!qrt_sched_cpus_count(&outside))
		return shield;
	qrt_sched_p_cpus_minus(&domain, &shield);
	return domain;
}

static void check_domain(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread)
{
	struct qrt_sched_cpus missing = domain_of(lint, thread);
	const char *name = qrt_sched_role_name(thread->role);

	qrt_sched_p_cpus_minus(&missing, &thread->cpus);
	if (lint->host->rt_runtime_us < 0 || !qrt_sched_cpus_count(&missing))
		return;
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_WARNING,
		qrt_sched_p_plan_line(lint->plan, thread->role, QRT_SCHED_P_KEY_BIAS), "deadline-cpus",
		"%s %u: the kernel refuses deadline to a thread that may not run on all CPUs of its "
		"partition, such as CPU %d: it will run under fifo %d",
		name, thread->index, qrt_sched_cpus_next(&missing, -1),
		thread->setting.priority ? thread->setting.priority : 1);
	qrt_sched_p_lint_about(lint, thread->role);
	qrt_sched_p_lint_remedy(lint,
				"leave out %s_bias, or shield these CPUs, or sysctl -w "
				"kernel.sched_rt_runtime_us=-1",
				name);
}

static void check_rights(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread)
{
	int32_t priority = thread->setting.priority ? thread->setting.priority : 1;
	int has_fallback = lint->host->rtprio_limit >= priority;

	if (lint->host->flags & QRT_SCHED_HOST_CAP_NICE)
		return;
	qrt_sched_p_lint_find(
		lint, has_fallback ? QRT_SCHED_WARNING : QRT_SCHED_FAULT,
		qrt_sched_p_plan_line(lint->plan, thread->role, QRT_SCHED_P_KEY_SCHED), "deadline-privilege",
		"%s %u: deadline needs CAP_SYS_NICE, which this process does not have; %s fifo %d",
		qrt_sched_role_name(thread->role), thread->index,
		has_fallback ? "it will run under" : "nor may it use", priority);
	qrt_sched_p_lint_about(lint, thread->role);
	qrt_sched_p_lint_remedy(
		lint, "run as root, or give CAP_SYS_NICE (systemd: AmbientCapabilities=CAP_SYS_NICE)");
}

static uint64_t bandwidth_of(const struct qrt_sched_p_thread *thread)
{
	if (!is_deadline(thread) || !thread->setting.period_ns)
		return 0;
	return (uint64_t)((double)thread->setting.runtime_ns / (double)thread->setting.period_ns *
			  BANDWIDTH_ONE);
}

uint64_t qrt_sched_p_lint_bandwidth(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);
	uint64_t sum = 0;

	for (i = 0; i < threads; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);

		sum += bandwidth_of(&thread);
	}
	return sum * 10000 / BANDWIDTH_ONE;
}

static void check_bandwidth(struct qrt_sched_p_lint *lint)
{
	const struct qrt_sched_host *host = lint->host;
	struct qrt_sched_cpus domain = qrt_sched_p_cpuset_domain(host);
	uint64_t cpus = (uint64_t)qrt_sched_cpus_count(&domain), sum = 0, most;
	uint32_t line = 0;
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		uint64_t bandwidth = qrt_sched_p_lint_bandwidth(lint, (enum qrt_sched_role)role);

		sum += bandwidth;
		if (bandwidth && !line)
			line = line_of_times(lint, (enum qrt_sched_role)role);
	}
	if (!sum || host->rt_runtime_us < 0 || host->rt_period_us <= 0)
		return;
	most = (uint64_t)host->rt_runtime_us * 10000 / (uint64_t)host->rt_period_us * cpus;
	if (sum <= most)
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, line, "deadline-bandwidth",
			      "the deadline threads want %llu.%02llu CPUs, the kernel grants %llu.%02llu "
			      "(kernel.sched_rt_runtime_us of %llu)",
			      (unsigned long long)sum / 10000, (unsigned long long)sum % 10000 / 100,
			      (unsigned long long)most / 10000, (unsigned long long)most % 10000 / 100,
			      (unsigned long long)cpus);
	qrt_sched_p_lint_remedy(lint, "give less runtime, or longer periods, or to fewer threads");
}

static void check_deadlines(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);
	size_t before = lint->count;

	/* What is found is said once a role. */
	for (i = 0; i < threads && lint->count == before; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);

		if (!is_deadline(&thread))
			continue;
		check_domain(lint, &thread);
		check_rights(lint, &thread);
	}
}

void qrt_sched_p_lint_times(struct qrt_sched_p_lint *lint)
{
	uint32_t i, width;
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		width = qrt_sched_p_plan_width(lint->plan, (enum qrt_sched_role)role);
		for (i = 0; i < width; i++)
			check_values(lint, (enum qrt_sched_role)role, i);
		check_unused(lint, (enum qrt_sched_role)role);
		if (lint->host)
			check_deadlines(lint, (enum qrt_sched_role)role);
	}
	if (lint->host)
		check_bandwidth(lint);
}
