/* SPDX-License-Identifier: MIT */
/* A part of a cache for VMs alone: a group of resctrl, whose ways the common one has no more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "saved_p.h"
#include "schemata_p.h"
#include "sys_p.h"
#include "task_p.h"
#include "tunable_p.h"

#define GROUP  "qrt"
#define ROUNDS 16 /* a process may start threads while we go through them */

static int find_top(char top[QRT_SCHED_P_PATH], struct qrt_sched_error *reterr)
{
	char systems[8192];

	if (qrt_sched_p_mount_find("resctrl", NULL, top) >= 0)
		return 0;
	if (qrt_sched_p_read("/proc/filesystems", systems, sizeof(systems)) >= 0 &&
	    strstr(systems, "\tresctrl\n"))
		return qrt_sched_p_error(reterr, -EOPNOTSUPP,
					 "resctrl is not mounted: mount -t resctrl resctrl /sys/fs/resctrl");
	return qrt_sched_p_error(reterr, -EOPNOTSUPP,
				 "this host has no resctrl: its CPUs cannot part their cache, or the kernel "
				 "has no X86_CPU_RESCTRL");
}

/* One line of what schemata take: "L3:0=f;1=ff", "MB:0=50". */
static int check_value(const char *value, struct qrt_sched_error *reterr)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:=;_";
	size_t len = strspn(value, legal);

	if (len && !value[len] && len < 200 && strchr(value, ':') && strchr(value, '='))
		return 0;
	return qrt_sched_p_error(reterr, -EINVAL, "'%.60s' is no schemata line of resctrl, such as L3:0=f",
				 value);
}

/* The kernel's own words on what was wrong. */
static int refuse(const char *top, const char *value, const char *whom, int rc,
		  struct qrt_sched_error *reterr)
{
	char path[QRT_SCHED_P_PATH], why[128] = "";

	if (qrt_sched_p_join(path, top, "info/last_cmd_status") >= 0)
		qrt_sched_p_read_trimmed(path, why, sizeof(why));
	return qrt_sched_p_error(reterr, rc, "resctrl takes no '%.60s'%s: %.100s", value, whom,
				 why[0] ? why : strerror(-rc));
}

static int make_group(const char *group, struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_MADE, .path = group, .before = "", .after = ""};
	int rc;

	if (qrt_sched_p_exists(group)) {
		if (qrt_sched_p_saved_find(saved, &change))
			return 0;
		return qrt_sched_p_error(reterr, -EBUSY,
					 "%.120s is there already, not by this program: remove it", group);
	}
	rc = qrt_sched_p_saved_note(saved, &change);
	if (rc >= 0)
		rc = qrt_sched_p_saved_keep(saved, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_hostfs->make(group);
	if (rc == -ENOSPC)
		return qrt_sched_p_error(reterr, rc, "resctrl has no room for another group: remove one");
	return rc < 0 ? qrt_sched_p_error(reterr, rc, "%.120s cannot be made: %s", group, strerror(-rc)) : 0;
}

/* ---- the common group ---------------------------------------------------------------------------- */

/* Shares of bandwidth have none: they are nobody's own. */
static int has_ways(const char *top, const char *value)
{
	char path[QRT_SCHED_P_PATH], file[256];

	snprintf(file, sizeof(file), "info/%.*s/cbm_mask", (int)strcspn(value, ":"), value);
	return qrt_sched_p_join(path, top, file) >= 0 && qrt_sched_p_exists(path);
}

/* How the common group was before any of ours: `line` comes in as it is now. */
static int find_before(const struct qrt_sched_p_saved_entry *known, char line[QRT_SCHED_P_SCHEMATA_LINE],
		       struct qrt_sched_error *reterr)
{
	char before[QRT_SCHED_P_SCHEMATA_LINE];
	int rc;

	if (!known)
		return 0;
	/* Of another resource: that one is done with. */
	if (qrt_sched_p_schemata_find(known->before, line, before) < 0) {
		rc = qrt_sched_p_saved_put_back(known);
		return rc < 0 ? qrt_sched_p_error(reterr, rc, "%.160s cannot be put back: %s", known->path,
						  strerror(-rc))
			      : 0;
	}
	if (strcmp(line, known->after) != 0 && strcmp(line, known->before) != 0)
		return qrt_sched_p_error(
			reterr, -EBUSY,
			"everybody else's part of the cache stays '%.80s': somebody else has set it since",
			line);
	strcpy(line, before);
	return 0;
}

static int shrink(const struct qrt_sched_p_change *change, const char *top, struct qrt_sched_saved *saved,
		  struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_saved_entry *entry;
	int rc = qrt_sched_p_saved_note_anew(saved, change);

	if (rc >= 0)
		rc = qrt_sched_p_saved_keep(saved, reterr);
	if (rc < 0)
		return rc;
	entry = qrt_sched_p_saved_find(saved, change);
	entry->is_due = 0;
	rc = qrt_sched_p_saved_make(entry);
	return rc < 0 ? refuse(top, change->after, " for everybody else", rc, reterr) : 0;
}

