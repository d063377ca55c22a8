/* SPDX-License-Identifier: MIT */
#include "plan_p.h"

#include "error_p.h"
#include "role_p.h"
#include "setting_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void set_initial(struct qrt_sched_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->pi_mutexes = 1;
}

int qrt_sched_plan_new(struct qrt_sched_plan **ret_plan)
{
	struct qrt_sched_plan *plan = malloc(sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	set_initial(plan);
	*ret_plan = plan;
	return 0;
}

int qrt_sched_plan_copy(const struct qrt_sched_plan *plan, struct qrt_sched_plan **ret_plan)
{
	struct qrt_sched_plan *copy;
	int r = qrt_sched_plan_new(&copy);

	if (r < 0)
		return r;
	r = qrt_sched_p_plan_copy(copy, plan);
	if (r < 0)
		qrt_sched_plan_close(copy);
	else
		*ret_plan = copy;
	return r;
}

void qrt_sched_p_plan_clear(struct qrt_sched_plan *plan)
{
	int role, key;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++)
			free(plan->lists[role][key].values);
	}
	set_initial(plan);
}

struct qrt_sched_plan *qrt_sched_plan_close(struct qrt_sched_plan *plan)
{
	if (plan)
		qrt_sched_p_plan_clear(plan);
	free(plan);
	return NULL;
}

void qrt_sched_p_plan_move(struct qrt_sched_plan *to, struct qrt_sched_plan *from)
{
	qrt_sched_p_plan_clear(to);
	*to = *from;
	set_initial(from);
}

int qrt_sched_p_plan_commit(struct qrt_sched_plan *plan, struct qrt_sched_plan *scratch, int r,
			    struct qrt_sched_error *reterr)
{
	if (r >= 0 && !qrt_sched_p_plan_fits(scratch))
		r = qrt_sched_p_error(reterr, -ERANGE,
				      "the plan as a whole gets longer than 64 KiB: shorten it");
	if (r >= 0)
		qrt_sched_p_plan_move(plan, scratch);
	else
		qrt_sched_p_plan_clear(scratch);
	return r;
}

static int copy_lists(struct qrt_sched_plan *to, const struct qrt_sched_plan *from)
{
	int role, key, r;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			const struct qrt_sched_p_list *list = &from->lists[role][key];

			if (!list->count)
				continue;
			r = qrt_sched_p_plan_set_list(to, role, key, list->values, list->count, list->line);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int qrt_sched_p_plan_copy(struct qrt_sched_plan *to, const struct qrt_sched_plan *from)
{
	struct qrt_sched_plan copy = *from;
	int r;

	memset(copy.lists, 0, sizeof(copy.lists));
	r = copy_lists(&copy, from);
	if (r < 0)
		qrt_sched_p_plan_clear(&copy);
	else
		qrt_sched_p_plan_move(to, &copy);
	return r;
}

int qrt_sched_p_plan_set_list(struct qrt_sched_plan *plan, enum qrt_sched_role role, enum qrt_sched_p_key key,
			      const union qrt_sched_p_value *values, uint32_t count, uint32_t line)
{
	struct qrt_sched_p_list *list = &plan->lists[role][key];
	union qrt_sched_p_value *copy = malloc(count * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, values, count * sizeof(*copy));
	free(list->values);
	*list = (struct qrt_sched_p_list){.count = count, .line = line, .values = copy};
	return 0;
}

int qrt_sched_p_plan_set_number(struct qrt_sched_plan *plan, enum qrt_sched_role role,
				enum qrt_sched_p_key key, int32_t number, uint32_t line)
{
	union qrt_sched_p_value value;

	memset(&value, 0, sizeof(value));
	value.number = number;
	return qrt_sched_p_plan_set_list(plan, role, key, &value, 1, line);
}

const union qrt_sched_p_value *qrt_sched_p_plan_value(const struct qrt_sched_plan *plan,
						      enum qrt_sched_role role, enum qrt_sched_p_key key,
						      uint32_t index)
{
	const struct qrt_sched_p_list *list = &plan->lists[role][key];

	if (!list->count)
		return NULL;
	return &list->values[index < list->count ? index : list->count - 1];
}

uint32_t qrt_sched_p_plan_line(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
			       enum qrt_sched_p_key key)
{
	return plan->lists[role][key].line;
}

uint32_t qrt_sched_p_plan_width(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	uint32_t width = 0;
	int key;

	for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
		if (key != QRT_SCHED_P_KEY_NAME && plan->lists[role][key].count > width)
			width = plan->lists[role][key].count;
	}
	return width;
}

/* Policy and priority imply each other where only one of them was said. */
static void get_urgency(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
			struct qrt_sched_setting *s)
{
	const union qrt_sched_p_value *policy, *priority;

	policy = qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_SCHED, index);
	priority = qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_PRIO, index);
	if (!policy && !priority)
		return;
	s->set |= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
	if (policy)
		s->policy = (uint32_t)policy->number;
	else
		s->policy = priority->number > 0 ? QRT_SCHED_POLICY_FIFO : QRT_SCHED_POLICY_OTHER;
	if (priority)
		s->priority = priority->number;
	else
		s->priority = qrt_sched_p_policy_is_rt(s->policy) ? 1 : 0;
}

int qrt_sched_plan_get(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		       struct qrt_sched_setting *ret_setting)
{
	const union qrt_sched_p_value *nice, *cpus, *ioprio;
	struct qrt_sched_setting s = {0};

	if ((unsigned)role >= QRT_SCHED_ROLES)
		return -EINVAL;
	get_urgency(plan, role, index, &s);
	nice = qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_NICE, index);
	if (nice) {
		s.set |= QRT_SCHED_SET_NICE;
		s.nice = nice->number;
	}
	cpus = qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_BIAS, index);
	if (cpus) {
		s.set |= QRT_SCHED_SET_CPUS;
		s.cpus = cpus->cpus;
	}
	ioprio = qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_IOPRIO, index);
	if (ioprio) {
		s.set |= QRT_SCHED_SET_IOPRIO;
		s.ioprio = (uint32_t)ioprio->number;
	}
	qrt_sched_p_plan_get_times(plan, role, index, &s);
	*ret_setting = s;
	return 0;
}

int qrt_sched_plan_get_count(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	uint32_t count = 0;
	int key;

	if ((unsigned)role >= QRT_SCHED_ROLES)
		return -EINVAL;
	for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
		if (plan->lists[role][key].count > count)
			count = plan->lists[role][key].count;
	}
	return (int)count;
}

int qrt_sched_plan_has(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	return qrt_sched_plan_get_count(plan, role) > 0;
}

static int has_pattern(const struct qrt_sched_plan *plan, int role, const char *name)
{
	const struct qrt_sched_p_list *list = &plan->lists[role][QRT_SCHED_P_KEY_NAME];
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (qrt_sched_p_name_matches(list->values[i].pattern, name))
			return 1;
	}
	return 0;
}

int qrt_sched_plan_classify(const struct qrt_sched_plan *plan, const char *thread_name, int32_t *ret_index)
{
	const char *name = thread_name ? thread_name : "";
	int known, role;
	int32_t index;

	known = qrt_sched_p_role_of_name(name, &index);
	for (role = 0; plan && role < QRT_SCHED_ROLES; role++) {
		if (!has_pattern(plan, role, name))
			continue;
		if (known != role)
			index = role == QRT_SCHED_ROLE_VCPU ? qrt_sched_p_number_at_end(name) : -1;
		*ret_index = index;
		return role;
	}
	*ret_index = index;
	return known;
}
