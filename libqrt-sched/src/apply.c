/* SPDX-License-Identifier: MIT */
/* Reads and gives a thread's setting: the only file that changes how a thread runs. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "error_p.h"
#include "setting_p.h"
#include "sys_p.h"

/* All that a change can touch, as the kernel has it. */
struct state {
	struct qrt_sched_p_attr attr;
	int nice; /* the static one: attr.nice is 0 for a real-time thread */
	struct qrt_sched_cpus cpus;
};

int qrt_sched_p_setting_read_some(pid_t tid, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_p_attr attr = {0};
	int rc = qrt_sched_p_sys->get_attr(tid, &attr);
	int nice_rc, cpus_rc;

	*ret_setting = (struct qrt_sched_setting){0};
	if (rc < 0)
		return rc;
	ret_setting->set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_FLAGS;
	ret_setting->policy = attr.policy;
	ret_setting->priority = (int32_t)attr.priority;
	ret_setting->flags = attr.flags & SCHED_FLAG_RESET_ON_FORK ? QRT_SCHED_FLAG_RESET_ON_FORK : 0;
	nice_rc = qrt_sched_p_sys->get_nice(tid, &ret_setting->nice);
	if (nice_rc >= 0)
		ret_setting->set |= QRT_SCHED_SET_NICE;
	cpus_rc = qrt_sched_p_sys->get_cpus(tid, &ret_setting->cpus);
	if (cpus_rc >= 0)
		ret_setting->set |= QRT_SCHED_SET_CPUS;
	return nice_rc < 0 ? nice_rc : cpus_rc;
}

int qrt_sched_setting_read(pid_t tid, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_setting setting;
	int rc = tid < 0 ? -EINVAL : qrt_sched_p_setting_read_some(tid, &setting);

	if (rc < 0)
		return rc;
	*ret_setting = setting;
	return 0;
}

/* What a change needs to know. A seccomp filter can keep the nice value and the CPUs from being read
 * and leave the policy to be changed, which must be possible then. */
static int read_state(pid_t tid, uint32_t set, struct state *ret_state)
{
	int rc;

	memset(ret_state, 0, sizeof(*ret_state));
	rc = qrt_sched_p_sys->get_attr(tid, &ret_state->attr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_sys->get_nice(tid, &ret_state->nice);
	if (rc == -EPERM)
		ret_state->nice = ret_state->attr.nice;
	else if (rc < 0)
		return rc;
	return set & QRT_SCHED_SET_CPUS ? qrt_sched_p_sys->get_cpus(tid, &ret_state->cpus) : 0;
}

static int is_fair(uint32_t policy)
{
	return policy == QRT_SCHED_POLICY_OTHER || policy == QRT_SCHED_POLICY_BATCH;
}

static int check_members(const struct qrt_sched_setting *s, struct qrt_sched_error *reterr)
{
	if (s->set & ~QRT_SCHED_SET_ALL)
		return qrt_sched_p_error(reterr, -EINVAL, "unknown members 0x%x in 'set'",
					 s->set & ~QRT_SCHED_SET_ALL);
	if ((s->set & QRT_SCHED_SET_POLICY) && s->policy != QRT_SCHED_P_POLICY_DEADLINE &&
	    !qrt_sched_policy_name(s->policy))
		return qrt_sched_p_error(reterr, -EINVAL, "unknown policy %u", s->policy);
	if ((s->set & QRT_SCHED_SET_NICE) && (s->nice < -20 || s->nice > 19))
		return qrt_sched_p_error(reterr, -EINVAL, "nice %d is not within -20..19", s->nice);
	if ((s->set & QRT_SCHED_SET_FLAGS) && (s->flags & ~QRT_SCHED_FLAG_RESET_ON_FORK))
		return qrt_sched_p_error(reterr, -EINVAL, "unknown flags 0x%x", s->flags);
	if ((s->set & QRT_SCHED_SET_CPUS) && !qrt_sched_cpus_count(&s->cpus))
		return qrt_sched_p_error(reterr, -EINVAL, "no CPU is named: name one or more");
	return 0;
}

/* Policy and priority as they shall be together. */
static int merge_policy(struct qrt_sched_p_attr *attr, const struct qrt_sched_setting *s,
			struct qrt_sched_error *reterr)
{
	int64_t priority = s->set & QRT_SCHED_SET_PRIORITY ? s->priority : (int64_t)attr->priority;

	if ((s->set & QRT_SCHED_SET_POLICY) && s->policy != attr->policy) {
		if (s->policy == QRT_SCHED_P_POLICY_DEADLINE)
			return qrt_sched_p_error(
				reterr, -EINVAL,
				"the deadline policy cannot be given: its times are not known");
		attr->policy = s->policy;
		attr->runtime = attr->deadline = attr->period = 0;
		attr->flags &= SCHED_FLAG_RESET_ON_FORK;
		if (!qrt_sched_p_policy_is_rt(s->policy) && !(s->set & QRT_SCHED_SET_PRIORITY))
			priority = 0;
	}
	if (qrt_sched_p_policy_is_rt(attr->policy) && (priority < 1 || priority > 99))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "priority %lld of a real-time policy is not within 1..99",
					 (long long)priority);
	if (!qrt_sched_p_policy_is_rt(attr->policy) && priority)
		return qrt_sched_p_error(reterr, -EINVAL, "priority %lld needs the policy fifo or rr",
					 (long long)priority);
	attr->priority = (uint32_t)priority;
	return 0;
}