/* Ways that another group has, too, hold whatever its threads put there. */
static int take_from_others(const char *top, const char *value, struct qrt_sched_saved *saved,
			    struct qrt_sched_error *reterr)
{
	char path[QRT_SCHED_P_PATH], text[8192], before[QRT_SCHED_P_SCHEMATA_LINE],
		after[QRT_SCHED_P_SCHEMATA_LINE];
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_FILE, .path = path, .before = before, .after = after};
	int rc = qrt_sched_p_join(path, top, "schemata");

	if (rc >= 0)
		rc = qrt_sched_p_read(path, text, sizeof(text));
	if (rc >= 0)
		rc = qrt_sched_p_schemata_find(text, value, before);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "%.120s/schemata cannot be read: %s", top,
					 strerror(-rc));
	rc = find_before(qrt_sched_p_saved_find(saved, &change), before, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_schemata_minus(before, value, after);
	if (rc < 0)
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"'%.60s' leaves nobody else a way of that cache, of '%.80s': leave one or more",
			value, before);
	if (strcmp(before, after) == 0 && !qrt_sched_p_saved_find(saved, &change))
		return 0;
	return shrink(&change, top, saved, reterr);
}

/* ---- ours ---------------------------------------------------------------------------------------- */

int qrt_sched_p_tunable_set_resctrl(const char *value, struct qrt_sched_saved *saved,
				    struct qrt_sched_error *reterr)
{
	char top[QRT_SCHED_P_PATH], group[QRT_SCHED_P_PATH], path[QRT_SCHED_P_PATH], line[256];
	int rc = check_value(value, reterr);

	if (rc >= 0)
		rc = find_top(top, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_join(group, top, GROUP);
	if (rc >= 0)
		rc = qrt_sched_p_join(path, group, "schemata");
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "%.120s: its path is too long", top);
	rc = make_group(group, saved, reterr);
	if (rc < 0)
		return rc;
	snprintf(line, sizeof(line), "%s\n", value);
	rc = qrt_sched_p_hostfs->write(path, line);
	if (rc < 0)
		return refuse(top, value, "", rc, reterr);
	return has_ways(top, value) ? take_from_others(top, value, saved, reterr) : 0;
}

/* ---- threads ------------------------------------------------------------------------------------- */

struct entering {
	char top[QRT_SCHED_P_PATH], group[QRT_SCHED_P_PATH];
	struct qrt_sched_saved *saved;
	pid_t tid; /* that is looked for */
	char from[QRT_SCHED_P_PATH];
	int found, error;
};

static int look_into(const char *name, void *data)
{
	struct entering *entering = data;
	char folder[QRT_SCHED_P_PATH];

	if (qrt_sched_p_join(folder, entering->top, name) < 0 ||
	    !qrt_sched_p_cgroup_lists(folder, "tasks", entering->tid))
		return 0;
	strcpy(entering->from, folder);
	return 1;
}

/* From the common group threads come back by themselves when ours is removed. */
static int note_origin(struct entering *entering, const struct qrt_sched_p_task *task)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_THREAD,
					    .task = task,
					    .before = entering->from,
					    .after = entering->group};
	int rc;

	entering->tid = task->tid;
	if (qrt_sched_p_list(entering->top, look_into, entering) <= 0)
		return 0;
	rc = qrt_sched_p_saved_note(entering->saved, &change);
	return rc < 0 ? rc : qrt_sched_p_saved_keep(entering->saved, NULL);
}

static int enter_one(const struct qrt_sched_p_task *task, void *data)
{
	struct entering *entering = data;
	int rc;

	if (qrt_sched_p_cgroup_lists(entering->group, "tasks", task->tid))
		return 0;
	entering->found++;
	rc = note_origin(entering, task);
	if (rc >= 0)
		rc = qrt_sched_p_cgroup_put(entering->group, "tasks", task->tid);
	if (rc < 0 && rc != -ESRCH)
		entering->error = rc;
	return entering->error;
}

/* A thread that is in starts others in it: until a round finds nobody outside. */
static int enter_all(struct entering *entering, pid_t pid)
{
	int round, rc = 0;

	entering->found = 1;
	for (round = 0; rc >= 0 && entering->found && round < ROUNDS; round++) {
		entering->found = 0;
		rc = qrt_sched_p_task_each_of(pid, enter_one, entering);
	}
	return rc;
}

int qrt_sched_tunable_enter_resctrl(pid_t pid, struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	struct entering entering = {.saved = saved};
	int rc = pid > 0 && saved ? find_top(entering.top, reterr)
				  : qrt_sched_p_error(reterr, -EINVAL, "a process and 'saved' are needed");

	if (rc >= 0)
		rc = qrt_sched_p_join(entering.group, entering.top, GROUP);
	if (rc < 0)
		return rc;
	if (!qrt_sched_p_exists(entering.group))
		return qrt_sched_p_error(reterr, -ENOENT, "there is no %.120s: set its schemata first",
					 entering.group);
	qrt_sched_p_saved_begin(saved);
	rc = enter_all(&entering, pid);
	if (rc < 0) {
		qrt_sched_p_saved_rollback(saved);
		return qrt_sched_p_error(reterr, rc, "process %d cannot enter %.120s: %s", (int)pid,
					 entering.group, strerror(-rc));
	}
	qrt_sched_p_saved_commit(saved);
	return 0;
}
