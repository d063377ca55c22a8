/* SPDX-License-Identifier: MIT */
#include "plan_help.h"

#include "plan_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qrt_sched_error error;

int plan_add(struct qrt_sched_plan *plan, const char *option)
{
	memset(&error, 0, sizeof(error));
	return qrt_sched_plan_parse_option(plan, option, &error);
}

const struct qrt_sched_error *last_error(void)
{
	return &error;
}

struct qrt_sched_plan *plan_of(const char *options)
{
	char *copy = strdup(options), *rest = copy, *option;
	struct qrt_sched_plan *plan = NULL;

	if (!copy || qrt_sched_plan_new(&plan) < 0)
		abort();
	while ((option = strsep(&rest, " "))) {
		if (*option && plan && plan_add(plan, option) < 0) {
			printf("# %s: %s\n", option, error.message);
			plan = qrt_sched_plan_close(plan);
		}
	}
	free(copy);
	return plan;
}

const char *plan_text(const struct qrt_sched_plan *plan)
{
	static char text[QRT_SCHED_P_FILE_MAX + 1];

	if (qrt_sched_plan_format(plan, text, sizeof(text)) >= (int)sizeof(text))
		return "";
	return text;
}

static int values_equal(const union qrt_sched_p_value *a, const union qrt_sched_p_value *b, int key)
{
	switch (key) {
	case QRT_SCHED_P_KEY_BIAS:
		return memcmp(&a->cpus, &b->cpus, sizeof(a->cpus)) == 0;
	case QRT_SCHED_P_KEY_NAME:
		return strcmp(a->pattern, b->pattern) == 0;
	case QRT_SCHED_P_KEY_BUDGET:
		return a->budget.runtime_ns == b->budget.runtime_ns &&
		       a->budget.window_ns == b->budget.window_ns;
	default:
		return a->number == b->number;
	}
}

static int lists_equal(const struct qrt_sched_p_list *a, const struct qrt_sched_p_list *b, int key)
{
	uint32_t i;

	if (a->count != b->count)
		return 0;
	for (i = 0; i < a->count; i++) {
		if (!values_equal(&a->values[i], &b->values[i], key))
			return 0;
	}
	return 1;
}

static int globals_equal(const struct qrt_sched_plan *a, const struct qrt_sched_plan *b)
{
	int i;

	for (i = 0; i < QRT_SCHED_P_GLOBALS; i++) {
		if (a->said[i].is_said != b->said[i].is_said)
			return 0;
	}
	return a->mlock == b->mlock && a->pi_mutexes == b->pi_mutexes && a->advance_us == b->advance_us &&
	       a->pool_min == b->pool_min && a->weight == b->weight &&
	       a->preempt_lock_us == b->preempt_lock_us && a->cstate_us == b->cstate_us &&
	       a->haltpoll_ns == b->haltpoll_ns && a->timer_priority == b->timer_priority &&
	       a->hugepages == b->hugepages && a->shield == b->shield && a->shield_parts == b->shield_parts &&
	       a->boot == b->boot && a->boottime_s == b->boottime_s && a->heartbeat_ms == b->heartbeat_ms &&
	       a->budget.runtime_ns == b->budget.runtime_ns && a->budget.window_ns == b->budget.window_ns &&
	       memcmp(&a->numa_nodes, &b->numa_nodes, sizeof(a->numa_nodes)) == 0 &&
	       strcmp(a->resctrl, b->resctrl) == 0;
}

int plans_equal(const struct qrt_sched_plan *a, const struct qrt_sched_plan *b)
{
	int role, key;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			if (!lists_equal(&a->lists[role][key], &b->lists[role][key], key))
				return 0;
		}
	}
	return a->maxprio == b->maxprio && a->maxprio_policy == b->maxprio_policy &&
	       a->pvsched == b->pvsched && globals_equal(a, b);
}

struct qrt_sched_cpus cpus_of(const char *list)
{
	struct qrt_sched_cpus cpus;

	memset(&cpus, 0, sizeof(cpus));
	if (*list && qrt_sched_cpus_parse(list, &cpus) < 0)
		abort();
	return cpus;
}

struct qrt_sched_host host_of(const char *online)
{
	struct qrt_sched_host host = {
		.size = sizeof(host),
		.flags = QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK,
		.rtprio_limit = 99,
		.rt_runtime_us = -1,
		.rt_period_us = 1000000,
	};

	host.online = host.allowed = cpus_of(online);
	return host;
}

struct qrt_sched_vm vm_of(uint32_t vcpus, uint32_t iothreads)
{
	struct qrt_sched_vm vm = {.size = sizeof(vm), .vcpus = vcpus, .iothreads = iothreads};

	return vm;
}

const char *said_of(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index)
{
	static char text[256];
	struct qrt_sched_setting setting;

	if (qrt_sched_plan_get(plan, role, index, &setting) < 0 ||
	    qrt_sched_setting_describe(&setting, text, sizeof(text)) < 0)
		return "";
	return text;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint32_t)(random->state >> 32) % limit;
}
