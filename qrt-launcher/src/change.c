/* SPDX-License-Identifier: MIT */
#include "change.h"

#include "locks.h"
#include "plan_live.h"
#include "supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The supervisor stays above the VM, and off its CPUs. */
static void move_rank(struct supervisor *supervisor)
{
	struct qrt_sched_error error;

	rank_close(supervisor);
	/* Where it stays time-shared it must not keep what it had. */
	if (locks_find_highest(supervisor->plan) == 0)
		qrt_sched_setting_apply(0, &supervisor->watch.fresh, &error);
	rank_open(supervisor);
}

static int write_down(struct supervisor *supervisor, const struct qrt_sched_plan *plan,
		      const struct state_place *place)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	g_autofree char *text = plan_live_format(plan);
	int r;

	qrt_sched_plan_get_globals(plan, &globals);
	supervisor->record.weight = globals.weight;
	supervisor->record.place = *place;
	r = state_write(supervisor->state, "plan", text, strlen(text));
	return r < 0 ? r : state_write_record(supervisor->state, &supervisor->record);
}

/* Who makes slices from outside, and who holds budgets, stands above the VM, too. */
static void use(struct supervisor *supervisor, const struct qrt_sched_plan *plan)
{
	supervisor_close_keepers(supervisor);
	supervisor->plan = supervisor->watch.plan = plan;
	move_rank(supervisor);
	supervisor_open_keepers(supervisor);
}

/* What a preempt lock lifts to was fixed when QEMU started. */
static int check_locks(const struct supervisor *supervisor, const struct qrt_sched_plan *plan,
		       struct change_result *result)
{
	int highest = locks_find_highest(plan);

	if (!supervisor->locks || highest < locks_get_priority(supervisor->locks))
		return 0;
	snprintf(result->error, sizeof(result->error),
		 "priority %d is not below that of the preempt lock (%d), which was fixed when QEMU started: "
		 "give less, or start the VM with this plan",
		 highest, locks_get_priority(supervisor->locks));
	return -ERANGE;
}

static int check_slices(const struct supervisor *supervisor, const struct qrt_sched_plan *plan,
			struct change_result *result)
{
	g_autofree char *refusal = NULL;

	if (supervisor->library != LIBRARY_NONE)
		refusal = plan_live_refuse_quanta(supervisor->first_plan, plan);
	if (!refusal)
		return 0;
	g_strlcpy(result->error, refusal, sizeof(result->error));
	return -EBUSY;
}

static int carry_out(struct supervisor *supervisor, const struct qrt_sched_plan *plan,
		     struct change_result *result)
{
	const struct qrt_sched_plan *before = supervisor->plan;
	int r;

	use(supervisor, plan);
	r = watch_change(&supervisor->watch, before, result);
	if (r >= 0)
		return r;
	use(supervisor, before);
	watch_change(&supervisor->watch, plan, &(struct change_result){.changed = 0});
	return r;
}

int change_plan(struct supervisor *supervisor, struct qrt_sched_plan *plan, const struct state_place *place,
		struct change_result *result)
{
	struct state_place before = supervisor->record.place;
	int r = check_locks(supervisor, plan, result);

	if (r == 0)
		r = check_slices(supervisor, plan, result);
	if (r < 0)
		return r;
	/* First: what follows a kill finds at least as much as was changed. */
	r = write_down(supervisor, plan, place);
	if (r < 0)
		snprintf(result->error, sizeof(result->error), "the new plan cannot be written down: %s",
			 strerror(-r));
	else
		r = carry_out(supervisor, plan, result);
	if (r < 0) {
		write_down(supervisor, supervisor->plan, &before);
		return r;
	}
	qrt_sched_plan_close(supervisor->changed_plan);
	supervisor->changed_plan = plan;
	return 0;
}
