/* SPDX-License-Identifier: MIT */
/* What a plan says of the host around the VM: budgets, memory, disks, the kernel's timers. */
#include "cpus_p.h"
#include "lint_p.h"
#include "plan_p.h"

#include <stdio.h>

static uint32_t line_of(const struct qrt_sched_p_lint *lint, enum qrt_sched_p_global global)
{
	return lint->plan->said[global].line;
}

/* A budget, and what it is for: a role, or the VM. */
struct purse {
	struct qrt_sched_budget budget;
	char option[16], text[48];
	uint32_t line;
	uint64_t reserved; /* what its deadline threads take of a CPU, in 1/10000 */
	int has_vcpus, has_urgency;
};

static int has_urgency(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);

	for (i = 0; i < threads; i++) {
		if (qrt_sched_p_lint_thread(lint, role, i).urgency > 0)
			return 1;
	}
	return 0;
}

static int open_purse(const struct qrt_sched_p_lint *lint, int role, struct purse *ret_purse)
{
	struct purse purse = {.line = line_of(lint, QRT_SCHED_P_GLOBAL_BUDGET)};
	int i;

	if (qrt_sched_plan_get_budget(lint->plan, role, &purse.budget) < 0)
		return 0;
	qrt_sched_budget_format(&purse.budget, purse.text, sizeof(purse.text));
	if (role >= 0)
		purse.line = qrt_sched_p_plan_line(lint->plan, (enum qrt_sched_role)role,
						   QRT_SCHED_P_KEY_BUDGET);
	snprintf(purse.option, sizeof(purse.option), "%s%sbudget",
		 role < 0 ? "" : qrt_sched_role_name((enum qrt_sched_role)role), role < 0 ? "" : "_");
	for (i = 0; i < QRT_SCHED_ROLES; i++) {
		if (role >= 0 && role != i)
			continue;
		purse.reserved += qrt_sched_p_lint_bandwidth(lint, (enum qrt_sched_role)i);
		purse.has_urgency |= has_urgency(lint, (enum qrt_sched_role)i);
	}
	purse.has_vcpus = role < 0 || role == QRT_SCHED_ROLE_VCPU;
	*ret_purse = purse;
	return 1;
}

static void about_purse(struct qrt_sched_p_lint *lint, int role)
{
	if (role >= 0)
		qrt_sched_p_lint_about(lint, (enum qrt_sched_role)role);
}

static int has_rt_vcpu(const struct qrt_sched_p_lint *lint)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);

	for (i = 0; i < vcpus; i++) {
		if (qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i).is_rt)
			return 1;
	}
	return 0;
}

/* One that is never used up. */
static void check_size(struct qrt_sched_p_lint *lint, int role, const struct purse *purse, uint64_t share)
{
	struct qrt_sched_cpus cpus;
	int count;

	if (!lint->host)
		return;
	cpus = lint->host->allowed;
	qrt_sched_p_cpus_and(&cpus, &lint->host->online);
	count = qrt_sched_cpus_count(&cpus);
	if (!count || share <= (uint64_t)count * 10000)
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING, purse->line, "budget-above-host",
			      "%s=%s holds nobody back: it is more than this host has, %d CPU%s",
			      purse->option, purse->text, count, count == 1 ? "" : "s");
	about_purse(lint, role);
	qrt_sched_p_lint_remedy(lint, "give less than %d%%, or leave it out", count * 100);
}

static void check_budget(struct qrt_sched_p_lint *lint, int role)
{
	struct purse purse;
	uint64_t share;

	if (!open_purse(lint, role, &purse))
		return;
	if (!purse.has_urgency) {
		qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING, purse.line, "budget-unused",
				      "%s=%s has no effect: who exceeds it is time-shared, and %s already",
				      purse.option, purse.text,
				      role < 0 ? "all threads of the plan are" : "this role is");
		about_purse(lint, role);
		qrt_sched_p_lint_remedy(
			lint, "leave it out, or give %s_prio 1..99",
			qrt_sched_role_name(role < 0 ? QRT_SCHED_ROLE_VCPU : (enum qrt_sched_role)role));
		return;
	}
	share = (uint64_t)((double)purse.budget.runtime_ns / (double)purse.budget.window_ns * 10000);
	check_size(lint, role, &purse, share);
	if (share < purse.reserved) {
		qrt_sched_p_lint_find(
			lint, QRT_SCHED_WARNING, purse.line, "budget-below-deadline",
			"%s=%s is less than the %llu.%02llu %% of a CPU that its deadline threads "
			"reserve",
			purse.option, purse.text, (unsigned long long)purse.reserved / 100,
			(unsigned long long)purse.reserved % 100);
		about_purse(lint, role);
		qrt_sched_p_lint_remedy(lint, "give %s that much, or the threads less runtime", purse.option);
	} else if (purse.has_vcpus && share < 10000 && has_rt_vcpu(lint)) {
		qrt_sched_p_lint_find(
			lint, QRT_SCHED_NOTE, purse.line, "budget-below-vcpu",
			"%s=%s is less than one vCPU uses that does not sleep: it is time-shared for "
			"the rest of each window",
			purse.option, purse.text);
		about_purse(lint, role);
		qrt_sched_p_lint_remedy(lint, "give 100%% for each vCPU that shall never be");
	}
}