static int merge(const struct state *before, const struct qrt_sched_setting *s, struct state *ret_after,
		 struct qrt_sched_error *reterr)
{
	struct state after = *before;
	int rc = merge_policy(&after.attr, s, reterr);

	if (rc < 0)
		return rc;
	if (s->set & QRT_SCHED_SET_FLAGS) {
		after.attr.flags &= ~(uint64_t)SCHED_FLAG_RESET_ON_FORK;
		if (s->flags & QRT_SCHED_FLAG_RESET_ON_FORK)
			after.attr.flags |= SCHED_FLAG_RESET_ON_FORK;
	}
	if (s->set & QRT_SCHED_SET_NICE)
		after.nice = s->nice;
	/* The kernel takes the nice value from here only under these policies. */
	after.attr.nice = is_fair(after.attr.policy) ? after.nice : 0;
	if (s->set & QRT_SCHED_SET_CPUS)
		after.cpus = s->cpus;
	*ret_after = after;
	return 0;
}

static int is_same_attr(const struct qrt_sched_p_attr *a, const struct qrt_sched_p_attr *b)
{
	return a->policy == b->policy && a->priority == b->priority && a->flags == b->flags &&
	       (!is_fair(a->policy) || a->nice == b->nice);
}

enum step { STEP_CPUS, STEP_ATTR, STEP_NICE };
#define STEPS 3

static int take(enum step step, pid_t tid, const struct state *from, const struct state *to)
{
	int rc;

	switch (step) {
	case STEP_CPUS:
		if (!memcmp(&from->cpus, &to->cpus, sizeof(to->cpus)))
			return 0;
		return qrt_sched_p_sys->set_cpus(tid, &to->cpus);
	case STEP_ATTR:
		if (is_same_attr(&from->attr, &to->attr))
			return 0;
		return qrt_sched_p_sys->set_attr(tid, &to->attr);
	default:
		if (from->nice == to->nice || is_fair(to->attr.policy))
			return 0;
		/* Nothing follows from this value while the policy is what it is, so that being refused
		 * it is no failure. */
		rc = qrt_sched_p_sys->set_nice(tid, to->nice);
		return rc == -EPERM || rc == -EACCES ? 0 : rc;
	}
}

/* Between two of the same policy and priority, the nice value decides. */
static int urgency(uint32_t policy, int priority, int nice)
{
	return qrt_sched_p_urgency(policy, priority) * 100 - (is_fair(policy) ? nice : 0);
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

static int change(pid_t tid, const struct state *before, const struct state *after)
{
	static const enum step rising[STEPS] = {STEP_CPUS, STEP_ATTR, STEP_NICE};
	static const enum step falling[STEPS] = {STEP_ATTR, STEP_NICE, STEP_CPUS};
	const enum step *order = is_rising(&before->attr, &after->attr) ? rising : falling;
	int n, rc;

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
	struct state before, after;
	int rc;

	if (tid < 0)
		return qrt_sched_p_error(reterr, -EINVAL, "%d is no thread", (int)tid);
	rc = check_members(setting, reterr);
	if (rc < 0)
		return rc;
	rc = read_state(tid, setting->set, &before);
	if (rc < 0)
		return qrt_sched_p_refusal(reterr, rc, tid, setting);
	rc = merge(&before, setting, &after, reterr);
	if (rc < 0)
		return rc;
	rc = change(tid, &before, &after);
	return rc < 0 ? qrt_sched_p_refusal(reterr, rc, tid, setting) : 0;
}
