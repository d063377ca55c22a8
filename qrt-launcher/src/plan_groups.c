/* SPDX-License-Identifier: MIT */
#include "plan_groups.h"

#include <stdio.h>
#include <string.h>

/* How far the plan's values are looked at where the number of threads is not known. */
#define THREADS_LOOKED_AT 64

/* Returns 1 when the role can have several threads, and in *ret_count how many, 0 where unknown. */
static int count_known(const struct plan_request *request, enum qrt_sched_role role, uint32_t *ret_count)
{
	switch (role) {
	case QRT_SCHED_ROLE_VCPU:
		*ret_count = request->vm.vcpus;
		return 1;
	case QRT_SCHED_ROLE_IOTH:
		*ret_count = request->vm.iothreads;
		return 1;
	case QRT_SCHED_ROLE_PAIO:
	case QRT_SCHED_ROLE_KIO:
	case QRT_SCHED_ROLE_OTHR:
		*ret_count = 0;
		return 1;
	default:
		*ret_count = 1;
		return 0;
	}
}

/* Roles that a VM of this shape has no thread of are left out, unless somebody's plan speaks of them. */
static bool is_shown(const struct plan_request *request, enum qrt_sched_role role)
{
	if (request->said & 1u << role)
		return true;
	if (role == QRT_SCHED_ROLE_IOTH)
		return request->vm.iothreads > 0;
	if (role == QRT_SCHED_ROLE_VNCS)
		return request->vm.vnc != 0;
	return role != QRT_SCHED_ROLE_VNCM;
}

static void fill_in(const struct plan_request *request, struct qrt_sched_setting *setting)
{
	if (!(setting->set & QRT_SCHED_SET_POLICY)) {
		setting->policy = QRT_SCHED_POLICY_OTHER;
		setting->priority = 0;
	}
	if (!(setting->set & QRT_SCHED_SET_NICE))
		setting->nice = 0;
	if (!(setting->set & QRT_SCHED_SET_CPUS))
		setting->cpus = request->host.allowed;
	setting->set |= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_NICE |
			QRT_SCHED_SET_CPUS;
}

static void read_thread(const struct plan_request *request, enum qrt_sched_role role, uint32_t index,
			struct plan_group *ret_group)
{
	memset(ret_group, 0, sizeof(*ret_group));
	ret_group->role = role;
	ret_group->first = ret_group->last = index;
	if (qrt_sched_plan_get(request->plan, role, index, &ret_group->setting) < 0)
		memset(&ret_group->setting, 0, sizeof(ret_group->setting));
	ret_group->planned = ret_group->setting.set != 0;
	ret_group->quantum_ns = qrt_sched_plan_get_quantum(request->plan, role, index);
	fill_in(request, &ret_group->setting);
}

static bool runs_alike(const struct qrt_sched_setting *a, const struct qrt_sched_setting *b)
{
	return a->policy == b->policy && a->priority == b->priority && a->nice == b->nice &&
	       a->runtime_ns == b->runtime_ns && a->deadline_ns == b->deadline_ns &&
	       a->period_ns == b->period_ns && a->ioprio == b->ioprio &&
	       memcmp(&a->cpus, &b->cpus, sizeof(a->cpus)) == 0;
}

static void add_role(const struct plan_request *request, enum qrt_sched_role role, struct plan_groups *groups)
{
	struct plan_group next, *last = NULL;
	uint32_t count, index;
	int many = count_known(request, role, &count);
	bool open_end = many && count == 0;

	for (index = 0; index < (open_end ? THREADS_LOOKED_AT : count); index++) {
		read_thread(request, role, index, &next);
		if (last && runs_alike(&last->setting, &next.setting)) {
			last->last = index;
		} else if (groups->count < PLAN_GROUPS_MAX) {
			last = &groups->groups[groups->count++];
			*last = next;
		}
	}
	if (last)
		last->open_end = open_end;
}

void plan_groups_read(const struct plan_request *request, struct plan_groups *ret_groups)
{
	uint32_t role;

	ret_groups->count = 0;
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (is_shown(request, role))
			add_role(request, role, ret_groups);
	}
}

int plan_group_level(const struct plan_group *group)
{
	bool realtime = group->setting.policy == QRT_SCHED_POLICY_FIFO ||
			group->setting.policy == QRT_SCHED_POLICY_RR;

	if (group->setting.policy == QRT_SCHED_POLICY_DEADLINE)
		return PLAN_LEVEL_DEADLINE;
	return realtime ? group->setting.priority : 0;
}

int plan_group_is_many(const struct plan_group *group)
{
	return group->open_end || group->last > group->first;
}

const char *plan_group_name(const struct plan_group *group, char *buf, size_t size)
{
	const char *role = qrt_sched_role_name(group->role);

	if (group->open_end && group->first == 0)
		snprintf(buf, size, "%s (all)", role);
	else if (group->open_end)
		snprintf(buf, size, "%s %u and up", role, group->first);
	else if (group->last > group->first)
		snprintf(buf, size, "%s %u-%u", role, group->first, group->last);
	else if (group->role == QRT_SCHED_ROLE_VCPU || group->role == QRT_SCHED_ROLE_IOTH || group->first > 0)
		snprintf(buf, size, "%s %u", role, group->first);
	else
		snprintf(buf, size, "%s", role);
	return buf;
}
