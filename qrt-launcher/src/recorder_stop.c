/* SPDX-License-Identifier: MIT */
/* The guest is stopped because of a delay. QEMU may be what hangs: that it was asked is not that it did. */
#include "blame_account.h"
#include "blame_format.h"
#include "recorder_p.h"
#include "supervisor.h"

#include <errno.h>

#define PATIENCE_NS UINT64_C(5000000000) /* with the answer */

static bool is_stop(const struct action *action)
{
	return action->kind == ACTION_STOP;
}

static bool is_open_stop(const struct action *action)
{
	return is_stop(action) && action->is_open;
}

/* True where that is worth a word. */
static bool note_stops(struct recorder *recorder, bool (*which)(const struct action *action), int result)
{
	struct actions *actions = recorder->actions;
	uint64_t time_ns = blame_now_ns();
	bool is_news = false;
	size_t i;

	for (i = 0; i < actions->count; i++) {
		if (!which(&actions->actions[i]))
			continue;
		is_news = is_news || action_is_news(&actions->actions[i]);
		action_note(&actions->actions[i], result, time_ns);
	}
	return is_news;
}

int recorder_stop_guest(struct supervisor *supervisor, const struct action *action)
{
	struct recorder *recorder = supervisor->flight;

	if (qmp_stop(supervisor)) {
		if (recorder->stop_ns == 0)
			recorder->stop_ns = blame_now_ns();
		return 1;
	}
	if (action_is_news(action))
		recorder_keeper_say(recorder->keeper,
				    "the guest cannot be stopped: QEMU's monitor takes no command");
	return -ENOTCONN;
}

void recorder_note_stop(struct supervisor *supervisor, const char *error)
{
	struct recorder *recorder = supervisor->flight;

	if (!recorder || !recorder->keeper)
		return;
	recorder->stop_ns = 0;
	if (!error) {
		note_stops(recorder, is_stop, 0);
		recorder_keeper_say(recorder->keeper, "the guest is stopped, as --on-delay wants it");
	} else if (note_stops(recorder, is_open_stop, -EIO)) {
		recorder_keeper_say(recorder->keeper, "the guest cannot be stopped: QEMU refuses it: %s",
				    error);
	}
}

/* Its late answer counts all the same. */
void recorder_check_stop(struct supervisor *supervisor)
{
	struct recorder *recorder = supervisor->flight;
	uint64_t waited_ns = recorder->stop_ns ? blame_now_ns() - recorder->stop_ns : 0;
	char time[24];

	if (waited_ns >= PATIENCE_NS && note_stops(recorder, is_open_stop, -ETIMEDOUT))
		recorder_keeper_say(
			recorder->keeper,
			"the guest may run still: QEMU's monitor was asked to stop it %s ago, and "
			"has not answered",
			blame_format_time(waited_ns, time, sizeof(time)));
}
