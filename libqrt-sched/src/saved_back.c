/* SPDX-License-Identifier: MIT */
/* Putting back what is saved: a change that failed, or all of it. */
#include <stdlib.h>
#include <string.h>

#include "choice_p.h"
#include "error_p.h"
#include "saved_p.h"

void qrt_sched_p_saved_begin(struct qrt_sched_saved *saved)
{
	saved->mark = saved->count;
}

void qrt_sched_p_saved_commit(struct qrt_sched_saved *saved)
{
	size_t i;

	for (i = 0; i < saved->count; i++) {
		free(saved->entries[i].old);
		saved->entries[i].old = NULL;
		saved->entries[i].is_due = 0;
	}
}

/* CPUs of threads come last: a cpuset that is put back may take from its threads what they have. */
#define TURNS 2

static int is_turn(const struct qrt_sched_p_saved_entry *entry, int turn)
{
	return (entry->kind == QRT_SCHED_P_SAVED_CPUS) == turn;
}

static void undo(struct qrt_sched_p_saved_entry *entry, int is_new)
{
	entry->is_due = 0;
	if (is_new) {
		/* What cannot be put back now is for a later try. */
		if (qrt_sched_p_saved_put_back(entry) >= 0)
			qrt_sched_p_saved_clear_entry(entry);
	} else if (entry->old) {
		qrt_sched_p_saved_take_back(entry);
		free(entry->after);
		entry->after = entry->old;
		entry->old = NULL;
	}
}

void qrt_sched_p_saved_rollback(struct qrt_sched_saved *saved)
{
	int turn;
	size_t i;

	for (turn = 0; turn < TURNS; turn++) {
		for (i = saved->count; i-- > 0;) {
			if (is_turn(&saved->entries[i], turn))
				undo(&saved->entries[i], i >= saved->mark);
		}
	}
	qrt_sched_p_saved_compact(saved, saved->mark);
}

static int say_stuck(const struct qrt_sched_p_saved_entry *entry, int rc, struct qrt_sched_error *reterr)
{
	if (qrt_sched_p_saved_is_of_thread(entry->kind))
		return qrt_sched_p_error(reterr, rc, "thread %d cannot be put back to '%.100s': %s",
					 (int)entry->tid, entry->before, strerror(-rc));
	return qrt_sched_p_error(reterr, rc, "%.160s cannot be put back: %s", entry->path, strerror(-rc));
}

struct restoring {
	struct qrt_sched_error *reterr;
	int restored, first;
};

static void put_back(struct qrt_sched_p_saved_entry *entry, struct restoring *restoring)
{
	int rc = qrt_sched_p_saved_put_back(entry);

	if (rc < 0 && !restoring->first)
		restoring->first = say_stuck(entry, rc, restoring->reterr);
	restoring->restored += rc > 0;
	entry->is_back = rc >= 0;
}

void qrt_sched_p_saved_finish(struct qrt_sched_saved *saved)
{
	size_t i;

	qrt_sched_p_saved_release_irqs(saved);
	for (i = 0; i < saved->count; i++) {
		if (saved->entries[i].is_back)
			qrt_sched_p_saved_clear_entry(&saved->entries[i]);
	}
	qrt_sched_p_saved_compact(saved, 0);
}

int qrt_sched_saved_restore(struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	struct restoring restoring = {.reterr = reterr};
	int turn;
	size_t i;

	qrt_sched_p_choice_note_all(saved);
	for (turn = 0; turn < TURNS; turn++) {
		for (i = saved->count; i-- > 0;) {
			if (is_turn(&saved->entries[i], turn))
				put_back(&saved->entries[i], &restoring);
		}
	}
	qrt_sched_p_saved_finish(saved);
	return restoring.first < 0 ? restoring.first : restoring.restored;
}
