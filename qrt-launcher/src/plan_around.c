/* SPDX-License-Identifier: MIT */
#include "plan_around.h"

#include "json_put.h"

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
	json_put_string(builder, "budget", plan_around_budget(request, -1, text, sizeof(text)));
	json_put_known(builder, "weight", globals.weight, globals.weight);
	json_put_known(builder, "preempt_lock_us", globals.preempt_lock_us, globals.preempt_lock_us);
	json_put_known(builder, "cstate_us", globals.set & QRT_SCHED_GLOBAL_CSTATE, globals.cstate_us);
	json_put_known(builder, "haltpoll_ns", globals.set & QRT_SCHED_GLOBAL_HALTPOLL, globals.haltpoll_ns);
	json_put_known(builder, "timer_priority", globals.timer_priority, globals.timer_priority);
	json_put_string(builder, "resctrl", qrt_sched_plan_get_resctrl(request->plan));
	json_put_string(builder, "hugepages", plan_around_hugepages(globals.hugepages));
	has_nodes = qrt_sched_cpus_count(&globals.numa_nodes) > 0 &&
		    qrt_sched_cpus_format(&globals.numa_nodes, text, sizeof(text)) >= 0;
	json_put_string(builder, "numa", has_nodes ? text : NULL);
	json_put_string(builder, "shield", plan_around_shield(&globals, text, sizeof(text)));
	json_put_string(builder, "boot", describe_boot(request->plan));
	json_put_known(builder, "boottime_s", globals.set & QRT_SCHED_GLOBAL_BOOTTIME, globals.boottime_s);
	json_put_known(builder, "heartbeat_ms", globals.set & QRT_SCHED_GLOBAL_HEARTBEAT,
		       globals.heartbeat_ms);
}

void plan_around_build_group(const struct plan_request *request, const struct plan_group *group,
			     JsonBuilder *builder)
{
	int fallback = plan_around_fallback(group);
	char text[48];

	json_put_string(builder, "budget", plan_around_budget(request, (int)group->role, text, sizeof(text)));
	json_put_known(builder, "fallback_priority", fallback, fallback);
}
