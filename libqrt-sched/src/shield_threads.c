/* SPDX-License-Identifier: MIT */
/* Threads and a shield: those that are moved by their affinity, and those whose affinity a move may lose. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "choice_p.h"
#include "cpus_p.h"
#include "error_p.h"
#include "shield_p.h"
#include "sys_p.h"

#define ROUNDS 16 /* threads may start others while we go through them */

struct round {
	struct qrt_sched_p_shield *shield;
	int is_kernel; /* kernel threads, or all others */
	int is_last;   /* what is found now is left behind */
	int found;
};

static int is_asked_for(const struct round *round, const struct qrt_sched_p_task *task)
{
	return !(task->flags & QRT_SCHED_P_TASK_KERNEL) == !round->is_kernel;
}

static int is_inside(const struct qrt_sched_p_shield *shield, const struct qrt_sched_p_task *task)
{
	char folder[QRT_SCHED_P_PATH];

	return shield->cgroup.version != QRT_SCHED_CGROUP_NONE &&
	       qrt_sched_p_cgroup_of(&shield->cgroup, task->tid, folder) >= 0 &&
	       strcmp(folder, shield->folder) == 0;
}

/* One that has entered the shield stays on it. */
static struct qrt_sched_cpus find_then(const struct qrt_sched_p_shield *shield,
				       const struct qrt_sched_p_task *task,
				       const struct qrt_sched_cpus *before)
{
	struct qrt_sched_cpus then = shield->cpus;

	if (!is_inside(shield, task))
		return qrt_sched_p_shield_elsewhere(shield, before);
	qrt_sched_p_cpus_and(&then, before);
	return qrt_sched_cpus_count(&then) ? then : shield->cpus;
}

static int note_cpus(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_task *task,
		     const struct qrt_sched_cpus *before)
{
	struct qrt_sched_cpus then = find_then(shield, task, before);
	int rc = qrt_sched_p_choice_note(shield->saved, task, before, &then);

	return rc < 0 ? qrt_sched_p_error(shield->reterr, rc, "what to put back cannot be noted: %s",
					  strerror(-rc))
		      : 0;
}

/* Its affinity before any shield, where that is known. */
static int find_before(const struct qrt_sched_p_shield *shield, const struct qrt_sched_p_task *task,
		       struct qrt_sched_cpus *cpus)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_CPUS, .task = task};
	const struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(shield->saved, &change);

	return known && qrt_sched_cpus_parse(known->before, cpus) >= 0;
}

/* ---- threads that are moved by their affinity ---------------------------------------------------- */

static void leave_thread(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_task *task, int error)
{
	qrt_sched_p_shield_leave(shield, task->flags & QRT_SCHED_P_TASK_KERNEL ? "kthread" : "process",
				 task->name, task->tid, error);
}

static int note_thread(const struct qrt_sched_p_task *task, void *data)
{
	struct round *round = data;
	struct qrt_sched_cpus cpus;

	if (!is_asked_for(round, task) || task->flags & QRT_SCHED_P_TASK_BOUND ||
	    qrt_sched_p_sys->get_cpus(task->tid, &cpus) < 0)
		return 0;
	if (!find_before(round->shield, task, &cpus) && !qrt_sched_p_shield_touches(round->shield, &cpus))
		return 0;
	round->found++;
	return note_cpus(round->shield, task, &cpus);
}

/* Reported by what is found afterwards. */
static void ignore(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry, int error)
{
	(void)shield, (void)entry, (void)error;
}

static int count_touching(const struct qrt_sched_p_task *task, void *data)
{
	struct round *round = data;
	struct qrt_sched_cpus cpus;

	if (!is_asked_for(round, task) || qrt_sched_p_sys->get_cpus(task->tid, &cpus) < 0 ||
	    !qrt_sched_p_shield_touches(round->shield, &cpus))
		return 0;
	round->found += !(task->flags & QRT_SCHED_P_TASK_BOUND);
	if (round->is_last)
		leave_thread(round->shield, task, -EINVAL);
	return 0;
}

