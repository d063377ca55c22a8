/* SPDX-License-Identifier: MIT */
#include "locks.h"

#include "command.h"
#include "watch.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

/* The lock is above the plan, its keeper above the lock. */
#define PRIORITY_MAX 98
#define LOOKS        3 /* at one that takes or gives meanwhile */

struct locks {
	struct qrt_sched_lock_table *table;
	int priority;
};

int locks_find_highest(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_setting setting;
	int highest = 0;
	int role, index, count;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		count = qrt_sched_plan_get_count(plan, role);
		for (index = 0; index < count; index++) {
			if (qrt_sched_plan_get(plan, role, index, &setting) >= 0 &&
			    setting.set & QRT_SCHED_SET_PRIORITY)
				highest = MAX(highest, setting.priority);
		}
	}
	return highest;
}

int locks_plan_priority(const struct qrt_sched_plan *plan)
{
	return MIN(locks_find_highest(plan) + 1, PRIORITY_MAX);
}

struct locks *locks_open(const struct qrt_sched_plan *plan, uint32_t vcpus, bool has_library)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_lock_config config = {.size = sizeof(config)};
	struct qrt_sched_error error = {.message = ""};
	struct locks *locks;

	qrt_sched_plan_get_globals(plan, &globals);
	if (globals.preempt_lock_us == 0)
		return NULL;
	if (!has_library) {
		complain("preemptlock: does nothing without the preload library, which takes the locks");
		return NULL;
	}
	locks = g_new0(struct locks, 1);
	locks->priority = locks_plan_priority(plan);
	config.priority = locks->priority;
	config.threads = CLAMP(vcpus * 2, 64, QRT_SCHED_LOCK_THREADS_MAX);
	config.max_ns = (uint64_t)globals.preempt_lock_us * 1000;
	if (qrt_sched_lock_table_new(&config, &locks->table, &error) >= 0)
		return locks;
	complain("preemptlock: %s: device emulation is not protected", error.message);
	g_free(locks);
	return NULL;
}

struct locks *locks_close(struct locks *locks)
{
	if (!locks)
		return NULL;
	qrt_sched_lock_table_close(locks->table);
	g_free(locks);
	return NULL;
}

int locks_get_fd(const struct locks *locks)
{
	return locks ? qrt_sched_lock_table_get_fd(locks->table) : -1;
}

int locks_get_priority(const struct locks *locks)
{
	return locks->priority;
}

void locks_get_counts(const struct locks *locks, uint64_t *ret_taken, uint64_t *ret_ended)
{
	*ret_taken = qrt_sched_lock_table_get_count(locks->table);
	*ret_ended = qrt_sched_lock_table_get_ended(locks->table);
}

/* True while the thread holds its lock, and that is within its maximum. */
static bool holds(const struct locks *locks, pid_t tid)
{
	struct qrt_sched_lock_holder holders[QRT_SCHED_LOCK_THREADS_MAX / 16];
	int i, count;

	if (!locks)
		return false;
	count = MIN(qrt_sched_lock_table_list(locks->table, holders, G_N_ELEMENTS(holders)),
		    (int)G_N_ELEMENTS(holders));
	for (i = 0; i < count; i++) {
		if (holders[i].tid == tid)
			return true;
	}
	return false;
}

static bool has_layer(const struct watched *watched, enum qrt_sched_layer layer)
{
	struct qrt_sched_layer_value value = {0};

	return qrt_sched_thread_get_layer(watched->thread, layer, &value) >= 0 && value.setting.set;
}

void locks_tell(struct locks *locks, const struct watched *watched)
{
	struct qrt_sched_setting base;
	bool suspended;

	if (!locks || watched->kernel || watched->role != QRT_SCHED_ROLE_VCPU ||
	    qrt_sched_thread_get_effective(watched->thread, &base) < 0)
		return;
	suspended = has_layer(watched, QRT_SCHED_LAYER_LIFECYCLE) ||
		    has_layer(watched, QRT_SCHED_LAYER_GOVERNOR);
	base.set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_FLAGS;
	qrt_sched_lock_table_tell(locks->table, watched->tid, &base, suspended);
}

int locks_verify(const struct watched *watched)
{
	const uint32_t raised = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_TIMES;
	struct qrt_sched_setting actual;
	bool held;
	int r = 0, tries;

	for (tries = 0; tries < LOOKS; tries++) {
		held = holds(watched->locks, watched->tid);
		r = qrt_sched_thread_verify(watched->thread, &actual);
		if (r <= 0 || !watched->locks || actual.policy != QRT_SCHED_POLICY_FIFO ||
		    actual.priority != watched->locks->priority)
			return r;
		if (held || holds(watched->locks, watched->tid))
			return (int)((uint32_t)r & ~raised);
	}
	return r;
}

void locks_forget(struct locks *locks, pid_t tid)
{
	if (locks)
		qrt_sched_lock_table_tell(locks->table, tid, NULL, 0);
}

void locks_keep(struct locks *locks, pid_t qemu, uint32_t ms)
{
	gint64 until = g_get_monotonic_time() + (gint64)ms * 1000, left;

	while ((left = until - g_get_monotonic_time()) > 0) {
		qrt_sched_lock_table_wait(locks->table, (uint64_t)left * 1000);
		qrt_sched_lock_table_enforce(locks->table, qemu);
	}
}
