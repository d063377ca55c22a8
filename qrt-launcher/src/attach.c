/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include "clean.h"
#include "command.h"
#include "proc.h"
#include "supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct remembering {
	struct qrt_sched_snapshot *snapshot;
	int added, error;
	struct qrt_sched_error *reterr;
};

static void explain(pid_t tid, int code, struct qrt_sched_error *reterr)
{
	char name[64];

	proc_get_name(tid, name, sizeof(name));
	if (code == -EOPNOTSUPP)
		snprintf(reterr->message, sizeof(reterr->message),
			 "thread '%s' (%d) has a policy that is not known here (SCHED_EXT?) and could not be "
			 "given back: give it another first, as by 'chrt -o -p 0 %d'",
			 clean_text(name), tid, tid);
	else
		snprintf(reterr->message, sizeof(reterr->message), "thread '%s' (%d): %s", clean_text(name),
			 tid, strerror(-code));
}

static bool remember(pid_t tid, void *data)
{
	struct remembering *remembering = data;
	int r = qrt_sched_snapshot_add(remembering->snapshot, tid);

	if (r < 0 && r != -ESRCH) {
		explain(tid, r, remembering->reterr);
		remembering->error = r;
	}
	remembering->added += r > 0;
	return remembering->error == 0;
}

/* Threads that appear meanwhile are born of those that nobody has changed. */
int attach_remember(struct supervisor *supervisor, struct qrt_sched_error *reterr)
{
	struct remembering remembering = {.reterr = reterr};
	char path[64];
	int r = qrt_sched_snapshot_new(&supervisor->outside);

	if (r < 0)
		return r;
	remembering.snapshot = supervisor->outside;
	snprintf(path, sizeof(path), "/proc/%d/task", supervisor->record.qemu_pid);
	r = proc_for_each(path, remember, &remembering);
	if (r == 0)
		r = remembering.error;
	if (r == 0)
		r = supervisor_save_outside(supervisor);
	return r < 0 ? r : remembering.added;
}

bool attach_knows(struct supervisor *supervisor, pid_t tid)
{
	return qrt_sched_snapshot_add_setting(supervisor->outside, tid, &supervisor->record.fresh) == 0;
}

int attach_put_back(struct supervisor *supervisor)
{
	struct qrt_sched_error error = {.message = ""};
	int r;

	if (supervisor->let_go)
		return supervisor->let_go < 0 ? supervisor->let_go : supervisor->let_go - 1;
	supervisor->let_go = 1;
	supervisor->watch.is_released = true;
	supervisor_close_keepers(supervisor);
	r = state_put_back(supervisor->outside, supervisor->watch.places, &supervisor->record, &error);
	supervisor->let_go = r < 0 ? r : r + 1;
	if (r < 0)
		complain("not every thread of VM '%s' (pid %d) could be put back: %s; 'qrt-launcher repair' "
			 "tries again",
			 supervisor->state->name, supervisor->record.qemu_pid, error.message);
	return r;
}

char *attach_answer_detach(struct supervisor *supervisor)
{
	int r;

	if (!supervisor->is_attached)
		return g_strdup(
			"{\"error\":\"it was started by 'qrt-launcher run', and ends with its launcher; "
			"'qrt-launcher set' changes its plan\"}\n");
	r = attach_put_back(supervisor);
	g_main_loop_quit(supervisor->loop);
	if (r < 0)
		return g_strdup_printf("{\"error\":\"not every thread could be put back: %s; 'qrt-launcher "
				       "repair' tries again\",\"ended\":true}\n",
				       strerror(-r));
	return g_strdup_printf("{\"threads\":%d}\n", r);
}
