/* SPDX-License-Identifier: MIT */
#include "error_p.h"
#include "plan_p.h"
#include "setting_p.h"

#include <errno.h>

static int refuse_times(const struct qrt_sched_setting *s, const char *role, uint32_t index,
			struct qrt_sched_error *reterr)
{
	if (s->policy != QRT_SCHED_POLICY_DEADLINE)
		return qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"%s %u: a slice of %llu us does not exist: give %s_runtime 100..100000, "
			"or 0",
			role, index, (unsigned long long)s->runtime_ns / 1000, role);
	if (!s->runtime_ns)
		return qrt_sched_p_error(reterr, -EOPNOTSUPP,
					 "%s %u: deadline without a runtime: give %s_runtime and %s_period",
					 role, index, role, role);
	return qrt_sched_p_error(
		reterr, -EOPNOTSUPP,
		"%s %u: runtime %llu, deadline %llu, period %llu us: none may be longer than the "
		"next",
		role, index, (unsigned long long)s->runtime_ns / 1000,
		(unsigned long long)s->deadline_ns / 1000, (unsigned long long)s->period_ns / 1000);
}

static int check_thread(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
			struct qrt_sched_error *reterr)
{
	const char *name = qrt_sched_role_name(role);
	struct qrt_sched_setting s = {0};

	qrt_sched_plan_get(plan, role, index, &s);
	if (qrt_sched_p_plan_has_bad_times(plan, role, index))
		return refuse_times(&s, name, index, reterr);
	if (qrt_sched_p_plan_contradicts(plan, role, index))
		return qrt_sched_p_error(reterr, -EOPNOTSUPP, "%s %u: %s with priority %d does not exist: %s",
					 name, index, qrt_sched_policy_name(s.policy), s.priority,
					 s.priority ? "give fifo or rr, or priority 0"
						    : "give a priority of 1..99");
	return 0;
}

static int check_role(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
		      struct qrt_sched_error *reterr)
{
	uint32_t index, width = qrt_sched_p_plan_width(plan, role);
	int r = 0;

	for (index = 0; r == 0 && index < width; index++)
		r = check_thread(plan, role, index, reterr);
	return r;
}

int qrt_sched_plan_supported(const struct qrt_sched_plan *plan, struct qrt_sched_error *reterr)
{
	int role, r = 0;

	if (plan->pvsched) {
		r = qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"pvsched=on: paravirtual scheduling comes in a later version; leave it out");
		if (reterr)
			reterr->line = plan->pvsched_line;
		return r;
	}
	for (role = 0; r == 0 && role < QRT_SCHED_ROLES; role++)
		r = check_role(plan, role, reterr);
	return r;
}
