/* SPDX-License-Identifier: MIT */
/* Setting members of a plan by a program instead of by options. */
#include "plan_p.h"
#include "setting_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint32_t member;
	enum qrt_sched_p_key key;
} members[] = {
	{QRT_SCHED_SET_CPUS, QRT_SCHED_P_KEY_BIAS},
	{QRT_SCHED_SET_POLICY, QRT_SCHED_P_KEY_SCHED},
	{QRT_SCHED_SET_PRIORITY, QRT_SCHED_P_KEY_PRIO},
	{QRT_SCHED_SET_NICE, QRT_SCHED_P_KEY_NICE},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static union qrt_sched_p_value value_of(const struct qrt_sched_setting *s, uint32_t member)
{
	union qrt_sched_p_value value;

	memset(&value, 0, sizeof(value));
	if (member == QRT_SCHED_SET_CPUS)
		value.cpus = s->cpus;
	else if (member == QRT_SCHED_SET_POLICY)
		value.number = (int32_t)s->policy;
	else if (member == QRT_SCHED_SET_PRIORITY)
		value.number = s->priority;
	else
		value.number = s->nice;
	return value;
}

/* The values of the threads below stay, a list that is too short repeats its last one up to there. */
static int set_from(struct qrt_sched_plan *plan, enum qrt_sched_role role, enum qrt_sched_p_key key,
		    uint32_t index, const union qrt_sched_p_value *value)
{
	union qrt_sched_p_value *values = malloc((index + 1) * sizeof(*values));
	uint32_t i;
	int r;

	if (!values)
		return -ENOMEM;
	for (i = 0; i < index; i++)
		values[i] = *qrt_sched_p_plan_value(plan, role, key, i);
	values[index] = *value;
	r = qrt_sched_p_plan_set_list(plan, role, key, values, index + 1, 0);
	free(values);
	return r;
}

static int check(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		 const struct qrt_sched_setting *s)
{
	size_t i;

	if ((unsigned)role >= QRT_SCHED_ROLES || index >= QRT_SCHED_P_VALUES_MAX)
		return -EINVAL;
	if (qrt_sched_p_setting_check(s) < 0 || (s->set & QRT_SCHED_SET_FLAGS))
		return -EINVAL;
	/* A plan has no holes: a value for thread 2 needs one for threads 0 and 1. */
	for (i = 0; i < MEMBERS; i++) {
		if (index && (s->set & members[i].member) && !plan->lists[role][members[i].key].count)
			return -EINVAL;
	}
	return 0;
}

int qrt_sched_plan_set(struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		       const struct qrt_sched_setting *setting)
{
	struct qrt_sched_plan scratch = {0};
	int r = check(plan, role, index, setting);
	size_t i;

	if (r == 0)
		r = qrt_sched_p_plan_copy(&scratch, plan);
	for (i = 0; r == 0 && i < MEMBERS; i++) {
		union qrt_sched_p_value value = value_of(setting, members[i].member);

		if (setting->set & members[i].member)
			r = set_from(&scratch, role, members[i].key, index, &value);
	}
	return qrt_sched_p_plan_commit(plan, &scratch, r, NULL);
}
