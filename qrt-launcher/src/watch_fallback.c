/* SPDX-License-Identifier: MIT */
/* Threads to which the kernel refuses DEADLINE. */
#include "command.h"
#include "proc.h"
#include "watch.h"

#include <errno.h>

#define CLIMBS_MAX 10

static void say(const struct watched *watched, const struct qrt_sched_error *error)
{
	struct qrt_sched_setting planned;
	char text[4096] = "?";

	watch_get_planned(watched, &planned);
	planned.set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
	qrt_sched_setting_describe(&planned, text, sizeof(text));
	complain("warning: %s %u runs under %s instead of deadline: %s", qrt_sched_role_name(watched->role),
		 watched->index, text, error->message);
}

/* The kernel judges a thread that sleeps by the partition of the CPU where it ran last, whatever CPUs it has
 * been given since. */
static bool is_elsewhere(const struct watched *watched)
{
	struct qrt_sched_setting planned;
	struct proc_usage usage;

	watch_get_planned(watched, &planned);
	proc_get_usage(watched->tid, &usage);
	return planned.set & QRT_SCHED_SET_CPUS && usage.cpu >= 0 &&
	       qrt_sched_cpus_has(&planned.cpus, usage.cpu) == 0;
}

bool watch_climbs(const struct watched *watched)
{
	return watched->fell_back && watched->climbs > 0 && !is_elsewhere(watched);
}

bool watch_fall_back(struct watch *watch, struct watched *watched, int refusal,
		     const struct qrt_sched_error *error)
{
	if (refusal >= 0 || qrt_sched_thread_fall_back(watched->thread, refusal) < 0)
		return false;
	watched->fell_back = true;
	if (refusal == -EPERM && is_elsewhere(watched) && watched->climbs < CLIMBS_MAX) {
		watched->climbs++;
		return true;
	}
	watched->climbs = 0;
	if (!watch->said_fallback[watched->role] || watch->verbose)
		say(watched, error);
	watch->said_fallback[watched->role] = true;
	return true;
}
