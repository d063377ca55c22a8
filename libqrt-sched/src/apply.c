/* SPDX-License-Identifier: MIT */
/* Gives a thread its setting: the only file that changes how a thread runs. */
#include <errno.h>
#include <string.h>

#include "error_p.h"
#include "setting_p.h"
#include "state_p.h"

static int check_ranges(const struct qrt_sched_setting *s, struct qrt_sched_error *reterr)
{
	if ((s->set & QRT_SCHED_SET_NICE) && (s->nice < -20 || s->nice > 19))
		return qrt_sched_p_error(reterr, -EINVAL, "nice %d is not within -20..19", s->nice);
	if ((s->set & QRT_SCHED_SET_FLAGS) && (s->flags & ~QRT_SCHED_FLAG_RESET_ON_FORK))
		return qrt_sched_p_error(reterr, -EINVAL, "unknown flags 0x%x", s->flags);
	if ((s->set & QRT_SCHED_SET_CPUS) && !qrt_sched_cpus_count(&s->cpus))
		return qrt_sched_p_error(reterr, -EINVAL, "no CPU is named: name one or more");
	if ((s->set & QRT_SCHED_SET_IOPRIO) && s->ioprio >> 13 > QRT_SCHED_IOPRIO_IDLE)
		return qrt_sched_p_error(reterr, -EINVAL, "unknown I/O priority 0x%x", s->ioprio);
	return 0;
}

static int check_members(const struct qrt_sched_setting *s, struct qrt_sched_error *reterr)
{
	if (s->set & ~QRT_SCHED_SET_ALL)
		return qrt_sched_p_error(reterr, -EINVAL, "unknown members 0x%x in 'set'",
					 s->set & ~QRT_SCHED_SET_ALL);
	if ((s->set & QRT_SCHED_SET_POLICY) && !qrt_sched_policy_name(s->policy))
		return qrt_sched_p_error(reterr, -EINVAL, "unknown policy %u", s->policy);
	return check_ranges(s, reterr);
}

enum step { STEP_CPUS, STEP_ATTR, STEP_NICE, STEP_IOPRIO };
#define STEPS 4

static int is_refused(int rc)
{
	return rc == -EPERM || rc == -EACCES;
}

static int take_nice(pid_t tid, const struct qrt_sched_p_state *from, const struct qrt_sched_p_state *to)
{
	int rc;

	if (from->nice == to->nice || qrt_sched_p_policy_is_fair(to->attr.policy))
		return 0;
	/* Nothing follows from this value while the policy is what it is, so that being refused it is no
	 * failure. */
	rc = qrt_sched_p_sys->set_nice(tid, to->nice);
	return is_refused(rc) ? 0 : rc;
}

#define UNHEARD_NS UINT64_C(1100000000) /* the shortest runtime in it is a share that rounds to 0 */

/*
 * The share of a thread that sleeps while somebody takes it out of DEADLINE is never free again: no other
 * gets it until the CPUs are partitioned anew (seen with Linux 6.18). So it leaves with a share of nothing;
 * where the kernel's longest period is too short for that, with next to nothing.
 */
static int give_back_share(pid_t tid, const struct qrt_sched_p_attr *from)
{
	struct qrt_sched_p_attr least = *from;
	int rc;

	least.runtime = QRT_SCHED_P_RUNTIME_MIN_NS;
	least.deadline = least.period = UNHEARD_NS;
	rc = qrt_sched_p_sys->set_attr(tid, &least);
	if (rc != -EINVAL)
		return rc;
	least.deadline = from->deadline;
	least.period = from->period;
	return qrt_sched_p_sys->set_attr(tid, &least);
}

/* What a thread would not leave behind by itself: its share, and its slice, which IDLE would use. Who may
 * not make it do so may still make it leave. RETURN 1: its attributes are others now; 0: as they were. */
static int empty_pockets(pid_t tid, const struct qrt_sched_p_attr *from)
{
	struct qrt_sched_p_attr least = *from;
	int rc;

	if (from->policy == QRT_SCHED_POLICY_DEADLINE) {
		rc = give_back_share(tid, from);
	} else if (qrt_sched_p_policy_is_fair(from->policy) && from->runtime) {
		least.runtime = 0;
		rc = qrt_sched_p_sys->set_attr(tid, &least);
	} else {
		return 0;
	}
	if (rc < 0)
		return is_refused(rc) ? 0 : rc;
	return 1;
}

