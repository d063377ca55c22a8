/* SPDX-License-Identifier: MIT */
/* The plan against the kernel, its own threads, and the rights of this process. */
#include "cpus_p.h"
#include "lint_p.h"
#include "plan_p.h"

#include <stdio.h>

/* The most urgent real-time thread of the plan; *highest stays where none is real-time. */
static void find_highest(const struct qrt_sched_p_lint *lint, struct qrt_sched_p_thread *highest)
{
	int role;
	uint32_t i, threads;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		threads = qrt_sched_p_lint_threads(lint, role);
		for (i = 0; i < threads; i++) {
			struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);

			if (thread.is_rt && (!highest->is_rt || thread.urgency > highest->urgency))
				*highest = thread;
		}
	}
}

static uint32_t priority_line(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread)
{
	uint32_t line = qrt_sched_p_plan_line(lint->plan, thread->role, QRT_SCHED_P_KEY_PRIO);

	return line ? line : qrt_sched_p_plan_line(lint->plan, thread->role, QRT_SCHED_P_KEY_SCHED);
}

static void check_reserved(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *highest)
{
	if (highest->setting.priority != 99)
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING, priority_line(lint, highest), "reserved-99",
			      "%s %u has priority 99, where the kernel's migration and watchdog threads run",
			      qrt_sched_role_name(highest->role), highest->index);
	qrt_sched_p_lint_about(lint, highest->role);
	qrt_sched_p_lint_remedy(lint, "give %s_prio 98 or less", qrt_sched_role_name(highest->role));
}

static void check_timers(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *highest)
{
	int32_t timers = lint->host->timer_priority;

	if (lint->plan->timer_priority)
		timers = (int32_t)lint->plan->timer_priority;
	if (!(lint->host->flags & QRT_SCHED_HOST_PREEMPT_RT) || timers < 0 || highest->urgency < timers)
		return;
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_WARNING, priority_line(lint, highest), "timer-priority",
		"%s %u has priority %d, not below the kernel's timer threads (%s%d): a guest "
		"that waits for a timer, or a thread for another's turn to end, can wait for ever",
		qrt_sched_role_name(highest->role), highest->index, highest->setting.priority,
		timers ? "" : "time-shared, ", timers);
	qrt_sched_p_lint_about(lint, highest->role);
	if (highest->urgency >= 98)
		qrt_sched_p_lint_remedy(lint, "give the VM priorities below %d, and the timer threads more",
					timers ? timers : 98);
	else if (timers)
		qrt_sched_p_lint_remedy(
			lint, "raise the kernel's by timerprio=%d, or give the VM priorities below %d",
			highest->urgency + 1, timers);
	else
		qrt_sched_p_lint_remedy(lint, "raise the kernel's by timerprio=%d", highest->urgency + 1);
}

static void check_rights(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *highest)
{
	const struct qrt_sched_host *host = lint->host;

	if ((host->flags & QRT_SCHED_HOST_CAP_NICE) || host->rtprio_limit >= highest->setting.priority)
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, priority_line(lint, highest), "no-privilege",
			      "%s %u wants real-time priority %d, but this process may use %d at most: no "
			      "CAP_SYS_NICE, and RLIMIT_RTPRIO is %d",
			      qrt_sched_role_name(highest->role), highest->index, highest->setting.priority,
			      host->rtprio_limit, host->rtprio_limit);
	qrt_sched_p_lint_about(lint, highest->role);
	qrt_sched_p_lint_remedy(
		lint,
		"run as root, or give CAP_SYS_NICE (systemd: AmbientCapabilities=CAP_SYS_NICE), or "
		"'rtprio %d' in /etc/security/limits.conf",
		highest->setting.priority);
}

static void check_lock(struct qrt_sched_p_lint *lint)
{
	uint64_t limit = lint->host->memlock_limit;
	uint32_t mlock = lint->plan->mlock;
	char its_limit[64] = "";

	if (mlock == QRT_SCHED_MLOCK_OFF || (lint->host->flags & QRT_SCHED_HOST_CAP_LOCK))
		return;
	if (limit)
		snprintf(its_limit, sizeof(its_limit), ", and RLIMIT_MEMLOCK is %llu KiB",
			 (unsigned long long)limit / 1024);
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_WARNING, lint->plan->said[QRT_SCHED_P_GLOBAL_MLOCK].line, "no-lock-privilege",
		"mlock=%s, but this process may not lock memory without limit: no CAP_IPC_LOCK%s",
		qrt_sched_p_mlock_name(mlock), its_limit);
	qrt_sched_p_lint_remedy(lint, "run as root, or give CAP_IPC_LOCK or 'memlock unlimited' in "
				      "/etc/security/limits.conf, or say mlock=off");
}

/* What the real-time vCPUs take of the host. */
struct taken {
	struct qrt_sched_cpus cpus;
	uint32_t vcpus;
};

static struct taken count_taken(const struct qrt_sched_p_lint *lint)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);
	struct taken taken = {0};

	for (i = 0; i < vcpus; i++) {
		struct qrt_sched_p_thread vcpu = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i);

		if (!vcpu.is_rt)
			continue;
		taken.vcpus++;
		qrt_sched_p_cpus_or(&taken.cpus, &vcpu.cpus);
	}
	return taken;
}

