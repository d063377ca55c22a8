/* SPDX-License-Identifier: MIT */
/* What follows a delay that was too long. */
#include "action.h"
#include "blame_account.h"
#include "blame_format.h"
#include "change.h"
#include "command.h"
#include "plan_live.h"
#include "plan_request.h"
#include "recorder_p.h"
#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* " that worker (paio 0) held", nothing where it is not known. */
static const char *describe_owner(const struct recorder *recorder, int32_t tid, char *buf, size_t size)
{
	const struct recorder_thread *owner = recorder_accounts_find(recorder->accounts, tid);
	char role[32];

	buf[0] = '\0';
	if (owner)
		snprintf(buf, size, " that %s (%s) held", owner->name,
			 blame_format_role(owner->role, owner->index, role, sizeof(role)));
	return buf;
}

static void describe(const struct recorder *recorder, const struct recorder_thread *thread,
		     const struct recorder_entry *entry, char *buf, size_t size)
{
	char role[32], time[24], owner[80];

	blame_format_role(thread->role, thread->index, role, sizeof(role));
	if (entry->kind == RECORDER_STARVES)
		snprintf(buf, size, "%s (%s) is ready for %s without running, and waits still", thread->name,
			 role, blame_format_time(entry->took_ns, time, sizeof(time)));
	else if (entry->kind == RECORDER_MUTEX)
		snprintf(buf, size, "%s (%s) waited %s for a mutex%s", thread->name, role,
			 blame_format_time(entry->took_ns, time, sizeof(time)),
			 describe_owner(recorder, entry->mutex.owner, owner, sizeof(owner)));
	else
		snprintf(buf, size, "%s (%s) was ready for %s without running, in %" PRIu64 " time%s",
			 thread->name, role, blame_format_time(entry->sample.delay_ns, time, sizeof(time)),
			 entry->sample.arrivals, plural(entry->sample.arrivals));
}

/* ---- another plan ---- */

static void find_place(const struct supervisor *supervisor, struct qrt_sched_plan *plan,
		       struct state_place *ret_place)
{
	struct plan_request *request = g_new0(struct plan_request, 1);
	struct qrt_sched_error error;

	request->plan = plan;
	request->vm = supervisor->vm;
	request->host.size = sizeof(request->host);
	qrt_sched_host_read(&request->host, &error);
	plan_request_get_place(request, ret_place);
	g_free(request);
}

static bool is_in_force(const struct supervisor *supervisor, const struct qrt_sched_plan *plan)
{
	g_autofree char *text = plan_live_format(plan), *now = plan_live_format(supervisor->plan);

	return strcmp(text, now) == 0;
}

/* On success the plan is the supervisor's. */
static int put_in_force(struct supervisor *supervisor, const struct action *action,
			struct qrt_sched_plan *plan)
{
	struct change_result result = {.changed = 0};
	struct state_place place;
	int r;

	find_place(supervisor, plan, &place);
	r = change_plan(supervisor, plan, &place, &result);
	if (r >= 0)
		recorder_keeper_say(supervisor->flight->keeper, "from now on the plan is %s",
				    action->argument);
	else if (action_is_news(action))
		recorder_keeper_say(supervisor->flight->keeper, "the plan cannot become %s: %s",
				    action->argument, result.error);
	if (r < 0)
		qrt_sched_plan_close(plan);
	return MIN(r, 0);
}

/* All threads change at once, or none; what was fixed when QEMU started stays. */
static int fall_back(struct supervisor *supervisor, const struct action *action)
{
	struct qrt_sched_plan *plan;
	int r = plan_live_follow(action->plan, supervisor->plan, &plan);

	if (r < 0 && action_is_news(action))
		recorder_keeper_say(supervisor->flight->keeper, "the plan cannot become %s: %s",
				    action->argument, strerror(-r));
	if (r < 0)
		return r;
	if (!is_in_force(supervisor, plan))
		return put_in_force(supervisor, action, plan);
	qrt_sched_plan_close(plan);
	return 0;
}

