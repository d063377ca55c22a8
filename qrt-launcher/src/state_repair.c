/* SPDX-License-Identifier: MIT */
/* After a launcher was killed: put back what it had changed and can no longer put back itself. */
#include "command.h"
#include "host.h"
#include "postpone.h"
#include "proc.h"
#include "state.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define THREADS_MAX (1u << 20) /* bytes of the threads file */
#define REST        10         /* looks that are left out after a failure */

static int say_damaged(const struct state *state, const char *file, const char *what)
{
	complain("what VM '%s' left behind is damaged (%s: %s): nothing was put back; look at %s/%s and "
		 "remove it",
		 state->name, file, what, state_get_run_path(), state->name);
	return -EINVAL;
}

static int read_snapshot(const struct state *state, struct qrt_sched_snapshot *snapshot)
{
	struct qrt_sched_error error;
	size_t len;
	char *text;
	int r = state_read(state->fd, "threads", THREADS_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return say_damaged(state, "threads", strerror(-r));
	r = qrt_sched_snapshot_parse(snapshot, text, len, &error);
	g_free(text);
	return r < 0 ? say_damaged(state, "threads", error.message) : 0;
}

static int read_places(const struct state *state, struct qrt_sched_saved *places)
{
	struct qrt_sched_error error;
	size_t len;
	char *text;
	int r = state_read(state->fd, "places", THREADS_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return say_damaged(state, "places", strerror(-r));
	r = qrt_sched_saved_parse(places, text, len, &error);
	g_free(text);
	return r < 0 ? say_damaged(state, "places", error.message) : 0;
}

/* What its launcher wrote down. */
struct past {
	struct qrt_sched_snapshot *snapshot;
	struct qrt_sched_saved *places;
};

static int open_past(const struct state *state, struct past *past)
{
	int r = qrt_sched_snapshot_new(&past->snapshot);

	if (r >= 0)
		r = qrt_sched_saved_new(NULL, NULL, &past->places);
	if (r >= 0)
		r = read_snapshot(state, past->snapshot);
	return r < 0 ? r : read_places(state, past->places);
}

struct calming {
	const struct qrt_sched_setting *fresh;
	int changed, total, failed;
	struct qrt_sched_error error;
};

static bool calm_thread(pid_t tid, void *data)
{
	struct calming *calming = data;
	struct qrt_sched_setting actual;
	int r;

	calming->total++;
	if (qrt_sched_setting_read(tid, &actual) < 0 ||
	    qrt_sched_setting_compare(calming->fresh, &actual, NULL) == 0)
		return true;
	r = qrt_sched_setting_apply(tid, calming->fresh, &calming->error);
	if (r >= 0)
		calming->changed++;
	else if (r != -ESRCH)
		calming->failed++;
	return true;
}

/* Threads may start others while we go through them: until a round finds nothing to do. */
static int calm_process(pid_t pid, const struct qrt_sched_setting *fresh, struct calming *ret_calming)
{
	struct calming calming;
	char path[64];
	int round;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	for (round = 0; round < 5; round++) {
		calming = (struct calming){.fresh = fresh};
		if (proc_for_each(path, calm_thread, &calming) < 0)
			break;
		if (calming.changed == 0)
			break;
	}
	*ret_calming = calming;
	return calming.failed > 0 ? -EPERM : 0;
}

static int put_back_attached(const struct state *state, const struct state_record *record,
			     const struct past *past)
{
	bool living = proc_is_alive(record->qemu_pid, record->qemu_start);
	struct qrt_sched_error error = {.message = ""};
	int r = state_put_back(past->snapshot, past->places, record, &error);

	if (r < 0)
		complain("VM '%s' (pid %d) had lost its launcher, and its threads cannot be put back: %s",
			 state->name, record->qemu_pid, error.message);
	else if (living)
		complain(
			"VM '%s' (pid %d) had lost its launcher: %d thread%s of it put back to how they were",
			state->name, record->qemu_pid, r, plural((unsigned)r));
	return r < 0 ? r : 0;
}

static int put_back(const struct state *state, const struct state_record *record, const struct past *past)
{
	bool living = proc_is_alive(record->qemu_pid, record->qemu_start);
	struct qrt_sched_error error = {.message = ""};
	struct calming calming = {0};
	int r, s = 0;

	if (record->is_attached)
		return put_back_attached(state, record, past);
	r = qrt_sched_snapshot_restore(past->snapshot, &error);
	if (r >= 0)
		r = qrt_sched_saved_restore(past->places, &error);
	if (living)
		s = calm_process(record->qemu_pid, &record->fresh, &calming);
	if (r < 0 || s < 0) {
		complain("VM '%s' (pid %d) had lost its launcher, and its threads cannot be put back: %s",
			 state->name, record->qemu_pid, r < 0 ? error.message : calming.error.message);
		return r < 0 ? r : s;
	}
	if (living)
		complain("VM '%s' (pid %d) had lost its launcher: %d thread%s of it put back to how they "
			 "would run "
			 "without a plan",
			 state->name, record->qemu_pid, calming.total, plural((unsigned)calming.total));
	return 0;
}

static int repair_record(const struct state *state, const struct state_record *record)
{
	struct past past = {.snapshot = NULL};
	char boot[40];
	int r;

	proc_get_boot(boot, sizeof(boot));
	if (strcmp(boot, record->boot) != 0)
		return 0;
	r = open_past(state, &past);
	if (r == 0)
		r = put_back(state, record, &past);
	qrt_sched_snapshot_close(past.snapshot);
	qrt_sched_saved_close(past.places);
	return r;
}

int state_repair(struct state *state, bool verbose)
{
	struct state_record record;
	int r = state_read_record(state->fd, &record);

	if (r == 0)
		r = repair_record(state, &record);
	else if (r == -ENOENT)
		r = 0; /* the launcher died before it started QEMU */
	else
		say_damaged(state, "state.json", "not what a launcher writes");
	if (r < 0) {
		state_close(state);
		return r;
	}
	if (verbose)
		complain("'%s': what its launcher left behind was put back and removed", state->name);
	state_remove(state);
	return 0;
}

struct repairing {
	int run_fd, failed;
	bool verbose;
	GHashTable *rests; /* name -> looks to be left out, NULL: none is */
};

static bool is_resting(GHashTable *rests, const char *name)
{
	guint left = rests ? GPOINTER_TO_UINT(g_hash_table_lookup(rests, name)) : 0;

	if (left > 0)
		g_hash_table_insert(rests, g_strdup(name), GUINT_TO_POINTER(left - 1));
	return left > 0;
}

static void note_failure(struct repairing *repairing, const char *name)
{
	repairing->failed++;
	if (repairing->rests)
		g_hash_table_insert(repairing->rests, g_strdup(name), GUINT_TO_POINTER(REST));
}

static void repair_folder(const char *name, void *data)
{
	struct repairing *repairing = data;
	struct state state;
	int r;

	if (is_resting(repairing->rests, name)) {
		repairing->failed++;
		return;
	}
	r = state_open_left(repairing->run_fd, name, &state);
	if (r == 0)
		r = state_repair(&state, repairing->verbose);
	else if (r != -EBUSY && r != -ENOENT)
		complain("%s/%s: %s: not a VM's folder of this user; remove it", state_get_run_path(), name,
			 strerror(-r));
	if (r < 0 && r != -EBUSY && r != -ENOENT)
		note_failure(repairing, name);
}

int state_repair_vms(int run_fd, bool verbose, GHashTable *rests)
{
	struct repairing repairing = {.run_fd = run_fd, .verbose = verbose, .rests = rests};
	sigset_t before;

	postpone_begin(&before);
	state_for_each(run_fd, repair_folder, &repairing);
	postpone_end(&before);
	return repairing.failed;
}

int state_repair_all(int run_fd, bool verbose)
{
	int failed = state_repair_vms(run_fd, verbose, NULL);

	return host_repair(run_fd, verbose) < 0 ? failed + 1 : failed;
}
