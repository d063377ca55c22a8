/* SPDX-License-Identifier: MIT */
/* What follows a delay that was too long. The supervisor goes on: a thread of its own, which is not urgent,
 * keeps the recording and starts the command. */
#include "action.h"
#include "blame_account.h"
#include "blame_format.h"
#include "change.h"
#include "command.h"
#include "plan_live.h"
#include "plan_request.h"
#include "recorder_p.h"
#include "recorder_store.h"
#include "recording_replay.h"
#include "supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* One recording on its way to its file. */
struct keep {
	struct recorder *recorder;
	struct recording recording;
	struct recorder_thread thread;
	uint64_t delay_ns;
	bool log;
	size_t commands_count;
	const char *commands[ACTIONS_MAX];
};

static void say(const struct recorder *recorder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct recorder *recorder, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	if (recorder->to_log)
		syslog(LOG_DAEMON | LOG_WARNING, "qrt-launcher: VM '%s': %s", recorder->to_log, text);
	else
		complain("%s", text);
}

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

static void run_commands(const struct keep *keep, const char *file)
{
	g_autofree char *vm = g_strdup_printf("QRT_VM=%s", keep->recording.name);
	g_autofree char *role = g_strdup_printf("QRT_ROLE=%s", qrt_sched_role_name(keep->thread.role));
	g_autofree char *index = g_strdup_printf("QRT_INDEX=%d", keep->thread.index);
	g_autofree char *delay = g_strdup_printf("QRT_DELAY_NS=%" PRIu64, keep->delay_ns);
	g_autofree char *path = g_strdup_printf("QRT_FILE=%s%s%s", file ? keep->recorder->folder : "",
						file ? "/" : "", file ? file : "");
	const char *const told[] = {vm, role, index, delay, path, NULL};
	size_t i;

	for (i = 0; i < keep->commands_count; i++)
		action_run_command(keep->commands[i], told);
}

static void free_keep(struct keep *keep)
{
	recording_clear(&keep->recording);
	g_free(keep);
}

static void *keep_recording(void *data)
{
	const struct qrt_sched_setting ordinary = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_NICE,
						   .policy = QRT_SCHED_POLICY_OTHER};
	struct keep *keep = data;
	g_autofree char *file = NULL, *text = NULL;
	size_t len;
	int r;

	qrt_sched_setting_apply(0, &ordinary, NULL);
	recording_replay(&keep->recording);
	text = recording_format(&keep->recording, &len);
	r = keep->recorder->folder_fd < 0
		    ? -EBADF
		    : recorder_store_write(keep->recorder->folder_fd, keep->recording.name, text, len, &file);
	if (r < 0 && r != -EBADF)
		say(keep->recorder, "the recording cannot be kept in %s: %s", keep->recorder->folder,
		    strerror(-r));
	if (keep->log)
		say(keep->recorder, "%s%s%s%s%s", keep->recording.trigger, file ? "; kept in " : "",
		    file ? keep->recorder->folder : "", file ? "/" : "", file ? file : "");
	run_commands(keep, file);
	atomic_store(&keep->recorder->keeper_is_busy, false);
	free_keep(keep);
	return NULL;
}

static bool is_busy(const struct recorder *recorder)
{
	return recorder->keeper && atomic_load(&recorder->keeper_is_busy);
}

static void start_keeper(struct recorder *recorder, struct keep *keep)
{
	if (recorder->keeper)
		g_thread_join(recorder->keeper);
	atomic_store(&recorder->keeper_is_busy, true);
	recorder->keeper = g_thread_new("qrt-keeper", keep_recording, keep);
}

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

/* What was fixed when QEMU started stays; all threads change at once, or none. */
static void fall_back(struct supervisor *supervisor, const struct action *action)
{
	struct change_result result = {.changed = 0};
	struct qrt_sched_plan *plan;
	struct state_place place;

	if (is_in_force(supervisor, action->plan) || plan_live_copy(action->plan, &plan) < 0)
		return;
	find_place(supervisor, plan, &place);
	if (change_plan(supervisor, plan, &place, &result) >= 0) {
		say(supervisor->flight, "from now on the plan is %s", action->argument);
		return;
	}
	say(supervisor->flight, "the plan cannot become %s: %s", action->argument, result.error);
	qrt_sched_plan_close(plan);
}

static void act(struct supervisor *supervisor, const struct action *action, struct keep *keep)
{
	switch (action->kind) {
	case ACTION_FILE:
		break;
	case ACTION_LOG:
		keep->log = true;
		break;
	case ACTION_COMMAND:
		keep->commands[keep->commands_count++] = action->argument;
		break;
	case ACTION_STOP:
		keep->log = true;
		if (qmp_stop(supervisor))
			say(supervisor->flight, "the guest is stopped, as --on-delay wants it");
		else
			say(supervisor->flight,
			    "the guest cannot be stopped: QEMU's monitor takes no command");
		break;
	case ACTION_FAILSAFE:
		keep->log = true;
		fall_back(supervisor, action);
		break;
	}
}

static struct keep *make_keep(struct supervisor *supervisor, const struct recorder_thread *thread,
			      const struct recorder_entry *entry)
{
	struct keep *keep = g_new0(struct keep, 1);
	char trigger[160];

	keep->recorder = supervisor->flight;
	keep->thread = *thread;
	keep->delay_ns = recorder_length_of(entry);
	describe(supervisor->flight, thread, entry, trigger, sizeof(trigger));
	recorder_take(supervisor, trigger, &keep->recording);
	return keep;
}

/* Where the last recording is not on the disk yet, that disk is in trouble: the next delay will do. */
void recorder_react(struct supervisor *supervisor, const struct recorder_thread *thread,
		    const struct recorder_entry *entry)
{
	struct recorder *recorder = supervisor->flight;
	struct actions *actions = recorder->actions;
	uint64_t time_ns = blame_now_ns();
	struct keep *keep = NULL;
	size_t i;

	for (i = 0; i < actions->count && !is_busy(recorder); i++) {
		if (!action_is_due(&actions->actions[i], recorder_length_of(entry), time_ns))
			continue;
		if (!keep)
			keep = make_keep(supervisor, thread, entry);
		act(supervisor, &actions->actions[i], keep);
	}
	if (keep)
		start_keeper(recorder, keep);
}