static void check_nodes(struct qrt_sched_p_lint *lint)
{
	struct qrt_sched_cpus missing = lint->plan->numa_nodes;

	qrt_sched_p_cpus_minus(&missing, &lint->host->nodes);
	if (!qrt_sched_cpus_count(&missing))
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, line_of(lint, QRT_SCHED_P_GLOBAL_NUMA), "numa-missing",
			      "numa: this host has no memory on node %d", qrt_sched_cpus_next(&missing, -1));
	qrt_sched_p_lint_remedy(lint, "give nodes of /sys/devices/system/node/has_memory, or leave it out");
}

static void check_hugepages(struct qrt_sched_p_lint *lint)
{
	uint32_t hugepages = lint->plan->hugepages, line = line_of(lint, QRT_SCHED_P_GLOBAL_HUGEPAGES);
	const char *name = qrt_sched_p_hugepages_name(hugepages);
	uint64_t unused = hugepages == QRT_SCHED_HUGEPAGES_1G ? lint->host->free_1g : lint->host->free_2m;

	if (hugepages == QRT_SCHED_HUGEPAGES_THP && !(lint->host->flags & QRT_SCHED_HOST_THP)) {
		qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING, line, "no-thp",
				      "hugepages=thp, but this host has none or they are switched off");
		qrt_sched_p_lint_remedy(
			lint, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or give 2M");
	} else if (hugepages > QRT_SCHED_HUGEPAGES_THP && !unused) {
		qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, line, "no-hugepages",
				      "hugepages=%s, but this host has none free", name);
		qrt_sched_p_lint_remedy(lint,
					"echo COUNT > /sys/kernel/mm/hugepages/hugepages-%skB/nr_hugepages",
					hugepages == QRT_SCHED_HUGEPAGES_1G ? "1048576" : "2048");
	}
}

/* Small pages become huge ones where they are touched for the first time. */
static void check_first_touch(struct qrt_sched_p_lint *lint)
{
	uint32_t mlock = lint->plan->mlock;

	if (lint->plan->hugepages != QRT_SCHED_HUGEPAGES_THP || mlock == QRT_SCHED_MLOCK_PREFAULT ||
	    mlock == QRT_SCHED_MLOCK_ALL)
		return;
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_NOTE, line_of(lint, QRT_SCHED_P_GLOBAL_HUGEPAGES), "huge-first-touch",
		"hugepages=thp with mlock=%s: a vCPU that touches memory for the first time waits "
		"until a huge page was found and cleared",
		qrt_sched_p_mlock_name(mlock));
	qrt_sched_p_lint_remedy(lint, "say mlock=prefault");
}

static int has_realtime_io(const struct qrt_sched_p_lint *lint, int role)
{
	uint32_t i, count = lint->plan->lists[role][QRT_SCHED_P_KEY_IOPRIO].count;

	for (i = 0; i < count; i++) {
		if (lint->plan->lists[role][QRT_SCHED_P_KEY_IOPRIO].values[i].number >> 13 ==
		    QRT_SCHED_IOPRIO_RT)
			return 1;
	}
	return 0;
}

static void check_ioprio(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	const char *name = qrt_sched_role_name(role);

	if ((lint->host->flags & QRT_SCHED_HOST_CAP_NICE) || !has_realtime_io(lint, role))
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT,
			      qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_IOPRIO),
			      "ioprio-privilege",
			      "%s_ioprio=rt:... needs CAP_SYS_NICE, which this process does not have", name);
	qrt_sched_p_lint_about(lint, role);
	qrt_sched_p_lint_remedy(lint, "run as root, or give CAP_SYS_NICE, or %s_ioprio=be:0", name);
}

static void check_timerprio(struct qrt_sched_p_lint *lint)
{
	if (!lint->plan->timer_priority || (lint->host->flags & QRT_SCHED_HOST_PREEMPT_RT))
		return;
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_NOTE, line_of(lint, QRT_SCHED_P_GLOBAL_TIMERPRIO), "timerprio-unused",
		"timerprio has no effect: this kernel is not PREEMPT_RT, its timers are no threads");
	qrt_sched_p_lint_remedy(lint, "leave it out");
}

void qrt_sched_p_lint_around(struct qrt_sched_p_lint *lint)
{
	int role;

	for (role = -1; role < QRT_SCHED_ROLES; role++)
		check_budget(lint, role);
	check_first_touch(lint);
	if (!lint->host)
		return;
	if (lint->host->flags & QRT_SCHED_HOST_MEMORY) {
		check_nodes(lint);
		check_hugepages(lint);
	}
	for (role = 0; role < QRT_SCHED_ROLES; role++)
		check_ioprio(lint, (enum qrt_sched_role)role);
	check_timerprio(lint);
}
