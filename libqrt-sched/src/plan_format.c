/* SPDX-License-Identifier: MIT */
#include "cpus_p.h"
#include "plan_p.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Counts all, writes what fits: the length is known after one pass. */
struct out {
	char *buf;
	size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *format, ...)
{
	size_t room = out->length < out->size ? out->size - out->length : 0;
	va_list args;
	int r;

	va_start(args, format);
	r = vsnprintf(room ? out->buf + out->length : NULL, room, format, args);
	va_end(args);
	if (r > 0)
		out->length += (size_t)r;
}

static void put_value(struct out *out, enum qrt_sched_p_key key, const union qrt_sched_p_value *value)
{
	char cpus[QRT_SCHED_P_CPUS_TEXT];

	switch (key) {
	case QRT_SCHED_P_KEY_BIAS:
		qrt_sched_p_cpus_format(&value->cpus, '+', cpus, sizeof(cpus));
		put(out, "%s", cpus);
		break;
	case QRT_SCHED_P_KEY_SCHED:
		put(out, "%s", qrt_sched_policy_name((uint32_t)value->number));
		break;
	case QRT_SCHED_P_KEY_NAME:
		put(out, "%s", value->pattern);
		break;
	default:
		put(out, "%d", value->number);
		break;
	}
}

static void put_list(struct out *out, int role, int key, const struct qrt_sched_p_list *list)
{
	uint32_t i;

	put(out, "%s_%s=", qrt_sched_role_name(role), qrt_sched_p_key_name(key));
	for (i = 0; i < list->count; i++) {
		put(out, "%s", i ? "," : "");
		put_value(out, key, &list->values[i]);
	}
	put(out, "\n");
}

/* First, because it says something of every role: the lists behind it override that. */
static void put_maxprio(struct out *out, const struct qrt_sched_plan *plan)
{
	const char *policy = "ff";

	if (!plan->maxprio)
		return;
	if (plan->maxprio_policy == QRT_SCHED_POLICY_RR)
		policy = "rr";
	if (plan->maxprio_policy == QRT_SCHED_POLICY_OTHER)
		policy = "ts";
	put(out, "maxprio=%u,policy=%s,pvsched=%s\n", plan->maxprio, policy, plan->pvsched ? "on" : "off");
}

static void put_plan(struct out *out, const struct qrt_sched_plan *plan)
{
	int role, key;

	put_maxprio(out, plan);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			if (plan->lists[role][key].count)
				put_list(out, role, key, &plan->lists[role][key]);
		}
	}
	if (plan->has_mlock)
		put(out, "mlock=%s\n", qrt_sched_p_mlock_name(plan->mlock));
	if (plan->has_pi)
		put(out, "pi=%s\n", plan->pi_mutexes ? "on" : "off");
	if (plan->has_advance)
		put(out, "advance=%u\n", plan->advance_us);
	if (plan->has_pool)
		put(out, "pool=%u\n", plan->pool_min);
}

int qrt_sched_p_plan_fits(const struct qrt_sched_plan *plan)
{
	struct out all = {0};
	int role, key;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			struct out line = {0};

			put_list(&line, role, key, &plan->lists[role][key]);
			if (line.length > QRT_SCHED_P_LINE_MAX)
				return 0;
		}
	}
	put_plan(&all, plan);
	return all.length <= QRT_SCHED_P_FILE_MAX;
}

int qrt_sched_plan_format(const struct qrt_sched_plan *plan, char *buf, size_t size)
{
	struct out counted = {0}, out = {.buf = buf, .size = size};

	put_plan(&counted, plan);
	if (counted.length < size) {
		buf[0] = 0;
		put_plan(&out, plan);
	}
	return (int)counted.length;
}
