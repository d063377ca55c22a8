/* SPDX-License-Identifier: MIT */
#include "state_p.h"

#include "error_p.h"
#include "setting_p.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

/* The kernel's own threads did not ask for another one. In a container there are none: its first process
 * stands for them. */
uint64_t qrt_sched_p_kernel_slice(void)
{
	static const pid_t witnesses[] = {2, 1};
	struct qrt_sched_p_attr attr;
	int i;

	for (i = 0; i < 2; i++) {
		memset(&attr, 0, sizeof(attr));
		if (qrt_sched_p_sys->get_attr(witnesses[i], &attr) >= 0 &&
		    qrt_sched_p_policy_is_fair(attr.policy))
			return attr.runtime;
	}
	return 0;
}

/* Who did not ask for a slice has none: written back as a number it would be one asked for. */
static int read_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	int rc = qrt_sched_p_sys->get_attr(tid, ret_attr);

	if (rc >= 0 && qrt_sched_p_policy_is_fair(ret_attr->policy) && ret_attr->runtime &&
	    ret_attr->runtime == qrt_sched_p_kernel_slice())
		ret_attr->runtime = 0;
	return rc;
}

static void take_attr(struct qrt_sched_setting *setting, const struct qrt_sched_p_attr *attr)
{
	setting->set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_FLAGS |
		       QRT_SCHED_SET_TIMES;
	setting->policy = attr->policy;
	setting->priority = (int32_t)attr->priority;
	setting->flags = attr->flags & SCHED_FLAG_RESET_ON_FORK ? QRT_SCHED_FLAG_RESET_ON_FORK : 0;
	setting->runtime_ns = attr->runtime;
	if (attr->policy == QRT_SCHED_POLICY_DEADLINE) {
		setting->deadline_ns = attr->deadline;
		setting->period_ns = attr->period;
	} else if (!qrt_sched_p_policy_is_fair(attr->policy)) {
		setting->runtime_ns = 0;
	}
}

int qrt_sched_p_setting_read_some(pid_t tid, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_p_attr attr = {0};
	int rc = read_attr(tid, &attr);
	int nice_rc, cpus_rc, ioprio_rc;

	*ret_setting = (struct qrt_sched_setting){0};
	if (rc < 0)
		return rc;
	take_attr(ret_setting, &attr);
	nice_rc = qrt_sched_p_sys->get_nice(tid, &ret_setting->nice);
	if (nice_rc >= 0)
		ret_setting->set |= QRT_SCHED_SET_NICE;
	cpus_rc = qrt_sched_p_sys->get_cpus(tid, &ret_setting->cpus);
	if (cpus_rc >= 0)
		ret_setting->set |= QRT_SCHED_SET_CPUS;
	ioprio_rc = qrt_sched_p_sys->get_ioprio(tid, &ret_setting->ioprio);
	if (ioprio_rc >= 0)
		ret_setting->set |= QRT_SCHED_SET_IOPRIO;
	if (nice_rc < 0)
		return nice_rc;
	return cpus_rc < 0 ? cpus_rc : ioprio_rc;
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

int qrt_sched_p_state_read(pid_t tid, uint32_t set, struct qrt_sched_p_state *ret_state)
{
	int rc;

	memset(ret_state, 0, sizeof(*ret_state));
	rc = read_attr(tid, &ret_state->attr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_sys->get_nice(tid, &ret_state->nice);
	if (rc == -EPERM)
		ret_state->nice = ret_state->attr.nice;
	else if (rc < 0)
		return rc;
	if (set & QRT_SCHED_SET_IOPRIO) {
		rc = qrt_sched_p_sys->get_ioprio(tid, &ret_state->ioprio);
		if (rc < 0)
			return rc;
	}
	return set & QRT_SCHED_SET_CPUS ? qrt_sched_p_sys->get_cpus(tid, &ret_state->cpus) : 0;
}

/* ---- merging ---- */

static int bad_times(struct qrt_sched_error *reterr, const struct qrt_sched_setting *s, uint32_t policy)
{
	if (policy == QRT_SCHED_POLICY_DEADLINE)
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"runtime %llu ns, deadline %llu ns, period %llu ns: give 1024 ns <= runtime <= "
			"deadline <= period",
			(unsigned long long)s->runtime_ns, (unsigned long long)s->deadline_ns,
			(unsigned long long)s->period_ns);
	if (qrt_sched_p_policy_is_fair(policy))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "a slice of %llu ns: give 100 us..100 ms, and no deadline or period",
					 (unsigned long long)s->runtime_ns);
	return qrt_sched_p_error(reterr, -EINVAL,
				 "times need the policy deadline, or other or batch for a slice");
}

