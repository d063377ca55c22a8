/* SPDX-License-Identifier: MIT */
#include "setting_p.h"

#include "cpus_p.h"
#include "sys_p.h"

#include <errno.h>
#include <string.h>

static const struct {
	uint32_t policy;
	const char *name;
	int urgency; /* where it does not follow from the priority */
} policies[] = {
	{QRT_SCHED_POLICY_FIFO, "fifo", 0},   {QRT_SCHED_POLICY_RR, "rr", 0},
	{QRT_SCHED_POLICY_OTHER, "other", 0}, {QRT_SCHED_POLICY_BATCH, "batch", -1},
	{QRT_SCHED_POLICY_IDLE, "idle", -2},  {QRT_SCHED_POLICY_DEADLINE, "deadline", 100},
};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

const char *qrt_sched_policy_name(uint32_t policy)
{
	size_t i;

	for (i = 0; i < POLICIES; i++) {
		if (policies[i].policy == policy)
			return policies[i].name;
	}
	return NULL;
}

int qrt_sched_policy_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < POLICIES; i++) {
		if (!strcmp(policies[i].name, name))
			return (int)policies[i].policy;
	}
	return -ENOENT;
}

int qrt_sched_p_policy_is_rt(uint32_t policy)
{
	return policy == QRT_SCHED_POLICY_FIFO || policy == QRT_SCHED_POLICY_RR;
}

int qrt_sched_p_policy_is_fair(uint32_t policy)
{
	return policy == QRT_SCHED_POLICY_OTHER || policy == QRT_SCHED_POLICY_BATCH;
}

int qrt_sched_p_urgency(uint32_t policy, int32_t priority)
{
	size_t i;

	if (qrt_sched_p_policy_is_rt(policy))
		return priority;
	for (i = 0; i < POLICIES; i++) {
		if (policies[i].policy == policy)
			return policies[i].urgency;
	}
	return 0;
}

int qrt_sched_p_setting_urgency(const struct qrt_sched_setting *setting)
{
	return qrt_sched_p_urgency(setting->policy, setting->priority);
}

static void set_times(struct qrt_sched_setting *setting, uint64_t runtime, uint64_t deadline, uint64_t period)
{
	setting->runtime_ns = runtime;
	setting->deadline_ns = deadline;
	setting->period_ns = period;
}

void qrt_sched_p_setting_normalise(struct qrt_sched_setting *setting)
{
	if (setting->policy == QRT_SCHED_POLICY_DEADLINE)
		return;
	if (!qrt_sched_p_policy_is_rt(setting->policy))
		setting->priority = 0;
	else if (setting->priority < 1)
		setting->priority = 1;
	set_times(setting, qrt_sched_p_policy_is_fair(setting->policy) ? setting->runtime_ns : 0, 0, 0);
}

int qrt_sched_p_policy_keeps_times(uint32_t before, uint32_t after)
{
	return before == after || (qrt_sched_p_policy_is_fair(before) && qrt_sched_p_policy_is_fair(after));
}

static void overlay_policy(struct qrt_sched_setting *setting, const struct qrt_sched_setting *from)
{
	/* A slice is no runtime of a deadline, nor the other way round. */
	if (!qrt_sched_p_policy_keeps_times(setting->policy, from->policy))
		set_times(setting, 0, 0, 0);
	setting->policy = from->policy;
	if (from->policy == QRT_SCHED_POLICY_DEADLINE && !(from->set & QRT_SCHED_SET_FLAGS)) {
		setting->flags |= QRT_SCHED_FLAG_RESET_ON_FORK;
		setting->set |= QRT_SCHED_SET_FLAGS;
	}
}

void qrt_sched_p_setting_overlay(struct qrt_sched_setting *setting, const struct qrt_sched_setting *from)
{
	if (from->set & QRT_SCHED_SET_POLICY)
		overlay_policy(setting, from);
	if (from->set & QRT_SCHED_SET_PRIORITY)
		setting->priority = from->priority;
	if (from->set & QRT_SCHED_SET_NICE)
		setting->nice = from->nice;
	if (from->set & QRT_SCHED_SET_FLAGS)
		setting->flags = from->flags;
	if (from->set & QRT_SCHED_SET_CPUS)
		setting->cpus = from->cpus;
	if (from->set & QRT_SCHED_SET_TIMES)
		set_times(setting, from->runtime_ns, from->deadline_ns, from->period_ns);
	if (from->set & QRT_SCHED_SET_IOPRIO)
		setting->ioprio = from->ioprio;
	setting->set |= from->set;
}

static int is_priority_legal(const struct qrt_sched_setting *s)
{
	if (s->priority < 0 || s->priority > 99)
		return 0;
	if (!(s->set & QRT_SCHED_SET_POLICY) || s->policy == QRT_SCHED_POLICY_DEADLINE)
		return 1;
	return qrt_sched_p_policy_is_rt(s->policy) ? s->priority > 0 : s->priority == 0;
}