static void check_throttling(struct qrt_sched_p_lint *lint, const struct taken *taken)
{
	const struct qrt_sched_host *host = lint->host;

	if ((host->flags & QRT_SCHED_HOST_FAIR_SERVER) && !(host->flags & QRT_SCHED_HOST_RT_GROUPS))
		return;
	if (!taken->vcpus || host->rt_runtime_us < 0 || host->rt_runtime_us >= host->rt_period_us)
		return;
	qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING, 0, "rt-throttling",
			      "the kernel takes %lld ms of every %lld ms from a real-time vCPU that spins "
			      "(kernel.sched_rt_runtime_us is %lld)",
			      (long long)(host->rt_period_us - host->rt_runtime_us) / 1000,
			      (long long)host->rt_period_us / 1000, (long long)host->rt_runtime_us);
	qrt_sched_p_lint_about(lint, QRT_SCHED_ROLE_VCPU);
	qrt_sched_p_lint_remedy(
		lint, "sysctl -w kernel.sched_rt_runtime_us=-1, once nothing real-time can run away");
}

/* It runs only when somebody starves, and on isolated CPUs hardly anybody is. */
static void check_fair_server(struct qrt_sched_p_lint *lint, const struct taken *taken)
{
	const struct qrt_sched_host *host = lint->host;
	struct qrt_sched_cpus served = taken->cpus, busy;
	int cpu;

	qrt_sched_p_cpus_and(&served, &host->fair_server);
	cpu = qrt_sched_cpus_next(&served, -1);
	if (!(host->flags & QRT_SCHED_HOST_FAIR_SERVER) || !taken->vcpus || cpu < 0)
		return;
	busy = served;
	qrt_sched_p_cpus_minus(&busy, &host->isolated);
	qrt_sched_p_lint_find(
		lint, qrt_sched_cpus_count(&busy) ? QRT_SCHED_WARNING : QRT_SCHED_NOTE, 0, "fair-server",
		"where a real-time vCPU spins the kernel gives time-shared threads that starve %lld ms of "
		"every %lld ms, on CPU %d for one (fair server)",
		(long long)host->fair_runtime_us / 1000, (long long)host->fair_period_us / 1000, cpu);
	qrt_sched_p_lint_about(lint, QRT_SCHED_ROLE_VCPU);
	qrt_sched_p_lint_remedy(
		lint,
		"keep other threads off the vCPUs' CPUs, or for each of these CPUs echo 0 > "
		"/sys/kernel/debug/sched/fair_server/cpu%d/runtime, once nothing real-time can run away",
		cpu);
}

#define HELD_PERCENT   85 /* of each CPU: what is left is enough for a host's own work */
#define HELD_WINDOW_NS UINT64_C(50000000)

static int holds(const struct qrt_sched_p_lint *lint, int role, int online)
{
	struct qrt_sched_budget budget;

	return qrt_sched_plan_get_budget(lint->plan, role, &budget) >= 0 &&
	       budget.window_ns <= HELD_WINDOW_NS &&
	       budget.runtime_ns <= budget.window_ns / 100 * HELD_PERCENT * (uint64_t)online;
}

static void remedy_housekeeping(struct qrt_sched_p_lint *lint, int online)
{
	if (online == 1)
		qrt_sched_p_lint_remedy(lint,
					"use a host with more CPUs, or give budget=%d%%/50ms, which "
					"qrt-launcher holds; keep RT throttling (Linux 6.12: the fair "
					"server) on here",
					HELD_PERCENT);
	else
		qrt_sched_p_lint_remedy(
			lint,
			"leave a CPU to the host: fewer vCPUs, or vcpu_bias without CPU %d; or "
			"give budget=%d%%/50ms, which qrt-launcher holds",
			qrt_sched_cpus_next(&lint->host->online, -1), HELD_PERCENT * online);
}

/* A budget, of the VM or its vCPUs, leaves the host a part of each moment. */
static void check_housekeeping(struct qrt_sched_p_lint *lint, const struct taken *taken)
{
	struct qrt_sched_cpus left = lint->host->online;
	int online = qrt_sched_cpus_count(&left);
	int is_open = qrt_sched_p_lint_is_open(lint, QRT_SCHED_ROLE_VCPU);

	qrt_sched_p_cpus_minus(&left, &taken->cpus);
	if (!taken->vcpus || qrt_sched_cpus_count(&left) || (!is_open && taken->vcpus < (uint32_t)online))
		return;
	if (holds(lint, -1, online) || holds(lint, QRT_SCHED_ROLE_VCPU, online))
		return;
	qrt_sched_p_lint_find(
		lint, online == 1 ? QRT_SCHED_NOTE : QRT_SCHED_WARNING,
		qrt_sched_p_plan_line(lint->plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_P_KEY_BIAS),
		"no-housekeeping",
		"real-time vCPUs can take every CPU of this host (%d): its own work waits while "
		"they spin",
		online);
	qrt_sched_p_lint_about(lint, QRT_SCHED_ROLE_VCPU);
	remedy_housekeeping(lint, online);
}

void qrt_sched_p_lint_host(struct qrt_sched_p_lint *lint)
{
	struct qrt_sched_p_thread highest = {.is_rt = 0};
	struct taken taken = count_taken(lint);

	find_highest(lint, &highest);
	if (highest.is_rt)
		check_reserved(lint, &highest);
	if (!lint->host)
		return;
	if (highest.is_rt) {
		check_timers(lint, &highest);
		check_rights(lint, &highest);
	}
	check_lock(lint);
	check_throttling(lint, &taken);
	check_fair_server(lint, &taken);
	check_housekeeping(lint, &taken);
}
