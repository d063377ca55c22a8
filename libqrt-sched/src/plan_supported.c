/* SPDX-License-Identifier: MIT */
#include "error_p.h"
#include "plan_p.h"

#include <errno.h>

static int check_thread(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
			struct qrt_sched_error *reterr)
{
	const char *name = qrt_sched_role_name(role);
	struct qrt_sched_setting s;

	qrt_sched_plan_get(plan, role, index, &s);
	if (qrt_sched_p_plan_contradicts(plan, role, index))
		return qrt_sched_p_error(reterr, -EOPNOTSUPP, "%s %u: %s with priority %d does not exist: %s",
					 name, index, qrt_sched_policy_name(s.policy), s.priority,
					 s.priority ? "give fifo or rr, or priority 0"
						    : "give a priority of 1..99");
	if (s.policy == QRT_SCHED_POLICY_RR && (s.set & QRT_SCHED_SET_NICE) && s.nice != 0)
		return qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"%s_nice=%d under rr: a quantum by nice comes in a later version; leave out "
			"%s_nice, or set sysctl kernel.sched_rr_timeslice_ms=%lld for all",
			name, s.nice, name, (long long)(qrt_sched_quantum_of_nice(s.nice) / 1000000));
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