static int merge_times(struct qrt_sched_p_attr *attr, const struct qrt_sched_setting *s,
		       struct qrt_sched_error *reterr)
{
	struct qrt_sched_setting times = *s;

	if (!(s->set & QRT_SCHED_SET_TIMES))
		return 0;
	times.set |= QRT_SCHED_SET_POLICY;
	times.policy = attr->policy;
	if (!qrt_sched_p_times_are_legal(&times))
		return bad_times(reterr, s, attr->policy);
	attr->runtime = s->runtime_ns;
	attr->deadline = s->deadline_ns;
	attr->period = s->period_ns;
	return 0;
}

static int enter_policy(struct qrt_sched_p_attr *attr, const struct qrt_sched_setting *s,
			struct qrt_sched_error *reterr)
{
	int is_deadline = s->policy == QRT_SCHED_POLICY_DEADLINE;

	if (is_deadline && !(s->set & QRT_SCHED_SET_TIMES))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "the policy deadline needs its times: runtime, deadline and period");
	if (!qrt_sched_p_policy_keeps_times(attr->policy, s->policy))
		attr->runtime = attr->deadline = attr->period = 0;
	attr->policy = s->policy;
	attr->flags &= SCHED_FLAG_RESET_ON_FORK;
	return 0;
}

static int merge_priority(struct qrt_sched_p_attr *attr, int64_t priority, struct qrt_sched_error *reterr)
{
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

/* Policy, priority and times as they shall be together. */
static int merge_policy(struct qrt_sched_p_attr *attr, const struct qrt_sched_setting *s,
			struct qrt_sched_error *reterr)
{
	int64_t priority = s->set & QRT_SCHED_SET_PRIORITY ? s->priority : (int64_t)attr->priority;
	int rc;

	if ((s->set & QRT_SCHED_SET_POLICY) && s->policy != attr->policy) {
		rc = enter_policy(attr, s, reterr);
		if (rc < 0)
			return rc;
		if (!qrt_sched_p_policy_is_rt(s->policy) && !(s->set & QRT_SCHED_SET_PRIORITY))
			priority = 0;
	}
	/* The setting's is that of the fallback: nothing for the kernel. */
	if (attr->policy == QRT_SCHED_POLICY_DEADLINE && priority >= 0 && priority <= 99)
		priority = 0;
	rc = merge_priority(attr, priority, reterr);
	return rc < 0 ? rc : merge_times(attr, s, reterr);
}

static int resets_on_fork(const struct qrt_sched_setting *s)
{
	if (s->set & QRT_SCHED_SET_FLAGS)
		return (s->flags & QRT_SCHED_FLAG_RESET_ON_FORK) != 0;
	return (s->set & QRT_SCHED_SET_POLICY) && s->policy == QRT_SCHED_POLICY_DEADLINE;
}

static void merge_flags(struct qrt_sched_p_attr *attr, const struct qrt_sched_setting *s)
{
	if (s->set & QRT_SCHED_SET_FLAGS)
		attr->flags &= ~(uint64_t)SCHED_FLAG_RESET_ON_FORK;
	if (resets_on_fork(s))
		attr->flags |= SCHED_FLAG_RESET_ON_FORK;
}

int qrt_sched_p_state_merge(const struct qrt_sched_p_state *before, const struct qrt_sched_setting *setting,
			    struct qrt_sched_p_state *ret_after, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_state after = *before;
	int rc = merge_policy(&after.attr, setting, reterr);

	if (rc < 0)
		return rc;
	merge_flags(&after.attr, setting);
	if (setting->set & QRT_SCHED_SET_NICE)
		after.nice = setting->nice;
	/* The kernel takes the nice value from here only under these policies. */
	after.attr.nice = qrt_sched_p_policy_is_fair(after.attr.policy) ? after.nice : 0;
	if (setting->set & QRT_SCHED_SET_CPUS)
		after.cpus = setting->cpus;
	if (setting->set & QRT_SCHED_SET_IOPRIO)
		after.ioprio = setting->ioprio;
	*ret_after = after;
	return 0;
}

int qrt_sched_p_attr_is_same(const struct qrt_sched_p_attr *a, const struct qrt_sched_p_attr *b)
{
	int is_fair = qrt_sched_p_policy_is_fair(a->policy);

	if (a->policy != b->policy || a->priority != b->priority || a->flags != b->flags)
		return 0;
	if (a->policy == QRT_SCHED_POLICY_DEADLINE)
		return a->runtime == b->runtime && a->deadline == b->deadline && a->period == b->period;
	return !is_fair || (a->nice == b->nice && a->runtime == b->runtime);
}
