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

static int take_nice(pid_t tid, const struct qrt_sched_p_state *from, const struct qrt_sched_p_state *to)
{
	int rc;

	if (from->nice == to->nice || qrt_sched_p_policy_is_fair(to->attr.policy))
		return 0;
	/* Nothing follows from this value while the policy is what it is, so that being refused it is no
	 * failure. */
	rc = qrt_sched_p_sys->set_nice(tid, to->nice);
	return rc == -EPERM || rc == -EACCES ? 0 : rc;
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
		if (qrt_sched_p_attr_is_same(&from->attr, &to->attr))
			return 0;
		return qrt_sched_p_sys->set_attr(tid, &to->attr);
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
	if (n == STEPS)
		return 0;
	while (n-- > 0)
		take(order[n], tid, after, before);
	return rc;
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
