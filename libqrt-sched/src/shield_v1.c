/* SPDX-License-Identifier: MIT */
/*
 * A shield by cpusets of cgroup version 1. Processes of the top cpuset, whose CPUs cannot be changed, move
 * to one of their own with the CPUs that are left; other cpusets lose the shield's CPUs. The shield's cpuset
 * has its CPUs without load balancing, and without balancing in the top one they are in no other domain.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus_p.h"
#include "error_p.h"
#include "shield_p.h"

#define ROUNDS 32 /* of moving what was born meanwhile */

/* ---- cpusets of others --------------------------------------------------------------------------- */

/* Noted inner ones first: restoring goes the other way, and an inner cpuset gets no CPU that the outer one
 * does not have yet. */
static int note_cpuset(const char *folder, void *data)
{
	struct qrt_sched_p_shield *shield = data;
	char path[QRT_SCHED_P_PATH], before[QRT_SCHED_P_CPUS_TEXT], after[QRT_SCHED_P_CPUS_TEXT];
	struct qrt_sched_cpus cpus, then;
	int known;

	if (qrt_sched_p_shield_is_own(shield, folder) || qrt_sched_p_join(path, folder, "cpuset.cpus") < 0)
		return 0;
	known = qrt_sched_p_shield_cpus_before(shield, folder, &cpus);
	if (known < 0)
		return 0;
	if (!known && !qrt_sched_p_shield_touches(shield, &cpus))
		return 0;
	then = cpus;
	qrt_sched_p_cpus_minus(&then, &shield->cpus);
	if (!qrt_sched_cpus_count(&then)) {
		/* Nothing runs in it, or this was refused. */
		qrt_sched_p_shield_leave(shield, "cpuset", folder + strlen(shield->cgroup.top), -1, -EBUSY);
		return 0;
	}
	qrt_sched_cpus_format(&cpus, before, sizeof(before));
	qrt_sched_cpus_format(&then, after, sizeof(after));
	return qrt_sched_p_shield_note_file(shield, path, before, after);
}

/* A cpuset that gets CPUs back, outer ones first: all that it had, and then what it shall have. */
static int widen(struct qrt_sched_p_shield *shield)
{
	const struct qrt_sched_p_saved_entry *entry;
	struct qrt_sched_cpus now, then;
	size_t i;
	int rc = 0;

	for (i = shield->saved->count; rc >= 0 && i-- > 0;) {
		entry = &shield->saved->entries[i];
		if (!entry->is_due || !entry->old || qrt_sched_cpus_parse(entry->old, &now) < 0 ||
		    qrt_sched_cpus_parse(entry->after, &then) < 0)
			continue;
		qrt_sched_p_cpus_minus(&then, &now);
		if (qrt_sched_cpus_count(&then)) {
			char text[QRT_SCHED_P_CPUS_TEXT + 2];

			snprintf(text, sizeof(text), "%s\n", entry->before);
			rc = qrt_sched_p_hostfs->write(entry->path, text);
		}
	}
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "cpusets cannot get CPUs back: %s",
					 strerror(-rc));
	return 0;
}

int qrt_sched_p_shield_shrink_others(struct qrt_sched_p_shield *shield)
{
	int rc = qrt_sched_p_cgroup_each(shield->cgroup.top, note_cpuset, shield);

	if (rc >= 0)
		rc = qrt_sched_p_saved_keep(shield->saved, shield->reterr);
	if (rc >= 0)
		rc = widen(shield);
	return rc < 0 ? rc : qrt_sched_p_shield_make_all(shield);
}

/* ---- our own ------------------------------------------------------------------------------------- */

static int copy_memory_nodes(struct qrt_sched_p_shield *shield, const char *folder)
{
	char path[QRT_SCHED_P_PATH], nodes[QRT_SCHED_P_CPUS_TEXT];
	int rc = qrt_sched_p_join(path, shield->cgroup.top, "cpuset.mems");

	if (rc >= 0)
		rc = qrt_sched_p_read_trimmed(path, nodes, sizeof(nodes));
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "%.120s cannot be read: %s", path,
					 strerror(-rc));
	return qrt_sched_p_shield_write_own(shield, folder, "cpuset.mems", nodes);
}

static int set_up(struct qrt_sched_p_shield *shield, const char *folder, const struct qrt_sched_cpus *cpus,
		  const char *balance)
{
	char list[QRT_SCHED_P_CPUS_TEXT];
	int rc = qrt_sched_p_shield_make_folder(shield, folder);

	qrt_sched_cpus_format(cpus, list, sizeof(list));
	if (rc >= 0)
		rc = copy_memory_nodes(shield, folder);
	if (rc >= 0)
		rc = qrt_sched_p_shield_write_own(shield, folder, "cpuset.cpus", list);
	if (rc >= 0)
		rc = qrt_sched_p_shield_write_own(shield, folder, "cpuset.sched_load_balance", balance);
	return rc;
}

static int stop_balancing(struct qrt_sched_p_shield *shield)
{
	char path[QRT_SCHED_P_PATH], now[16];
	int rc = qrt_sched_p_join(path, shield->cgroup.top, "cpuset.sched_load_balance");

	if (rc >= 0)
		rc = qrt_sched_p_read_trimmed(path, now, sizeof(now));
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "%.120s cannot be read: %s", path,
					 strerror(-rc));
	if (strcmp(now, "0") == 0)
		return 0;
	rc = qrt_sched_p_shield_note_file(shield, path, now, "0");
	return rc < 0 ? rc : qrt_sched_p_shield_make_all(shield);
}

/* ---- processes ----------------------------------------------------------------------------------- */

/* Kernel threads stay: they have no other cpuset to come from, and the flags say what becomes of them. */
static int move_one(const struct qrt_sched_p_shield *shield, pid_t tid)
{
	struct qrt_sched_p_task task;

	return qrt_sched_p_task_read(tid, &task) >= 0 && !(task.flags & QRT_SCHED_P_TASK_KERNEL) &&
	       qrt_sched_p_cgroup_put(shield->others, "tasks", tid) >= 0;
}

/* Returns how many threads were moved. */
static int move_once(struct qrt_sched_p_shield *shield)
{
	char path[QRT_SCHED_P_PATH], *text, *line, *rest;
	int moved = 0, rc = qrt_sched_p_join(path, shield->cgroup.top, "tasks");

	if (rc >= 0)
		rc = qrt_sched_p_read_long(path, &text);
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "%.120s cannot be read: %s", path,
					 strerror(-rc));
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		pid_t tid = (pid_t)strtol(line, NULL, 10);

		if (tid > 0)
			moved += move_one(shield, tid);
	}
	free(text);
	return moved;
}

/* A thread that was moved starts others where it is: each round finds fewer. What does not move, or comes
 * too late, is reported in the end. */
static int move_processes(struct qrt_sched_p_shield *shield)
{
	int round, moved = 1;

	for (round = 0; moved > 0 && round < ROUNDS; round++)
		moved = move_once(shield);
	return moved < 0 ? moved : 0;
}

int qrt_sched_p_shield_raise_v1(struct qrt_sched_p_shield *shield)
{
	int rc = qrt_sched_p_shield_shrink_others(shield);

	if (rc >= 0)
		rc = set_up(shield, shield->others, &shield->rest, "1");
	if (rc >= 0)
		rc = set_up(shield, shield->folder, &shield->cpus, "0");
	if (rc >= 0)
		rc = move_processes(shield);
	return rc < 0 ? rc : stop_balancing(shield);
}
