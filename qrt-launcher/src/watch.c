/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "locks.h"
#include "slices.h"

#include <string.h>

static void free_watched(gpointer data)
{
	struct watched *watched = data;

	locks_forget(watched->locks, watched->tid);
	slices_set(watched->slices, watched->tid, 0);
	qrt_sched_thread_close(watched->thread);
	g_free(watched);
}

void watch_init(struct watch *watch, const struct qrt_sched_plan *plan, const struct qrt_sched_setting *fresh)
{
	memset(watch, 0, sizeof(*watch));
	watch->plan = plan;
	watch->fresh = *fresh;
	watch->threads = g_hash_table_new_full(NULL, NULL, NULL, free_watched);
}

void watch_clear(struct watch *watch)
{
	g_hash_table_destroy(watch->threads);
}

struct watched *watch_find(const struct watch *watch, pid_t tid)
{
	return g_hash_table_lookup(watch->threads, GINT_TO_POINTER(tid));
}

void watch_forget(struct watch *watch, pid_t tid)
{
	g_hash_table_remove(watch->threads, GINT_TO_POINTER(tid));
}

struct watched *watch_note(struct watch *watch, pid_t tid)
{
	struct watched *watched = g_new0(struct watched, 1);

	watched->tid = tid;
	watched->locks = watch->locks;
	watched->slices = watch->slices;
	watched->role = QRT_SCHED_ROLE_OTHR;
	if (qrt_sched_thread_open(tid, &watched->thread) < 0) {
		g_free(watched);
		return NULL;
	}
	g_hash_table_insert(watch->threads, GINT_TO_POINTER(tid), watched);
	return watched;
}

bool watch_is_taken(const struct watch *watch, enum qrt_sched_role role, uint32_t index, pid_t but)
{
	struct watched *watched;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		watched = value;
		if (watched->placed_by && watched->role == role && watched->index == index &&
		    watched->tid != but && qrt_sched_thread_is_alive(watched->thread))
			return true;
	}
	return false;
}

void watch_sweep(struct watch *watch, uint32_t generation)
{
	struct watched *watched;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		watched = value;
		if (watched->kernel ? !qrt_sched_thread_is_alive(watched->thread)
				    : watched->generation != generation)
			g_hash_table_iter_remove(&iter);
	}
}

uint32_t watch_count_unplaced(const struct watch *watch)
{
	GHashTableIter iter;
	uint32_t count = 0;
	gpointer value;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		count += ((struct watched *)value)->error != 0;
	return count;
}
