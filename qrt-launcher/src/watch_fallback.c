/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "watch.h"

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

bool watch_fall_back(struct watch *watch, struct watched *watched, int refusal,
		     const struct qrt_sched_error *error)
{
	if (refusal >= 0 || qrt_sched_thread_fall_back(watched->thread, refusal) < 0)
		return false;
	watched->fell_back = true;
	if (!watch->said_fallback[watched->role] || watch->verbose)
		say(watched, error);
	watch->said_fallback[watched->role] = true;
	return true;
}
