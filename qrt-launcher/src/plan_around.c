/* SPDX-License-Identifier: MIT */
#include "plan_around.h"

#include <errno.h>
#include <qrt/governor.h>
#include <qrt/shield.h>
#include <stdio.h>
#include <string.h>

const char *plan_around_hugepages(uint32_t hugepages)
{
	static const char *const names[] = {"off", "thp", "2M", "1G"};

	return hugepages < G_N_ELEMENTS(names) ? names[hugepages] : "unknown";
}

const char *plan_around_budget(const struct plan_request *request, int role, char *buf, size_t size)
{
	struct qrt_sched_budget budget;

	if (qrt_sched_plan_get_budget(request->plan, role, &budget) < 0 ||
	    qrt_sched_budget_format(&budget, buf, size) < 0)
		return NULL;
	return buf;
}

const char *plan_around_shield(const struct qrt_sched_globals *globals, char *buf, size_t size)
{
	static const char *const parts[] = {"irqs", "workqueues", "kthreads", "rps"};
	const char *separator = "";
	size_t i, len = 0;

	g_strlcpy(buf, globals->shield ? "on" : "off", size);
	if (!globals->shield || globals->shield_parts == QRT_SCHED_SHIELD_ALL)
		return buf;
	for (i = 0; i < G_N_ELEMENTS(parts) && len < size; i++) {
		if (!(globals->shield_parts & 1u << i))
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", separator, parts[i]);
		separator = "+";
	}
	return buf;
}

int plan_around_fallback(const struct plan_group *group)
{
	struct qrt_sched_setting fallback;

	if (qrt_sched_setting_get_fallback(&group->setting, -EPERM, &fallback) < 0)
		return 0;
	return fallback.priority;
}

/* ---- JSON ---- */

static void build_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value)
		json_builder_add_string_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static void build_int(JsonBuilder *builder, const char *name, bool is_said, gint64 value)
{
	json_builder_set_member_name(builder, name);
	if (is_said)
		json_builder_add_int_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static const char *describe_boot(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	const char *path = qrt_sched_plan_get_boot(plan);

	qrt_sched_plan_get_globals(plan, &globals);
	if (path)
		return path;
	return globals.boot == QRT_SCHED_BOOT_KEEP ? "keep" : "other";
}

void plan_around_build(const struct plan_request *request, JsonBuilder *builder)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	char text[512] = "";
	bool has_nodes;

	qrt_sched_plan_get_globals(request->plan, &globals);
	build_string(builder, "budget", plan_around_budget(request, -1, text, sizeof(text)));
	build_int(builder, "weight", globals.weight, globals.weight);
	build_int(builder, "preempt_lock_us", globals.preempt_lock_us, globals.preempt_lock_us);
	build_int(builder, "cstate_us", globals.set & QRT_SCHED_GLOBAL_CSTATE, globals.cstate_us);
	build_int(builder, "haltpoll_ns", globals.set & QRT_SCHED_GLOBAL_HALTPOLL, globals.haltpoll_ns);
	build_int(builder, "timer_priority", globals.timer_priority, globals.timer_priority);
	build_string(builder, "resctrl", qrt_sched_plan_get_resctrl(request->plan));
	build_string(builder, "hugepages", plan_around_hugepages(globals.hugepages));
	has_nodes = qrt_sched_cpus_count(&globals.numa_nodes) > 0 &&
		    qrt_sched_cpus_format(&globals.numa_nodes, text, sizeof(text)) >= 0;
	build_string(builder, "numa", has_nodes ? text : NULL);
	build_string(builder, "shield", plan_around_shield(&globals, text, sizeof(text)));
	build_string(builder, "boot", describe_boot(request->plan));
	build_int(builder, "boottime_s", globals.set & QRT_SCHED_GLOBAL_BOOTTIME, globals.boottime_s);
	build_int(builder, "heartbeat_ms", globals.set & QRT_SCHED_GLOBAL_HEARTBEAT, globals.heartbeat_ms);
}

void plan_around_build_group(const struct plan_request *request, const struct plan_group *group,
			     JsonBuilder *builder)
{
	int fallback = plan_around_fallback(group);
	char text[48];

	build_string(builder, "budget", plan_around_budget(request, (int)group->role, text, sizeof(text)));
	build_int(builder, "fallback_priority", fallback, fallback);
}
