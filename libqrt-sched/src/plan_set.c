/* SPDX-License-Identifier: MIT */
/* Setting members of a plan by a program instead of by options. */
#include "plan_p.h"
#include "setting_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The keys that say a member. */
static const struct {
	uint32_t member;
	enum qrt_sched_p_key key;
} members[] = {
	{QRT_SCHED_SET_CPUS, QRT_SCHED_P_KEY_BIAS},     {QRT_SCHED_SET_POLICY, QRT_SCHED_P_KEY_SCHED},
	{QRT_SCHED_SET_PRIORITY, QRT_SCHED_P_KEY_PRIO}, {QRT_SCHED_SET_NICE, QRT_SCHED_P_KEY_NICE},
	{QRT_SCHED_SET_TIMES, QRT_SCHED_P_KEY_RUNTIME}, {QRT_SCHED_SET_TIMES, QRT_SCHED_P_KEY_DEADLINE},
	{QRT_SCHED_SET_TIMES, QRT_SCHED_P_KEY_PERIOD},  {QRT_SCHED_SET_IOPRIO, QRT_SCHED_P_KEY_IOPRIO},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* A slice has neither deadline nor period. */
static int is_said(const struct qrt_sched_setting *s, size_t i)
{
	if (members[i].key == QRT_SCHED_P_KEY_DEADLINE || members[i].key == QRT_SCHED_P_KEY_PERIOD)
		return (s->set & QRT_SCHED_SET_TIMES) && s->deadline_ns;
	return (s->set & members[i].member) != 0;
}

static union qrt_sched_p_value value_of(const struct qrt_sched_setting *s, enum qrt_sched_p_key key)
{
	union qrt_sched_p_value value;

	memset(&value, 0, sizeof(value));
	switch (key) {
	case QRT_SCHED_P_KEY_BIAS:
		value.cpus = s->cpus;
		break;
	case QRT_SCHED_P_KEY_SCHED:
		value.number = (int32_t)s->policy;
		break;
	case QRT_SCHED_P_KEY_PRIO:
		value.number = s->priority;
		break;
	case QRT_SCHED_P_KEY_RUNTIME:
		value.number = (int32_t)(s->runtime_ns / 1000);
		break;
	case QRT_SCHED_P_KEY_DEADLINE:
		value.number = (int32_t)(s->deadline_ns / 1000);
		break;
	case QRT_SCHED_P_KEY_PERIOD:
		value.number = (int32_t)(s->period_ns / 1000);
		break;
	case QRT_SCHED_P_KEY_IOPRIO:
		value.number = (int32_t)s->ioprio;
		break;
	default:
		value.number = s->nice;
		break;
	}
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

/* A plan speaks of microseconds. */
static int is_said_in_us(const struct qrt_sched_setting *s)
{
	const uint64_t longest = (uint64_t)QRT_SCHED_P_TIME_MAX * 1000;

	if (!(s->set & QRT_SCHED_SET_TIMES))
		return 1;
	if (s->runtime_ns % 1000 || s->deadline_ns % 1000 || s->period_ns % 1000)
		return 0;
	if (!s->deadline_ns)
		return 1;
	return s->period_ns <= longest && s->period_ns >= 100000;
}

static int check(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		 const struct qrt_sched_setting *s)
{
	size_t i;

	if ((unsigned)role >= QRT_SCHED_ROLES || index >= QRT_SCHED_P_VALUES_MAX)
		return -EINVAL;
	if (qrt_sched_p_setting_check(s) < 0 || (s->set & QRT_SCHED_SET_FLAGS) || !is_said_in_us(s))
		return -EINVAL;
	/* A plan has no holes: a value for thread 2 needs one for threads 0 and 1. */
	for (i = 0; i < MEMBERS; i++) {
		if (index && is_said(s, i) && !plan->lists[role][members[i].key].count)
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
		union qrt_sched_p_value value = value_of(setting, members[i].key);

		if (is_said(setting, i))
			r = set_from(&scratch, role, members[i].key, index, &value);
	}
	return qrt_sched_p_plan_commit(plan, &scratch, r, NULL);
}
