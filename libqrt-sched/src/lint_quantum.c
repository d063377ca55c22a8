/* SPDX-License-Identifier: MIT */
/* Turns among threads of one priority: quanta that nobody makes or shares, and turns that take long to come.
 */
#include "cpus_p.h"
#include "lint_p.h"
#include "plan_p.h"

#define LONG_NS INT64_C(1000000000) /* a second is what guests take for a hang */

static int is_rival(const struct qrt_sched_p_thread *a, const struct qrt_sched_p_thread *b)
{
	struct qrt_sched_cpus common = a->cpus;

	if (a->role == b->role && a->index == b->index)
		return 0;
	qrt_sched_p_cpus_and(&common, &b->cpus);
	return b->is_rt && a->setting.priority == b->setting.priority && qrt_sched_cpus_count(&common);
}

static int has_rival(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread)
{
	uint32_t i, threads;
	int role;

	if (qrt_sched_p_lint_is_open(lint, thread->role))
		return 1;
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		threads = qrt_sched_p_lint_threads(lint, (enum qrt_sched_role)role);
		for (i = 0; i < threads; i++) {
			struct qrt_sched_p_thread other =
				qrt_sched_p_lint_thread(lint, (enum qrt_sched_role)role, i);

			if (is_rival(thread, &other))
				return 1;
		}
	}
	return 0;
}

/* A quantum that nobody takes turns with. */
static void check_lone(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);
	const char *name = qrt_sched_role_name(role);

	for (i = 0; i < threads; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);

		if (qrt_sched_plan_get_quantum(lint->plan, role, i) <= 0 || has_rival(lint, &thread))
			continue;
		qrt_sched_p_lint_find(
			lint, QRT_SCHED_NOTE, qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_NICE),
			"lone-quantum",
			"%s %u has a quantum of %lld ms, but no other thread of the plan has its "
			"priority and one of its CPUs: there is nobody to take turns with",
			name, i, (long long)qrt_sched_plan_get_quantum(lint->plan, role, i) / 1000000);
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(lint, "leave out %s_nice, or give another thread priority %d as well",
					name, thread.setting.priority);
		return;
	}
}

static int has_nice(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, count = lint->plan->lists[role][QRT_SCHED_P_KEY_NICE].count;

	for (i = 0; i < count; i++) {
		if (lint->plan->lists[role][QRT_SCHED_P_KEY_NICE].values[i].number)
			return 1;
	}
	return 0;
}

/* A nice value that none of them has a use for: under RR it is the quantum. */
static void check_unused(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, width = qrt_sched_p_plan_width(lint->plan, role);
	const char *name = qrt_sched_role_name(role);

	if (!has_nice(lint, role))
		return;
	for (i = 0; i < width; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);

		if (!(thread.setting.set & QRT_SCHED_SET_POLICY) ||
		    (thread.setting.policy != QRT_SCHED_POLICY_FIFO &&
		     thread.setting.policy != QRT_SCHED_POLICY_DEADLINE))
			return;
	}
	qrt_sched_p_lint_find(lint, QRT_SCHED_WARNING,
			      qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_NICE), "nice-unused",
			      "%s_nice has no effect: %s 0 is under %s", name, name,
			      qrt_sched_policy_name(qrt_sched_p_lint_thread(lint, role, 0).setting.policy));
	qrt_sched_p_lint_about(lint, role);
	qrt_sched_p_lint_remedy(lint, "give %s_sched=rr, where it is the quantum, or leave it out", name);
}

/* What the others of its priority use up before a thread has its turn, where each uses its quantum. */
struct turns {
	int64_t sum_ns;
	uint32_t threads;
	struct qrt_sched_p_thread slowest;
	int64_t slowest_ns;
};

static void add_rivals(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread,
		       enum qrt_sched_role role, struct turns *turns)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);

	for (i = 0; i < threads; i++) {
		int64_t quantum = qrt_sched_plan_get_quantum(lint->plan, role, i);
		struct qrt_sched_p_thread other;

		if (quantum <= 0)
			continue;
		other = qrt_sched_p_lint_thread(lint, role, i);
		if (!is_rival(thread, &other))
			continue;
		turns->sum_ns += quantum;
		turns->threads++;
		if (quantum > turns->slowest_ns) {
			turns->slowest_ns = quantum;
			turns->slowest = other;
		}
	}
}

static struct turns count_turns(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *thread)
{
	struct turns turns = {0};
	int role;

	for (role = 0; thread->is_rt && role < QRT_SCHED_ROLES; role++)
		add_rivals(lint, thread, (enum qrt_sched_role)role, &turns);
	return turns;
}

static void check_turns(struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t i, threads = qrt_sched_p_lint_threads(lint, role);

	for (i = 0; i < threads; i++) {
		struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, i);
		struct turns turns = count_turns(lint, &thread);
		int cpus = qrt_sched_cpus_count(&thread.cpus);
		const char *slowest = qrt_sched_role_name(turns.slowest.role);

		if (!cpus || turns.sum_ns / cpus <= LONG_NS)
			continue;
		qrt_sched_p_lint_find(
			lint, QRT_SCHED_WARNING,
			qrt_sched_p_plan_line(lint->plan, turns.slowest.role, QRT_SCHED_P_KEY_NICE),
			"long-turns",
			"%s %u can wait %lld ms for its turn: %u threads of priority %d have quanta on its "
			"CPUs, %s %u one of %lld ms",
			qrt_sched_role_name(role), i, (long long)(turns.sum_ns / cpus / 1000000),
			turns.threads, thread.setting.priority, slowest, turns.slowest.index,
			(long long)(turns.slowest_ns / 1000000));
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(
			lint, "raise %s_nice: 19 is 4 ms, 0 is 100 ms; or give %s a priority of its own",
			slowest, qrt_sched_role_name(role));
		return; /* said once a role */
	}
}

void qrt_sched_p_lint_quantum(struct qrt_sched_p_lint *lint)
{
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		check_unused(lint, (enum qrt_sched_role)role);
		check_lone(lint, (enum qrt_sched_role)role);
		check_turns(lint, (enum qrt_sched_role)role);
	}
}