/* ---- what is due ---- */

/* What is done to the VM waits for no disk. */
static bool needs_file(const struct action *action)
{
	return action->kind == ACTION_FILE || action->kind == ACTION_COMMAND;
}

static size_t find_due(const struct recorder *recorder, uint64_t delay_ns, struct action *due[ACTIONS_MAX])
{
	bool is_busy = recorder_keeper_is_busy(recorder->keeper);
	struct actions *actions = recorder->actions;
	uint64_t time_ns = blame_now_ns();
	size_t i, count = 0;

	for (i = 0; i < actions->count; i++) {
		struct action *action = &actions->actions[i];

		if (action_is_due(action, delay_ns, time_ns) && !(is_busy && needs_file(action)))
			due[count++] = action;
	}
	return count;
}

/* What was tried in vain a moment ago was said, and has its recording. */
static bool is_worth_a_word(const struct action *action)
{
	return !needs_file(action) && action_is_news(action);
}

static bool has(struct action *const due[], size_t count, bool (*which)(const struct action *action))
{
	size_t i;

	for (i = 0; i < count && !which(due[i]); i++)
		;
	return i < count;
}

static struct recorder_keep *make_keep(struct supervisor *supervisor, const struct recorder_thread *thread,
				       uint64_t delay_ns, const char *trigger)
{
	struct recorder_keep *keep = g_new0(struct recorder_keep, 1);

	keep->thread = *thread;
	keep->delay_ns = delay_ns;
	recorder_take(supervisor, trigger, &keep->recording);
	return keep;
}

static int act(struct supervisor *supervisor, const struct action *action)
{
	switch (action->kind) {
	case ACTION_STOP:
		return recorder_stop_guest(supervisor, action);
	case ACTION_FAILSAFE:
		return fall_back(supervisor, action);
	default:
		return 0;
	}
}

/* Where the last recording is not in its file yet that disk is in trouble: there is none of this delay. */
static struct recorder_keep *keep_or_say(struct supervisor *supervisor, const struct recorder_thread *thread,
					 const struct recorder_entry *entry, struct action *const due[],
					 size_t count)
{
	struct recorder *recorder = supervisor->flight;
	bool log = has(due, count, is_worth_a_word);
	struct recorder_keep *keep;
	char trigger[160];
	size_t i;

	if (!log && !has(due, count, needs_file))
		return NULL;
	describe(recorder, thread, entry, trigger, sizeof(trigger));
	if (recorder_keeper_is_busy(recorder->keeper)) {
		recorder_keeper_say(recorder->keeper,
				    "%s; not kept: the last recording is not in its file yet", trigger);
		return NULL;
	}
	keep = make_keep(supervisor, thread, recorder_length_of(entry), trigger);
	keep->log = log;
	for (i = 0; i < count; i++) {
		if (due[i]->kind == ACTION_COMMAND)
			keep->commands[keep->commands_count++] = due[i]->argument;
	}
	return keep;
}

void recorder_react(struct supervisor *supervisor, const struct recorder_thread *thread,
		    const struct recorder_entry *entry)
{
	struct recorder *recorder = supervisor->flight;
	struct action *due[ACTIONS_MAX];
	size_t i, count = find_due(recorder, recorder_length_of(entry), due);
	struct recorder_keep *keep;
	int results[ACTIONS_MAX], kept = 0;

	if (count == 0)
		return;
	keep = keep_or_say(supervisor, thread, entry, due, count);
	for (i = 0; i < count; i++)
		results[i] = act(supervisor, due[i]);
	if (keep)
		kept = recorder_keeper_start(recorder->keeper, keep);
	for (i = 0; i < count; i++)
		action_note(due[i], needs_file(due[i]) ? kept : results[i], blame_now_ns());
}
