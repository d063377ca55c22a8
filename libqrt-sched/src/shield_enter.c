/* SPDX-License-Identifier: MIT */
/* Threads of a VM enter a shield that is up, and leave it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "hostfs_p.h"
#include "shield_p.h"
#include "sys_p.h"

struct entering {
	struct qrt_sched_p_cgroup cgroup;
	char folder[QRT_SCHED_P_PATH]; /* of the shield */
	char from[QRT_SCHED_P_PATH];   /* where the thread is */
	struct qrt_sched_p_task task;
	struct qrt_sched_saved *saved;
	struct qrt_sched_error *reterr;
};

static int fail(const struct entering *entering, int rc)
{
	return qrt_sched_p_error(entering->reterr, rc, "thread %d cannot enter the shield %.120s: %s",
				 (int)entering->task.tid, entering->folder,
				 rc == -ESRCH ? "it has ended" : strerror(-rc));
}

/* Threads come and go as long as a VM runs. */
static void forget_ended(struct qrt_sched_saved *saved)
{
	struct qrt_sched_p_saved_entry *entry;
	uint64_t start;
	size_t i;

	for (i = 0; i < saved->count; i++) {
		entry = &saved->entries[i];
		if (entry->kind == QRT_SCHED_P_SAVED_THREAD &&
		    (qrt_sched_p_read_start(entry->tid, &start) < 0 || start != entry->start))
			qrt_sched_p_saved_clear_entry(entry);
	}
	qrt_sched_p_saved_compact(saved, 0);
}

static int is_noted(const struct entering *entering)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_THREAD, .task = &entering->task};

	return entering->saved && qrt_sched_p_saved_find(entering->saved, &change);
}

static int note(const struct entering *entering, const struct qrt_sched_p_change *change)
{
	int rc;

	if (!entering->saved)
		return 0;
	forget_ended(entering->saved);
	rc = qrt_sched_p_saved_note(entering->saved, change);
	if (rc < 0)
		return fail(entering, rc);
	rc = qrt_sched_p_saved_keep(entering->saved, entering->reterr);
	if (rc >= 0)
		qrt_sched_p_saved_commit(entering->saved);
	return rc;
}

static int move(const struct entering *entering, enum qrt_sched_p_saved_kind kind,
		const struct qrt_sched_p_task *task, const char *from, const char *to)
{
	struct qrt_sched_p_change change = {.kind = kind, .task = task, .before = from, .after = to};
	const char *file = qrt_sched_p_cgroup_list_file(to);
	int rc = note(entering, &change);

	if (rc < 0)
		return rc;
	if (kind == QRT_SCHED_P_SAVED_PROCESS)
		file = "cgroup.procs";
	rc = qrt_sched_p_cgroup_put(to, file, task->tid);
	return rc < 0 ? fail(entering, rc) : 0;
}

static int read_process(pid_t tid, struct qrt_sched_p_task *ret_task)
{
	char path[32], status[8192];
	const char *field;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	rc = qrt_sched_p_read(path, status, sizeof(status));
	if (rc < 0)
		return -ESRCH;
	field = qrt_sched_p_field(status, "Tgid");
	return field ? qrt_sched_p_task_read((pid_t)strtol(field, NULL, 10), ret_task) : -ESRCH;
}

/* A process goes as a whole, and comes back as a whole to where one of its threads was: from there others
 * find to their own cgroups, which has to be noted before the process is, for what was last done is undone
 * first. */
static int note_place(const struct qrt_sched_p_task *task, void *data)
{
	const struct entering *entering = data;
	char folder[QRT_SCHED_P_PATH];
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_THREAD, .task = task, .before = folder, .after = entering->from};

	if (qrt_sched_p_cgroup_of(&entering->cgroup, task->tid, folder) < 0 ||
	    strcmp(folder, entering->from) == 0)
		return 0;
	return qrt_sched_p_saved_note(entering->saved, &change);
}

/* A thread can only go to a threaded cgroup of its process' own domain, which is the top one's here: so the
 * process goes there first, to the same CPUs as before but out of its cgroup's other limits. */
static int bring_process(struct entering *entering)
{
	struct qrt_sched_p_task process;
	int rc;

	if (strcmp(entering->from, entering->cgroup.top) == 0)
		return 0;
	rc = read_process(entering->task.tid, &process);
	if (rc >= 0 && entering->saved)
		rc = qrt_sched_p_task_each_of(process.tid, note_place, entering);
	if (rc < 0)
		return fail(entering, rc);
	rc = move(entering, QRT_SCHED_P_SAVED_PROCESS, &process, entering->from, entering->cgroup.top);
	strcpy(entering->from, entering->cgroup.top);
	return rc;
}

