/* SPDX-License-Identifier: MIT */
/* What a plan says beside policy, priority and CPUs: times, quanta, budgets, the whole VM. */
#include "plan_p.h"
#include "setting_p.h"
#include "struct_p.h"

#include <errno.h>
#include <string.h>

/* A time in ns, 0 where the plan does not say. */
static uint64_t time_of(const struct qrt_sched_plan *plan, enum qrt_sched_role role, enum qrt_sched_p_key key,
			uint32_t index)
{
	const union qrt_sched_p_value *value = qrt_sched_p_plan_value(plan, role, key, index);

	return value ? (uint64_t)value->number * 1000 : 0;
}

static uint64_t first_of(uint64_t a, uint64_t b, uint64_t c)
{
	if (a)
		return a;
	return b ? b : c;
}

static void get_deadline(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
			 struct qrt_sched_setting *setting)
{
	uint64_t runtime = time_of(plan, role, QRT_SCHED_P_KEY_RUNTIME, index);
	uint64_t deadline = time_of(plan, role, QRT_SCHED_P_KEY_DEADLINE, index);
	uint64_t period = time_of(plan, role, QRT_SCHED_P_KEY_PERIOD, index);

	setting->set |= QRT_SCHED_SET_TIMES;
	setting->runtime_ns = runtime;
	setting->deadline_ns = first_of(deadline, period, runtime);
	setting->period_ns = first_of(period, deadline, runtime);
}

static void get_slice(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
		      struct qrt_sched_setting *setting)
{
	int64_t quantum;

	if (qrt_sched_p_plan_value(plan, role, QRT_SCHED_P_KEY_RUNTIME, index)) {
		setting->set |= QRT_SCHED_SET_TIMES;
		setting->runtime_ns = time_of(plan, role, QRT_SCHED_P_KEY_RUNTIME, index);
	} else if ((setting->set & QRT_SCHED_SET_NICE) && setting->nice) {
		quantum = qrt_sched_quantum_of_nice(setting->nice);
		setting->set |= QRT_SCHED_SET_TIMES;
		setting->runtime_ns = (uint64_t)quantum < QRT_SCHED_P_SLICE_MAX_NS ? (uint64_t)quantum
										   : QRT_SCHED_P_SLICE_MAX_NS;
	}
}

void qrt_sched_p_plan_get_times(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
				struct qrt_sched_setting *setting)
{
	if ((setting->set & QRT_SCHED_SET_POLICY) && setting->policy == QRT_SCHED_POLICY_DEADLINE)
		get_deadline(plan, role, index, setting);
	else if (!(setting->set & QRT_SCHED_SET_POLICY) || qrt_sched_p_policy_is_fair(setting->policy))
		get_slice(plan, role, index, setting);
}

int qrt_sched_p_plan_has_bad_times(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				   uint32_t index)
{
	struct qrt_sched_setting s = {0};

	qrt_sched_plan_get(plan, role, index, &s);
	return (s.set & QRT_SCHED_SET_TIMES) && !qrt_sched_p_times_are_legal(&s);
}

int qrt_sched_p_plan_contradicts(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index)
{
	struct qrt_sched_setting s = {0};

	qrt_sched_plan_get(plan, role, index, &s);
	if (!(s.set & QRT_SCHED_SET_POLICY) || s.policy == QRT_SCHED_POLICY_DEADLINE)
		return 0;
	return qrt_sched_p_policy_is_rt(s.policy) ? s.priority == 0 : s.priority > 0;
}

int64_t qrt_sched_plan_get_quantum(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				   uint32_t index)
{
	struct qrt_sched_setting s;
	int r = qrt_sched_plan_get(plan, role, index, &s);

	if (r < 0)
		return r;
	if (s.policy != QRT_SCHED_POLICY_RR || !(s.set & QRT_SCHED_SET_NICE))
		return 0;
	return qrt_sched_quantum_of_nice(s.nice);
}

int qrt_sched_plan_get_budget(const struct qrt_sched_plan *plan, int role,
			      struct qrt_sched_budget *ret_budget)
{
	const union qrt_sched_p_value *value;

	if (role < -1 || role >= QRT_SCHED_ROLES)
		return -EINVAL;
	if (role < 0) {
		if (!plan->said[QRT_SCHED_P_GLOBAL_BUDGET].is_said)
			return -ENOENT;
		*ret_budget = plan->budget;
		return 0;
	}
	value = qrt_sched_p_plan_value(plan, (enum qrt_sched_role)role, QRT_SCHED_P_KEY_BUDGET, 0);
	if (!value)
		return -ENOENT;
	*ret_budget = value->budget;
	return 0;
}

const char *qrt_sched_plan_get_resctrl(const struct qrt_sched_plan *plan)
{
	return plan->said[QRT_SCHED_P_GLOBAL_RESCTRL].is_said ? plan->resctrl : NULL;
}

const char *qrt_sched_plan_get_boot(const struct qrt_sched_plan *plan)
{
	return *plan->boot_plan ? plan->boot_plan : NULL;
}

