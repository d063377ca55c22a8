/* SPDX-License-Identifier: MIT */
/* Threads of a VM whose guest has no use for real time now. */
#include "governor.h"
#include "watch.h"

#include <string.h>

#define PATIENCE_US 200000 /* of some looks */

static bool is_realtime(const struct watched *watched)
{
	struct qrt_sched_setting planned;

	watch_get_planned(watched, &planned);
	return planned.set & QRT_SCHED_SET_POLICY &&
	       (planned.policy == QRT_SCHED_POLICY_FIFO || planned.policy == QRT_SCHED_POLICY_RR ||
		planned.policy == QRT_SCHED_POLICY_DEADLINE);
}

/* What the second plan says of this thread; a policy where it says none. */
static void choose(const struct watch *watch, struct watched *watched, struct qrt_sched_setting *ret_setting)
{
	if (watch->boot_plan)
		qrt_sched_plan_get(watch->boot_plan, watched->role, watched->index, ret_setting);
	ret_setting->set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_NICE |
			    QRT_SCHED_SET_CPUS;
	if (ret_setting->set & QRT_SCHED_SET_POLICY || !is_realtime(watched))
		return;
	ret_setting->set |= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_NICE;
	ret_setting->policy = QRT_SCHED_POLICY_OTHER;
	ret_setting->priority = ret_setting->nice = 0;
}

int watch_set_lowered(const struct watch *watch, struct watched *watched)
{
	struct qrt_sched_layer_value lowered = {.setting = {.set = 0}};

	if (watch->is_lowered)
		choose(watch, watched, &lowered.setting);
	return qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_LIFECYCLE, &lowered);
}

void watch_lower(struct watch *watch, bool is_lowered)
{
	struct watched *watched;
	GHashTableIter iter;
	gpointer value;

	if (watch->is_lowered && !is_lowered)
		watch->raised_us = g_get_monotonic_time();
	watch->is_lowered = is_lowered;
	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		watched = value;
		if (!watched->placed_by || watch_set_lowered(watch, watched) < 0)
			continue;
		governor_tell(watch->governor, watched);
		watch_apply_limit(watch, watched);
	}
}

bool watch_is_patient(const struct watch *watch)
{
	return watch->is_lowered ||
	       (watch->raised_us && g_get_monotonic_time() - watch->raised_us < PATIENCE_US);
}
