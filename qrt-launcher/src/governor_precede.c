/* SPDX-License-Identifier: MIT */
/*
 * Who precedes whom, among VMs that share CPUs.
 *
 * A VM within its share is real-time, whatever it is that it wants: one that wants all there is uses its
 * share up in turns, and one that wants little would wait for such a turn each time it wakes. So who used
 * most of its share steps one priority down as long as one is there who did not: that one finds the CPU free
 * of turns at its own priority, and the other one is still above time sharing. All threads of the VM step
 * together, for their order among each other is the plan's.
 */
#include "governor_p.h"

/* Thousandths of its share that a VM has used most of it with; a verdict changes this far from it. */
#define MOST   500
#define MARGIN 50

/* Thousandths of a CPU, summed up. */
struct part {
	uint64_t share, used;
};

static bool is_on(const struct governor_party *party, int cpu)
{
	size_t i;

	for (i = 0; i < party->shares_count; i++) {
		if (party->shares[i].cpu == cpu)
			return true;
	}
	return false;
}

/* On the CPUs where the other one was, too. */
static struct part get_part(const struct governor *governor, const struct governor_party *party,
			    const struct governor_party *other)
{
	struct qrt_sched_verdict verdict;
	struct part part = {0, 0};
	size_t i;

	for (i = 0; i < party->shares_count; i++) {
		const struct governor_share *share = &party->shares[i];

		if (!is_on(other, share->cpu))
			continue;
		verdict = governor_court_get_share(governor, share);
		part.share += verdict.share;
		part.used += verdict.average;
	}
	return part;
}

static bool has_used(const struct part *part, uint64_t thousandths)
{
	return part->used * 1000 >= part->share * thousandths;
}

static bool gives_way(const struct governor *governor, const struct governor_party *rival)
{
	struct part own = get_part(governor, governor->own, rival);
	struct part other = get_part(governor, rival, governor->own);

	/* Nobody has to be let pass who does nothing. */
	if (!other.used)
		return false;
	if (governor->gives_way)
		return has_used(&own, MOST - MARGIN) && !has_used(&other, MOST + MARGIN);
	return has_used(&own, MOST) && !has_used(&other, MOST);
}

static bool has_priority(const struct governor_task *task)
{
	return task->planned.set & QRT_SCHED_SET_PRIORITY &&
	       (task->planned.policy == QRT_SCHED_POLICY_FIFO || task->planned.policy == QRT_SCHED_POLICY_RR);
}

bool governor_precede_steps(const struct governor_task *task)
{
	return has_priority(task) && task->planned.priority > 1;
}

/* Below priority 1 there is time sharing only, and that is for who is over. */
static bool has_room(const struct governor *governor)
{
	size_t i;

	/* Who takes or gives a preempt lock meanwhile would get another priority than its own. */
	if (!governor->may_settle)
		return false;
	for (i = 0; i < governor->own->count; i++) {
		if (has_priority(&governor->own->tasks[i]) &&
		    !governor_precede_steps(&governor->own->tasks[i]))
			return false;
	}
	return true;
}

void governor_precede(struct governor *governor)
{
	bool does = false;
	size_t i;

	if (governor_court_sits(governor, GOVERNOR_SHARE) && has_room(governor)) {
		for (i = 0; i < governor->rivals_count && !does; i++)
			does = gives_way(governor, governor->rivals[i]);
	}
	governor->gives_way = does;
}

struct qrt_sched_setting governor_precede_limit(const struct governor *governor,
						const struct governor_task *task)
{
	struct qrt_sched_setting limit = {0};

	if (task->over)
		return governor->sharing;
	if (task->is_lower) {
		limit.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
		limit.policy = task->planned.policy;
		limit.priority = task->planned.priority - 1;
	}
	return limit;
}
