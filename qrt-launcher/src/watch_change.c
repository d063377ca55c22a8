/* SPDX-License-Identifier: MIT */
/* All threads of a VM under another plan. */
#include "change.h"
#include "watch.h"

#include <stdio.h>
#include <string.h>

/* What a thread has by the plan in force. */
struct share {
	struct qrt_sched_setting setting;
	int64_t quantum_ns;
};

static void read_share(const struct qrt_sched_plan *plan, const struct watched *watched, struct share *share)
{
	memset(share, 0, sizeof(*share));
	qrt_sched_thread_get_effective(watched->thread, &share->setting);
	share->quantum_ns = qrt_sched_plan_get_quantum(plan, watched->role, watched->index);
}

static bool is_other(const struct share *a, const struct share *b)
{
	return qrt_sched_setting_compare(&b->setting, &a->setting, NULL) != 0 ||
	       a->quantum_ns != b->quantum_ns;
}

static int change_one(struct watch *watch, struct watched *watched, const struct qrt_sched_plan *before,
		      struct change_result *result)
{
	bool had_failed = watched->error != 0;
	struct share had, has;
	int r;

	read_share(before, watched, &had);
	watch->failure.message[0] = '\0';
	r = watch_replace(watch, watched);
	if (r < 0 && qrt_sched_thread_is_alive(watched->thread) && !had_failed) {
		snprintf(result->error, sizeof(result->error), "%s %u: %s",
			 qrt_sched_role_name(watched->role), watched->index,
			 watch->failure.message[0] ? watch->failure.message : strerror(-r));
		return r;
	}
	read_share(watch->plan, watched, &has);
	result->changed += is_other(&had, &has);
	result->threads++;
	return 0;
}

void watch_use_slices(struct watch *watch, struct slices *slices)
{
	GHashTableIter iter;
	gpointer value;

	watch->slices = slices;
	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((struct watched *)value)->slices = slices;
}

int watch_change(struct watch *watch, const struct qrt_sched_plan *before, struct change_result *result)
{
	struct watched *watched;
	GHashTableIter iter;
	gpointer value;
	int r = 0, s;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		watched = value;
		s = watched->placed_by ? change_one(watch, watched, before, result) : 0;
		if (r == 0)
			r = s;
	}
	return r;
}
