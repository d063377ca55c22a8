/* SPDX-License-Identifier: MIT */
/* Threads get what the plan has for their role. */
#include "command.h"
#include "governor.h"
#include "host.h"
#include "locks.h"
#include "proc.h"
#include "slices.h"
#include "watch.h"

#include <errno.h>
#include <string.h>

#define RETRY_US 1000000

/* With a quantum of its own a thread runs under FIFO, and it or we end its slices. Where neither can, they
 * are the kernel's, under RR. */
static bool has_quantum(const struct watch *watch, const struct watched *watched)
{
	int64_t quantum = qrt_sched_plan_get_quantum(watch->plan, watched->role, watched->index);
	int r;

	if (quantum <= 0 || watched->own_slices) {
		slices_set(watch->slices, watched->tid, 0);
		return quantum > 0;
	}
	r = slices_set(watch->slices, watched->tid, (uint64_t)quantum);
	if (r < 0 && watch->slices && r != -ESRCH)
		complain("thread '%s' (%s %u) has the kernel's round-robin slice, not its quantum: %s",
			 watched->name, qrt_sched_role_name(watched->role), watched->index, strerror(-r));
	return r >= 0;
}

/*
 * A thread of QEMU inherits how its creator runs, so what it was found like says nothing: without a
 * plan it would run as QEMU was started. Kernel threads are what they were found like, and so are those of a
 * VM that ran before.
 */
static int set_layers(const struct watch *watch, struct watched *watched)
{
	struct qrt_sched_layer_value origin = {.setting = watch->fresh}, plan = {0}, quantum = {0};
	int r;

	qrt_sched_plan_get(watch->plan, watched->role, watched->index, &plan.setting);
	if (plan.setting.set && watched->role == QRT_SCHED_ROLE_VCPU) {
		/* KVM starts a kernel thread out of the first run of a vCPU: it must not inherit. */
		plan.setting.set |= QRT_SCHED_SET_FLAGS;
		plan.setting.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	}
	if (watched->role != QRT_SCHED_ROLE_KIO && !watched->has_past) {
		r = qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_ORIGIN, &origin);
		if (r < 0)
			return r;
	}
	if (has_quantum(watch, watched))
		quantum.setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY,
							     .policy = QRT_SCHED_POLICY_FIFO};
	r = qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_QUANTUM, &quantum);
	if (r < 0)
		return r;
	r = qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_PLAN, &plan);
	if (r >= 0)
		r = watch_set_lowered(watch, watched);
	if (r >= 0)
		governor_tell(watch->governor, watched);
	return r;
}

void watch_get_planned(const struct watched *watched, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_layer_value plan = {0};

	qrt_sched_thread_get_layer(watched->thread, QRT_SCHED_LAYER_PLAN, &plan);
	*ret_setting = plan.setting;
}

/* Some kernel threads choose their CPUs themselves and let nobody else. */
static int apply_without_cpus(struct watched *watched, struct qrt_sched_error *error)
{
	struct qrt_sched_layer_value plan;

	qrt_sched_thread_get_layer(watched->thread, QRT_SCHED_LAYER_PLAN, &plan);
	plan.setting.set &= ~QRT_SCHED_SET_CPUS;
	qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_PLAN, &plan);
	return plan.setting.set ? qrt_sched_thread_apply(watched->thread, error) : 0;
}

static void note_failure(struct watch *watch, struct watched *watched, int code,
			 const struct qrt_sched_error *error)
{
	watched->error = code;
	watched->retry_at_us = g_get_monotonic_time() + RETRY_US;
	watch->failure = *error;
	if (watch->said[watched->role] && !watch->verbose)
		return;
	watch->said[watched->role] = true;
	complain("thread '%s' (%s %u) cannot be placed: %s", watched->name,
		 qrt_sched_role_name(watched->role), watched->index, error->message);
}