/* Until a round finds nothing to move, or nothing that can be moved. */
static int move_threads(struct qrt_sched_p_shield *shield, int is_kernel)
{
	struct round round = {.shield = shield, .is_kernel = is_kernel};
	int number, before = -1, rc;

	for (number = 0; number < ROUNDS; number++) {
		round.found = 0;
		rc = qrt_sched_p_task_each(number ? count_touching : note_thread, &round);
		if (rc < 0 || !round.found || round.found == before)
			return rc;
		before = number ? round.found : -1;
		if (number)
			rc = qrt_sched_p_task_each(note_thread, &round);
		if (rc >= 0)
			rc = qrt_sched_p_shield_make_some(shield, ignore);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int qrt_sched_p_shield_kthreads(struct qrt_sched_p_shield *shield)
{
	struct round round = {.shield = shield, .is_kernel = 1, .is_last = 1};
	int rc = move_threads(shield, 1);

	return rc < 0 ? rc : qrt_sched_p_task_each(count_touching, &round);
}

int qrt_sched_p_shield_raise_none(struct qrt_sched_p_shield *shield)
{
	return move_threads(shield, 0);
}

/* ---- threads that chose their CPUs --------------------------------------------------------------- */

static int remember(const struct qrt_sched_p_task *task, void *data)
{
	struct qrt_sched_p_shield *shield = data;
	struct qrt_sched_cpus cpus;

	if (qrt_sched_p_choice_find(shield->saved, &shield->cgroup, task, &cpus) == QRT_SCHED_P_CHOICE_NONE)
		return 0;
	return note_cpus(shield, task, &cpus);
}

int qrt_sched_p_shield_remember_pinned(struct qrt_sched_p_shield *shield)
{
	size_t i;
	int rc;

	if (shield->cgroup.version == QRT_SCHED_CGROUP_NONE)
		return 0;
	rc = qrt_sched_p_task_each(remember, shield);
	if (rc >= 0)
		rc = qrt_sched_p_saved_keep(shield->saved, shield->reterr);
	/* The cpuset does the moving. */
	for (i = 0; i < shield->saved->count; i++)
		shield->saved->entries[i].is_due = 0;
	return rc;
}

/* Only one that has now just what its cpuset has: who chose anew meanwhile keeps that. */
static void narrow(const struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry)
{
	struct qrt_sched_cpus now, want, all, outside;
	char text[QRT_SCHED_P_CPUS_TEXT];

	if (qrt_sched_p_saved_read(entry, text, sizeof(text)) < 0 || qrt_sched_cpus_parse(text, &now) < 0 ||
	    qrt_sched_cpus_parse(entry->after, &want) < 0 ||
	    qrt_sched_p_cgroup_cpus_of(&shield->cgroup, entry->tid, &all) < 0)
		return;
	outside = want;
	qrt_sched_p_cpus_minus(&outside, &all);
	if (qrt_sched_p_cpus_equal(&now, &all) && !qrt_sched_cpus_count(&outside) &&
	    !qrt_sched_p_cpus_equal(&now, &want))
		(void)qrt_sched_p_saved_make(entry);
}

int qrt_sched_p_shield_narrow_pinned(struct qrt_sched_p_shield *shield)
{
	size_t i;

	for (i = 0; i < shield->saved->count; i++) {
		if (shield->saved->entries[i].kind == QRT_SCHED_P_SAVED_CPUS)
			narrow(shield, &shield->saved->entries[i]);
	}
	return 0;
}

/* ---- what is left -------------------------------------------------------------------------------- */

static int look(const struct qrt_sched_p_task *task, void *data)
{
	struct qrt_sched_p_shield *shield = data;
	char folder[QRT_SCHED_P_PATH];
	struct qrt_sched_cpus cpus;

	if (task->flags & QRT_SCHED_P_TASK_KERNEL || qrt_sched_p_sys->get_cpus(task->tid, &cpus) < 0 ||
	    !qrt_sched_p_shield_touches(shield, &cpus))
		return 0;
	if (shield->cgroup.version != QRT_SCHED_CGROUP_NONE &&
	    qrt_sched_p_cgroup_of(&shield->cgroup, task->tid, folder) >= 0 &&
	    qrt_sched_p_shield_is_own(shield, folder))
		return 0;
	leave_thread(shield, task, -EBUSY);
	return 0;
}

int qrt_sched_p_shield_look_again(struct qrt_sched_p_shield *shield)
{
	return qrt_sched_p_task_each(look, shield);
}
