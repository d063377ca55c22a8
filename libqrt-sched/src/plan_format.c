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

static void put_list(struct out *out, int role, int key, const struct qrt_sched_p_list *list)
{
	char value[QRT_SCHED_P_CPUS_TEXT];
	uint32_t i;

	put(out, "%s_%s=", qrt_sched_role_name(role), qrt_sched_p_key_name(key));
	for (i = 0; i < list->count; i++) {
		qrt_sched_p_value_format(key, &list->values[i], value, sizeof(value));
		put(out, "%s%s", i ? "," : "", value);
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
	char value[QRT_SCHED_P_CPUS_TEXT];
	int role, key, global;

	put_maxprio(out, plan);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			if (plan->lists[role][key].count)
				put_list(out, role, key, &plan->lists[role][key]);
		}
	}
	for (global = 0; global < QRT_SCHED_P_GLOBALS; global++) {
		if (!plan->said[global].is_said)
			continue;
		qrt_sched_p_global_format(plan, global, value, sizeof(value));
		put(out, "%s=%s\n", qrt_sched_p_global_name(global), value);
	}
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