static int is_slice_legal(const struct qrt_sched_setting *s)
{
	return !s->deadline_ns && !s->period_ns &&
	       (!s->runtime_ns ||
		(s->runtime_ns >= QRT_SCHED_P_SLICE_MIN_NS && s->runtime_ns <= QRT_SCHED_P_SLICE_MAX_NS));
}

static int is_deadline_legal(const struct qrt_sched_setting *s)
{
	return s->runtime_ns >= QRT_SCHED_P_RUNTIME_MIN_NS && s->runtime_ns <= s->deadline_ns &&
	       s->deadline_ns <= s->period_ns && s->period_ns <= (uint64_t)INT64_MAX;
}

int qrt_sched_p_times_are_legal(const struct qrt_sched_setting *s)
{
	if (!(s->set & QRT_SCHED_SET_POLICY))
		return is_slice_legal(s) || is_deadline_legal(s);
	if (s->policy == QRT_SCHED_POLICY_DEADLINE)
		return is_deadline_legal(s);
	if (qrt_sched_p_policy_is_fair(s->policy))
		return is_slice_legal(s);
	return !s->runtime_ns && !s->deadline_ns && !s->period_ns;
}

int qrt_sched_p_setting_check(const struct qrt_sched_setting *s)
{
	if (s->set & ~QRT_SCHED_SET_ALL)
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_POLICY) && !qrt_sched_policy_name(s->policy))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_PRIORITY) && !is_priority_legal(s))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_NICE) && (s->nice < -20 || s->nice > 19))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_FLAGS) && (s->flags & ~QRT_SCHED_FLAG_RESET_ON_FORK))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_CPUS) && !qrt_sched_cpus_count(&s->cpus))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_TIMES) && !qrt_sched_p_times_are_legal(s))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_IOPRIO) && !qrt_sched_p_ioprio_is_legal(s->ioprio))
		return -EINVAL;
	return 0;
}

static int are_cpus_different(const struct qrt_sched_cpus *want, const struct qrt_sched_cpus *have,
			      const struct qrt_sched_cpus *online)
{
	struct qrt_sched_cpus masked = *want;

	if (online)
		qrt_sched_p_cpus_and(&masked, online);
	return !qrt_sched_p_cpus_equal(&masked, have);
}

static int are_times_different(uint32_t policy, const struct qrt_sched_setting *want,
			       const struct qrt_sched_setting *have)
{
	if (policy == QRT_SCHED_POLICY_DEADLINE)
		return want->runtime_ns != have->runtime_ns || want->deadline_ns != have->deadline_ns ||
		       want->period_ns != have->period_ns;
	if (!qrt_sched_p_policy_is_fair(policy) || !want->runtime_ns || want->runtime_ns == have->runtime_ns)
		return 0;
	/* None can be the kernel's own, or that it has none to give: then nobody deviates. */
	return have->runtime_ns || qrt_sched_p_kernel_slice();
}

uint32_t qrt_sched_setting_compare(const struct qrt_sched_setting *want, const struct qrt_sched_setting *have,
				   const struct qrt_sched_cpus *online)
{
	uint32_t policy = want->set & QRT_SCHED_SET_POLICY ? want->policy : have->policy;
	uint32_t different = 0;

	if (want->policy != have->policy)
		different |= QRT_SCHED_SET_POLICY;
	if (qrt_sched_p_policy_is_rt(policy) && want->priority != have->priority)
		different |= QRT_SCHED_SET_PRIORITY;
	if (qrt_sched_p_policy_is_fair(policy) && want->nice != have->nice)
		different |= QRT_SCHED_SET_NICE;
	if (want->flags != have->flags)
		different |= QRT_SCHED_SET_FLAGS;
	if ((want->set & QRT_SCHED_SET_CPUS) && are_cpus_different(&want->cpus, &have->cpus, online))
		different |= QRT_SCHED_SET_CPUS;
	if (are_times_different(policy, want, have))
		different |= QRT_SCHED_SET_TIMES;
	if (want->ioprio != have->ioprio)
		different |= QRT_SCHED_SET_IOPRIO;
	return (different | (~have->set & QRT_SCHED_SET_ALL)) & want->set;
}

static int is_refusal_of_deadline(int refusal)
{
	return refusal == -EPERM || refusal == -EACCES || refusal == -EBUSY || refusal == -EINVAL ||
	       refusal == -EOPNOTSUPP;
}

int qrt_sched_setting_get_fallback(const struct qrt_sched_setting *setting, int refusal,
				   struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_setting fallback = *setting;

	if (!(setting->set & QRT_SCHED_SET_POLICY) || setting->policy != QRT_SCHED_POLICY_DEADLINE ||
	    !is_refusal_of_deadline(refusal))
		return -ENOENT;
	fallback.policy = QRT_SCHED_POLICY_FIFO;
	fallback.set |= QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_TIMES | QRT_SCHED_SET_FLAGS;
	if (!(setting->set & QRT_SCHED_SET_FLAGS))
		fallback.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	if (!(setting->set & QRT_SCHED_SET_PRIORITY))
		fallback.priority = 0;
	qrt_sched_p_setting_normalise(&fallback);
	*ret_setting = fallback;
	return 0;
}