static int take_attr(pid_t tid, const struct qrt_sched_p_attr *from, const struct qrt_sched_p_attr *to)
{
	int rc, is_emptied;

	if (qrt_sched_p_attr_is_same(from, to))
		return 0;
	if (qrt_sched_p_policy_keeps_times(from->policy, to->policy))
		return qrt_sched_p_sys->set_attr(tid, to);
	is_emptied = empty_pockets(tid, from);
	if (is_emptied < 0)
		return is_emptied;
	rc = qrt_sched_p_sys->set_attr(tid, to);
	if (rc < 0 && is_emptied)
		qrt_sched_p_sys->set_attr(tid, from);
	return rc;
}

static int take(enum step step, pid_t tid, const struct qrt_sched_p_state *from,
		const struct qrt_sched_p_state *to)
{
	switch (step) {
	case STEP_CPUS:
		if (!memcmp(&from->cpus, &to->cpus, sizeof(to->cpus)))
			return 0;
		return qrt_sched_p_sys->set_cpus(tid, &to->cpus);
	case STEP_ATTR:
		return take_attr(tid, &from->attr, &to->attr);
	case STEP_IOPRIO:
		return from->ioprio == to->ioprio ? 0 : qrt_sched_p_sys->set_ioprio(tid, to->ioprio);
	default:
		return take_nice(tid, from, to);
	}
}

/* Between two of the same policy and priority, the nice value decides. */
static int urgency(uint32_t policy, int priority, int nice)
{
	return qrt_sched_p_urgency(policy, priority) * 100 - (qrt_sched_p_policy_is_fair(policy) ? nice : 0);
}

int qrt_sched_p_is_more_urgent(const struct qrt_sched_setting *a, const struct qrt_sched_setting *b)
{
	return urgency(a->policy, a->priority, a->nice) > urgency(b->policy, b->priority, b->nice);
}

static int is_rising(const struct qrt_sched_p_attr *before, const struct qrt_sched_p_attr *after)
{
	return urgency(after->policy, (int)after->priority, after->nice) >
	       urgency(before->policy, (int)before->priority, before->nice);
}

/* What can be refused comes before what cannot: a class of I/O above the thread's own takes a right,
 * which going back takes as well. */
static void plan_steps(const struct qrt_sched_p_state *before, const struct qrt_sched_p_state *after,
		       enum step *order)
{
	static const enum step rising[] = {STEP_CPUS, STEP_ATTR, STEP_NICE};
	static const enum step falling[] = {STEP_ATTR, STEP_NICE, STEP_CPUS};
	int is_io_rising = after->ioprio >> 13 == QRT_SCHED_IOPRIO_RT;

	order[is_io_rising ? 0 : STEPS - 1] = STEP_IOPRIO;
	memcpy(order + is_io_rising, is_rising(&before->attr, &after->attr) ? rising : falling,
	       sizeof(rising));
}

/* Backwards, but the nice value last: policies of time sharing bring theirs along. */
static void undo(pid_t tid, const enum step *order, int taken, const struct qrt_sched_p_state *before,
		 const struct qrt_sched_p_state *after)
{
	int has_nice = 0;

	while (taken-- > 0) {
		if (order[taken] == STEP_NICE)
			has_nice = 1;
		else
			take(order[taken], tid, after, before);
	}
	if (has_nice)
		take(STEP_NICE, tid, after, before);
}

static int change(pid_t tid, const struct qrt_sched_p_state *before, const struct qrt_sched_p_state *after)
{
	enum step order[STEPS];
	int n, rc = 0;

	plan_steps(before, after, order);
	for (n = 0; n < STEPS; n++) {
		rc = take(order[n], tid, before, after);
		if (rc < 0)
			break;
	}
	if (n < STEPS)
		undo(tid, order, n, before, after);
	return rc < 0 ? rc : 0;
}

int qrt_sched_setting_apply(pid_t tid, const struct qrt_sched_setting *setting,
			    struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_state before, after;
	int rc;

	if (tid < 0)
		return qrt_sched_p_error(reterr, -EINVAL, "%d is no thread", (int)tid);
	rc = check_members(setting, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_state_read(tid, setting->set, &before);
	if (rc < 0)
		return qrt_sched_p_refusal(reterr, rc, tid, setting);
	rc = qrt_sched_p_state_merge(&before, setting, &after, reterr);
	if (rc < 0)
		return rc;
	rc = change(tid, &before, &after);
	return rc < 0 ? qrt_sched_p_refusal(reterr, rc, tid, setting) : 0;
}