/* Where the first thread of the process comes back to, or is. */
static int find_home(const struct entering *entering, char ret_folder[QRT_SCHED_P_PATH])
{
	struct qrt_sched_p_task process;
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_THREAD, .task = &process};
	const struct qrt_sched_p_saved_entry *first;
	int rc = read_process(entering->task.tid, &process);

	if (rc < 0)
		return rc;
	first = qrt_sched_p_saved_find(entering->saved, &change);
	if (!first)
		return qrt_sched_p_cgroup_of(&entering->cgroup, process.tid, ret_folder);
	rc = snprintf(ret_folder, QRT_SCHED_P_PATH, "%s", first->before);
	return rc < QRT_SCHED_P_PATH ? 0 : -ENAMETOOLONG;
}

/* Who was started in the shield has been nowhere else. Under version 2 it leaves with its process. */
static int note_born(const struct entering *entering)
{
	char home[QRT_SCHED_P_PATH];
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_THREAD,
					    .task = &entering->task,
					    .before = home,
					    .after = entering->folder};

	if (entering->cgroup.version != QRT_SCHED_CGROUP_V1 || !entering->saved || is_noted(entering) ||
	    find_home(entering, home) < 0 || strcmp(home, entering->folder) == 0)
		return 0;
	return note(entering, &change);
}

static int enter(struct entering *entering)
{
	int rc = qrt_sched_p_task_read(entering->task.tid, &entering->task);

	if (rc >= 0)
		rc = qrt_sched_p_cgroup_of(&entering->cgroup, entering->task.tid, entering->from);
	if (rc < 0)
		return fail(entering, rc);
	if (strcmp(entering->from, entering->folder) == 0)
		return note_born(entering);
	if (entering->cgroup.version == QRT_SCHED_CGROUP_V2) {
		rc = bring_process(entering);
		if (rc < 0)
			return rc;
		/* Its own place is known. */
		if (is_noted(entering))
			entering->saved = NULL;
	}
	return move(entering, QRT_SCHED_P_SAVED_THREAD, &entering->task, entering->from, entering->folder);
}

/* Looks for the shield. */
static int find_shield(struct entering *entering, const char *name)
{
	struct qrt_sched_cpus cpus;

	if (entering->task.tid <= 0)
		return qrt_sched_p_error(entering->reterr, -EINVAL, "%d is no thread",
					 (int)entering->task.tid);
	if (qrt_sched_shield_read(name, &cpus) < 0)
		return qrt_sched_p_error(entering->reterr, -ENOENT, "no shield '%.60s' is up", name);
	qrt_sched_p_cgroup_find(&entering->cgroup);
	if (qrt_sched_p_join(entering->folder, entering->cgroup.top, name) < 0)
		return qrt_sched_p_error(entering->reterr, -ENAMETOOLONG, "'%.60s' is no name of a shield",
					 name);
	return 0;
}

int qrt_sched_shield_enter(const char *name, pid_t tid, struct qrt_sched_saved *saved,
			   struct qrt_sched_error *reterr)
{
	struct entering entering = {.task.tid = tid, .saved = saved, .reterr = reterr};
	int rc = find_shield(&entering, name ? name : QRT_SCHED_SHIELD_NAME);

	return rc < 0 ? rc : enter(&entering);
}

/* To where all others are. */
static int leave(const struct entering *entering, const char *name)
{
	char from[QRT_SCHED_P_PATH], to[QRT_SCHED_P_PATH];
	int rc = qrt_sched_p_cgroup_of(&entering->cgroup, entering->task.tid, from);

	if (rc < 0 || strcmp(from, entering->folder) != 0)
		return rc < 0 ? fail(entering, rc) : 0;
	/* Found paths leave room for this. */
	if (entering->cgroup.version == QRT_SCHED_CGROUP_V1)
		snprintf(to, sizeof(to), "%.300s/%.60s-host", entering->cgroup.top, name);
	else
		snprintf(to, sizeof(to), "%s", entering->cgroup.top);
	rc = qrt_sched_p_cgroup_put(
		to, entering->cgroup.version == QRT_SCHED_CGROUP_V1 ? "tasks" : "cgroup.threads",
		entering->task.tid);
	if (rc < 0)
		return qrt_sched_p_error(entering->reterr, rc,
					 "thread %d cannot leave the shield for %.120s: %s",
					 (int)entering->task.tid, to, strerror(-rc));
	return 0;
}

int qrt_sched_shield_leave(const char *name, pid_t tid, struct qrt_sched_error *reterr)
{
	struct entering entering = {.task.tid = tid, .reterr = reterr};
	int rc;

	if (!name)
		name = QRT_SCHED_SHIELD_NAME;
	rc = find_shield(&entering, name);
	return rc < 0 ? rc : leave(&entering, name);
}
