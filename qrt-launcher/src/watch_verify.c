/* SPDX-License-Identifier: MIT */
/* Whether threads run as planned. */
#include "governor.h"
#include "host.h"
#include "locks.h"
#include "slices.h"
#include "watch.h"

int watch_compare(const struct watched *watched)
{
	struct qrt_sched_setting planned;
	int r;

	slices_hold(watched->slices);
	r = locks_verify(watched);
	slices_release(watched->slices);
	if (r > 0 && (uint32_t)r & QRT_SCHED_SET_CPUS) {
		watch_get_planned(watched, &planned);
		if (host_takes_cpus(watched->tid, &planned))
			r &= ~(int)QRT_SCHED_SET_CPUS;
	}
	return r;
}

/* The members that differ from the plan; negative where the thread ended. */
static int differs(const struct watched *watched)
{
	struct qrt_sched_setting planned;
	int r;

	watch_get_planned(watched, &planned);
	if (!planned.set)
		return 0;
	r = watch_compare(watched);
	if (r >= 0 && planned.set & QRT_SCHED_SET_POLICY)
		planned.set |= QRT_SCHED_SET_PRIORITY;
	return r < 0 ? r : (int)((uint32_t)r & planned.set);
}

/*
 * One look is not enough: a thread that just entered another role by itself is right, and its message
 * is on the way.
 */
static void look(struct watch *watch, struct watched *watched)
{
	bool failed = watched->error != 0;
	int r;

	locks_tell(watch->locks, watched);
	r = differs(watched);
	if (r <= 0) {
		watched->wrong = false;
		watched->error = 0;
		return;
	}
	if (failed && g_get_monotonic_time() < watched->retry_at_us)
		return;
	if (!watched->wrong && !failed) {
		watched->wrong = true;
		return;
	}
	watched->wrong = false;
	if (watch_apply(watch, watched) > 0 && !failed) {
		watched->corrections++;
		watch->corrections++;
	}
}

void watch_verify(struct watch *watch)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct watched *watched = value;

		if (watched->placed_by && watch_climbs(watched))
			watch_replace(watch, watched);
		else if (watched->placed_by)
			look(watch, watched);
	}
}

void watch_govern(struct watch *watch)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (governor_ask(watch->governor, value))
			watch_apply_limit(watch, value);
	}
}