static uint32_t find_said(const struct qrt_sched_plan *plan)
{
	uint32_t set = 0;

	if (plan->said[QRT_SCHED_P_GLOBAL_CSTATE].is_said)
		set |= QRT_SCHED_GLOBAL_CSTATE;
	if (plan->said[QRT_SCHED_P_GLOBAL_HALTPOLL].is_said)
		set |= QRT_SCHED_GLOBAL_HALTPOLL;
	if (plan->said[QRT_SCHED_P_GLOBAL_BOOTTIME].is_said)
		set |= QRT_SCHED_GLOBAL_BOOTTIME;
	if (plan->said[QRT_SCHED_P_GLOBAL_HEARTBEAT].is_said)
		set |= QRT_SCHED_GLOBAL_HEARTBEAT;
	return set;
}

int qrt_sched_plan_get_globals(const struct qrt_sched_plan *plan, struct qrt_sched_globals *ret_globals)
{
	const struct qrt_sched_globals globals = {
		.mlock = plan->mlock,
		.pi_mutexes = plan->pi_mutexes,
		.maxprio = plan->maxprio,
		.pvsched = plan->pvsched,
		.advance_us = plan->advance_us,
		.pool_min = plan->pool_min,
		.defaulted = plan->defaulted,
		.set = find_said(plan),
		.weight = plan->weight,
		.preempt_lock_us = plan->preempt_lock_us,
		.cstate_us = plan->cstate_us,
		.haltpoll_ns = plan->haltpoll_ns,
		.timer_priority = (int32_t)plan->timer_priority,
		.hugepages = plan->hugepages,
		.shield = plan->shield,
		.shield_parts = plan->shield_parts,
		.numa_nodes = plan->numa_nodes,
		.boot = plan->boot,
		.boottime_s = plan->boottime_s,
		.heartbeat_ms = plan->heartbeat_ms,
	};

	return qrt_p_struct_give(ret_globals, &globals, sizeof(globals));
}

static uint32_t line_of_times(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	static const enum qrt_sched_p_key keys[] = {QRT_SCHED_P_KEY_RUNTIME, QRT_SCHED_P_KEY_DEADLINE,
						    QRT_SCHED_P_KEY_PERIOD, QRT_SCHED_P_KEY_NICE};
	int i;

	for (i = 0; i < 4; i++) {
		if (plan->lists[role][keys[i]].count)
			return plan->lists[role][keys[i]].line;
	}
	return 0;
}

uint32_t qrt_sched_plan_get_line(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t member)
{
	if ((unsigned)role >= QRT_SCHED_ROLES)
		return 0;
	switch (member) {
	case QRT_SCHED_SET_POLICY:
		return qrt_sched_p_plan_line(plan, role, QRT_SCHED_P_KEY_SCHED);
	case QRT_SCHED_SET_PRIORITY:
		return qrt_sched_p_plan_line(plan, role, QRT_SCHED_P_KEY_PRIO);
	case QRT_SCHED_SET_NICE:
		return qrt_sched_p_plan_line(plan, role, QRT_SCHED_P_KEY_NICE);
	case QRT_SCHED_SET_CPUS:
		return qrt_sched_p_plan_line(plan, role, QRT_SCHED_P_KEY_BIAS);
	case QRT_SCHED_SET_TIMES:
		return line_of_times(plan, role);
	case QRT_SCHED_SET_IOPRIO:
		return qrt_sched_p_plan_line(plan, role, QRT_SCHED_P_KEY_IOPRIO);
	default:
		return 0;
	}
}

int32_t qrt_sched_p_plan_highest(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_setting setting;
	int32_t highest = 0;
	uint32_t role, index, width;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		width = qrt_sched_p_plan_width(plan, (enum qrt_sched_role)role);
		for (index = 0; index < width; index++) {
			if (qrt_sched_plan_get(plan, (enum qrt_sched_role)role, index, &setting) >= 0 &&
			    (setting.set & QRT_SCHED_SET_PRIORITY) && setting.priority > highest)
				highest = setting.priority;
		}
	}
	return highest;
}

static int is_same_budget(const struct qrt_sched_p_list *a, const struct qrt_sched_p_list *b)
{
	uint32_t i;

	for (i = 0; i < a->count && i < b->count; i++) {
		if (memcmp(&a->values[i].budget, &b->values[i].budget, sizeof(a->values[i].budget)) != 0)
			return 0;
	}
	return a->count == b->count;
}

int qrt_sched_p_plan_has_same_budgets(const struct qrt_sched_plan *a, const struct qrt_sched_plan *b)
{
	const enum qrt_sched_p_key key = QRT_SCHED_P_KEY_BUDGET;
	int role, is_same = !memcmp(&a->budget, &b->budget, sizeof(a->budget));

	for (role = 0; role < QRT_SCHED_ROLES && is_same; role++)
		is_same = is_same_budget(&a->lists[role][key], &b->lists[role][key]);
	return is_same;
}
