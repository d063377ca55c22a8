/* SPDX-License-Identifier: MIT */
/* Each value alone: is the CPU there, is there a thread for it, do policy and priority fit? */
#include "cpus_p.h"
#include "lint_p.h"
#include "plan_p.h"

#include <stdio.h>
#include <string.h>

/* The start of a list, for a message. */
static const char *list(const struct qrt_sched_cpus *cpus, char *buf, size_t size)
{
	char whole[QRT_SCHED_P_CPUS_TEXT];

	qrt_sched_cpus_format(cpus, whole, sizeof(whole));
	if (strlen(whole) < size)
		snprintf(buf, size, "%s", whole);
	else
		snprintf(buf, size, "%.*s...", (int)size - 4, whole);
	return buf;
}

static void find_cpus(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread,
		      const struct qrt_sched_cpus *having, const char *code, const char *problem)
{
	struct qrt_sched_cpus wrong = thread->setting.cpus;
	const char *role = qrt_sched_role_name(thread->role);
	char wrong_list[60], good_list[60];

	qrt_sched_p_cpus_minus(&wrong, having);
	if (!qrt_sched_cpus_count(&wrong))
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT,
			      qrt_sched_p_plan_line(lint->plan, thread->role, QRT_SCHED_P_KEY_BIAS), code,
			      "%s %u: CPU %s %s; there is %s", role, thread->index,
			      list(&wrong, wrong_list, sizeof(wrong_list)), problem,
			      list(having, good_list, sizeof(good_list)));
	qrt_sched_p_lint_about(lint, thread->role);
	qrt_sched_p_lint_remedy(lint, "give %s_bias CPUs out of %s", role, good_list);
}

static void check_cpus(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i;

	for (i = 0; i < lint->plan->lists[role][QRT_SCHED_P_KEY_BIAS].count; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);
		struct qrt_sched_cpus usable = lint->host->allowed;

		find_cpus(lint, &thread, &lint->host->online, "cpu-missing", "is not online on this host");
		/* What is not there was said already. */
		qrt_sched_p_cpus_and(&thread.setting.cpus, &lint->host->online);
		qrt_sched_p_cpus_and(&usable, &lint->host->online);
		find_cpus(lint, &thread, &usable, "cpu-not-allowed", "is outside the cpuset of this process");
	}
}

static void check_urgency(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	const char *name = qrt_sched_role_name(role);
	uint32_t i, width = qrt_sched_p_plan_width(lint->plan, role);

	for (i = 0; i < width; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);
		const char *policy = qrt_sched_policy_name(thread.setting.policy);

		if (!qrt_sched_p_plan_contradicts(lint->plan, role, i))
			continue;
		qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT,
				      qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_PRIO),
				      thread.is_rt ? "rt-without-prio" : "prio-without-rt",
				      "%s %u: %s with priority %d does not exist", name, i, policy,
				      thread.setting.priority);
		qrt_sched_p_lint_about(lint, role);
		if (thread.is_rt)
			qrt_sched_p_lint_remedy(lint, "give %s_prio 1..99, or %s_sched=other", name, name);
		else
			qrt_sched_p_lint_remedy(lint, "give %s_prio 0, or %s_sched=fifo or rr", name, name);
	}
}

/* How many values a role can use, 0: any number. A single value speaks of all threads that may come. */
static uint32_t most_threads(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	switch (role) {
	case QRT_SCHED_ROLE_MAIN:
	case QRT_SCHED_ROLE_VNCS:
		return 1;
	case QRT_SCHED_ROLE_VCPU:
		return lint->vm ? lint->vm->vcpus : 0;
	case QRT_SCHED_ROLE_PAIO:
		return lint->vm ? lint->vm->paio_max : 0;
	case QRT_SCHED_ROLE_IOTH:
		if (!qrt_sched_p_lint_knows_iothreads(lint))
			return 0;
		return lint->vm->iothreads ? lint->vm->iothreads : 1;
	default:
		return 0;
	}
}

static void check_counts(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	const char *name = qrt_sched_role_name(role);
	uint32_t most = most_threads(lint, role);
	int key;

	for (key = 0; most && key < QRT_SCHED_P_KEY_NAME; key++) {
		uint32_t count = lint->plan->lists[role][key].count;

		if (count <= most)
			continue;
		qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, qrt_sched_p_plan_line(lint->plan, role, key),
				      "too-many-values",
				      "%s_%s has %u values, but the VM has %u such thread%s", name,
				      qrt_sched_p_key_name(key), count, most, most == 1 ? "" : "s");
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(lint, "leave out the last %u; %sthe last repeats", count - most,
					key == QRT_SCHED_P_KEY_BIAS ? "a range (2-3, 0+2) is one value, "
								    : "");
	}
}

void qrt_sched_p_lint_values(struct qrt_sched_p_lint *lint)
{
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		check_counts(lint, role);
		check_urgency(lint, role);
		if (lint->host)
			check_cpus(lint, role);
	}
}
