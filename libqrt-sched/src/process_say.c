/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "placer_p.h"
#include "plan_p.h"
#include "process_p.h"

void qrt_sched_p_process_say(struct qrt_sched_process *process, const char *format, ...)
{
	int saved = errno;
	char line[512];
	va_list args;

	if (!process->say)
		return;
	va_start(args, format);
	if (vsnprintf(line, sizeof(line), format, args) >= 0)
		process->say(process->data, line);
	va_end(args);
	errno = saved;
}

static int is_first(struct qrt_sched_process *process, int error)
{
	unsigned number = (unsigned)-error % 192;
	uint64_t bit = 1ull << number % 64;

	return !(atomic_fetch_or(&process->said_errors[number / 64], bit) & bit);
}

/* That which it entered: the plan may be another one by now. */
static const char *own_role(struct qrt_sched_process *process)
{
	int role = qrt_sched_p_placer_get_role(process->placer);

	return qrt_sched_role_name(role >= 0 ? (enum qrt_sched_role)role : QRT_SCHED_ROLE_OTHR);
}

static const char *shown_name(const char *name)
{
	if (name == QRT_SCHED_PLACER_MAIN)
		return "main";
	return name ? name : "(unnamed)";
}

void qrt_sched_p_process_say_fallback(struct qrt_sched_process *process, const char *name,
				      const char *message)
{
	const char *role = own_role(process);
	uint32_t bit = 1u << qrt_sched_role_parse(role);

	if (atomic_fetch_or(&process->said_fallbacks, bit) & bit)
		return;
	qrt_sched_p_process_say(process, "thread '%.15s' (%s) runs under fifo instead of deadline: %s",
				shown_name(name), role, message);
}

void qrt_sched_p_process_say_unplaced(struct qrt_sched_process *process, const char *name, int error,
				      const char *message)
{
	/* A supervisor that does not answer is there: it was started by qrt-launcher. */
	int is_launched = error == -ETIMEDOUT || strstr(message, "qrt-launcher");

	if (!is_first(process, error))
		return;
	qrt_sched_p_process_say(process, "thread '%.15s' (%s) is not placed: %s%s", shown_name(name),
				own_role(process), message,
				is_launched ? "" : "; or start it by qrt-launcher");
}

/* What says something of the host, or of CPU time: the process cannot do that to itself. */
static const enum qrt_sched_p_global launchers[] = {
	QRT_SCHED_P_GLOBAL_POOL,      QRT_SCHED_P_GLOBAL_BUDGET,    QRT_SCHED_P_GLOBAL_WEIGHT,
	QRT_SCHED_P_GLOBAL_CSTATE,    QRT_SCHED_P_GLOBAL_HALTPOLL,  QRT_SCHED_P_GLOBAL_TIMERPRIO,
	QRT_SCHED_P_GLOBAL_RESCTRL,   QRT_SCHED_P_GLOBAL_HUGEPAGES, QRT_SCHED_P_GLOBAL_NUMA,
	QRT_SCHED_P_GLOBAL_SHIELD,    QRT_SCHED_P_GLOBAL_BOOT,      QRT_SCHED_P_GLOBAL_BOOTTIME,
	QRT_SCHED_P_GLOBAL_HEARTBEAT,
};

/* It was said, and is more than that all stays as it is. */
static int is_asked_for(const struct qrt_sched_plan *plan, enum qrt_sched_p_global global)
{
	switch (global) {
	case QRT_SCHED_P_GLOBAL_POOL:
		return plan->pool_min != 0;
	case QRT_SCHED_P_GLOBAL_TIMERPRIO:
		return plan->timer_priority != 0;
	case QRT_SCHED_P_GLOBAL_HUGEPAGES:
		return plan->hugepages != QRT_SCHED_HUGEPAGES_OFF;
	case QRT_SCHED_P_GLOBAL_SHIELD:
		return plan->shield != 0;
	default:
		return plan->said[global].is_said != 0;
	}
}

static void add_name(char *list, size_t size, const char *role, const char *name)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s%s%s", len ? ", " : "", role, *role ? "_" : "", name);
}

void qrt_sched_p_process_say_left_out(struct qrt_sched_process *process)
{
	char list[256] = "";
	size_t i;

	if (process->is_supervised)
		return;
	for (i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++) {
		if (is_asked_for(process->plan, launchers[i]))
			add_name(list, sizeof(list), "", qrt_sched_p_global_name((int)launchers[i]));
	}
	for (i = 0; i < QRT_SCHED_ROLES; i++) {
		if (process->plan->lists[i][QRT_SCHED_P_KEY_BUDGET].count)
			add_name(list, sizeof(list), qrt_sched_role_name((enum qrt_sched_role)i), "budget");
	}
	if (*list)
		qrt_sched_p_process_say(
			process, "not done without a supervisor: %s; start it by qrt-launcher for that",
			list);
}