static int give(struct watch *watch, struct watched *watched, struct qrt_sched_error *reterr)
{
	int r;

	locks_tell(watch->locks, watched);
	slices_hold(watch->slices);
	r = qrt_sched_thread_apply(watched->thread, reterr);
	if (watch_fall_back(watch, watched, r, reterr))
		r = qrt_sched_thread_apply(watched->thread, reterr);
	if (r == -EINVAL && watched->role == QRT_SCHED_ROLE_KIO)
		r = apply_without_cpus(watched, reterr);
	slices_release(watch->slices);
	return r;
}

int watch_apply(struct watch *watch, struct watched *watched)
{
	struct qrt_sched_error error = {.message = ""};
	struct qrt_sched_setting planned;
	int r;

	if (watch->is_released)
		return 0;
	watch_get_planned(watched, &planned);
	if (!watched->kernel)
		host_admit(watched->tid, &planned, watch->places);
	r = give(watch, watched, &error);
	if (r == -ESRCH)
		return r;
	if (r < 0)
		note_failure(watch, watched, r, &error);
	else
		watched->error = 0;
	return r;
}

int watch_apply_limit(struct watch *watch, struct watched *watched)
{
	struct qrt_sched_error error = {.message = ""};
	int r;

	if (watch->is_released)
		return 0;
	r = give(watch, watched, &error);
	if (r < 0 && r != -ESRCH)
		return watch_apply(watch, watched);
	watched->error = r < 0 ? watched->error : 0;
	return r;
}

static void say_placed(const struct watched *watched)
{
	static const char *const by[] = {"nobody", "itself", "the broker", "the supervisor"};
	struct qrt_sched_setting planned;
	char text[4096] = "";

	watch_get_planned(watched, &planned);
	if (!planned.set)
		return;
	qrt_sched_setting_describe(&planned, text, sizeof(text));
	complain("%s %u: '%s' (%d) placed by %s: %s", qrt_sched_role_name(watched->role), watched->index,
		 watched->name, watched->tid, by[watched->placed_by], text);
}

static void set_name(struct watched *watched, const char *name)
{
	if (name && *name)
		g_strlcpy(watched->name, name, sizeof(watched->name));
	else
		proc_get_name(watched->tid, watched->name, sizeof(watched->name));
}

/*
 * A thread of a role that the plan says nothing about runs as without a plan: it may have inherited how
 * its creator runs. A kernel thread stays as it is, unless another role changed it.
 */
static int place(struct watch *watch, struct watched *watched)
{
	struct qrt_sched_setting before, planned;
	int r;

	watch_get_planned(watched, &before);
	r = set_layers(watch, watched);
	if (r < 0)
		return r;
	watched->wrong = watched->fell_back = false;
	watch_get_planned(watched, &planned);
	r = planned.set || before.set || !watched->kernel ? watch_apply(watch, watched) : 0;
	if (watch->verbose && r >= 0)
		say_placed(watched);
	return r < 0 ? r : 0;
}

int watch_replace(struct watch *watch, struct watched *watched)
{
	return place(watch, watched);
}

static uint32_t find_free_index(const struct watch *watch, enum qrt_sched_role role, pid_t tid)
{
	uint32_t index = 0;

	while (watch_is_taken(watch, role, index, tid))
		index++;
	return index;
}

int watch_enter(struct watch *watch, const struct watch_entry *entry)
{
	struct watched *watched = watch_find(watch, entry->tid);

	if (watched && !qrt_sched_thread_is_alive(watched->thread)) {
		watch_forget(watch, entry->tid);
		watched = NULL;
	}
	if (!watched)
		watched = watch_note(watch, entry->tid);
	if (!watched)
		return -ESRCH;
	set_name(watched, entry->name);
	if (entry->index >= 0)
		watched->index = (uint32_t)entry->index;
	else if (!watched->placed_by || watched->role != entry->role)
		watched->index = find_free_index(watch, entry->role, entry->tid);
	watched->role = entry->role;
	watched->kernel = entry->kernel;
	watched->own_slices = entry->own_slices;
	watched->placed_by = entry->placed_by;
	watched->climbs = 0;
	return place(watch, watched);
}
