/* SPDX-License-Identifier: MIT */
/*
 * What was changed on this host, in the order of the changes. A change is noted, kept where a crash does
 * not reach it, and only then made.
 */
#ifndef QRT_SCHED_SAVED_P_H
#define QRT_SCHED_SAVED_P_H

#include <qrt/shield.h>

#include "cgroup_p.h"

/* More than this is no state file of ours. */
#define QRT_SCHED_P_SAVED_MAX 65536u

enum qrt_sched_p_saved_kind {
	QRT_SCHED_P_SAVED_FILE,       /* text of a file */
	QRT_SCHED_P_SAVED_MADE,       /* a folder of a cgroup that was made */
	QRT_SCHED_P_SAVED_CONTROLLER, /* of a cgroup's children, switched on; `after` is its name */
	QRT_SCHED_P_SAVED_CPUS,       /* affinity of a thread, as a list */
	QRT_SCHED_P_SAVED_RANK,       /* policy and priority of a thread: "0 0" */
	QRT_SCHED_P_SAVED_THREAD,     /* the cgroup of a thread, a folder */
	QRT_SCHED_P_SAVED_PROCESS,    /* the cgroup of a process, a folder */
};
#define QRT_SCHED_P_SAVED_KINDS 7

struct qrt_sched_p_saved_entry {
	enum qrt_sched_p_saved_kind kind;
	pid_t tid; /* of what is about a thread, with its start; else 0 */
	uint64_t start;
	char *path;   /* of what is about a file, else NULL */
	char *before; /* "" where there was nothing */
	char *after;
	char *old;   /* what it was between before and after, while that is being changed; else NULL */
	int is_due;  /* noted, not yet made */
	int is_back; /* put back, not yet forgotten */
};

struct qrt_sched_saved {
	qrt_sched_saved_keep keep;
	void *context;
	struct qrt_sched_p_saved_entry *entries;
	size_t count, room;
	size_t mark;   /* the first entry of the changes under way */
	int cstate_fd; /* -1: not held */
};

/* A change of a file or a folder (tid 0), or of a thread (path NULL). */
struct qrt_sched_p_change {
	enum qrt_sched_p_saved_kind kind;
	const char *path;
	const struct qrt_sched_p_task *task;
	const char *before, *after;
};

/* 1 for what is about a thread. */
int qrt_sched_p_saved_is_of_thread(enum qrt_sched_p_saved_kind kind);
/* The entry about the same thing, NULL where there is none. */
struct qrt_sched_p_saved_entry *qrt_sched_p_saved_find(const struct qrt_sched_saved *saved,
						       const struct qrt_sched_p_change *change);
/* Notes a change to be made: -ENOMEM, -ENOSPC, else 0. What is known keeps its `before`. */
int qrt_sched_p_saved_note(struct qrt_sched_saved *saved, const struct qrt_sched_p_change *change);
/* The same, and what it was before is forgotten for what the change says. */
int qrt_sched_p_saved_note_anew(struct qrt_sched_saved *saved, const struct qrt_sched_p_change *change);
/* Adds an entry as it is and takes its strings, in any case; one about the same thing stays instead. */
int qrt_sched_p_saved_take(struct qrt_sched_saved *saved, struct qrt_sched_p_saved_entry *entry);
void qrt_sched_p_saved_clear_entry(struct qrt_sched_p_saved_entry *entry);
/* Closes the gaps of cleared entries, from that one on. */
void qrt_sched_p_saved_compact(struct qrt_sched_saved *saved, size_t from);
/* Forgets the entries from that one on. */
void qrt_sched_p_saved_cut(struct qrt_sched_saved *saved, size_t count);
/* Forgets what was put back, after what depends on it. */
void qrt_sched_p_saved_finish(struct qrt_sched_saved *saved);

/* Has all that is noted kept. */
int qrt_sched_p_saved_keep(struct qrt_sched_saved *saved, struct qrt_sched_error *reterr);

/* From begin on, changes are undone by rollback, and stay by commit. */
void qrt_sched_p_saved_begin(struct qrt_sched_saved *saved);
void qrt_sched_p_saved_commit(struct qrt_sched_saved *saved);
void qrt_sched_p_saved_rollback(struct qrt_sched_saved *saved);

/* ---- interrupts --------------------------------------------------------------------------------- */

/* What is saved of one, by its path, or of the default mask (NULL). NULL: nothing. */
const struct qrt_sched_p_saved_entry *qrt_sched_p_saved_find_irq(const struct qrt_sched_saved *saved,
								 const char *path);
/* When the default mask is put back: those that nothing is saved of, and that have ours, get it too. */
void qrt_sched_p_saved_release_irqs(const struct qrt_sched_saved *saved);

/* ---- what each kind means on the host ---------------------------------------------------------- */

/* The text as it is now. -ENOENT, -ESRCH: the thing is gone. */
int qrt_sched_p_saved_read(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size);
/* Makes what is noted. */
int qrt_sched_p_saved_make(const struct qrt_sched_p_saved_entry *entry);
/* Puts one back. 1: it was put back; 0: it is as before, gone, or somebody else's by now. */
int qrt_sched_p_saved_put_back(const struct qrt_sched_p_saved_entry *entry);
/* The same, to what it was before the change under way. */
int qrt_sched_p_saved_take_back(const struct qrt_sched_p_saved_entry *entry);

/* ---- places that may be written to at all ------------------------------------------------------ */

struct qrt_sched_p_places {
	struct qrt_sched_p_cgroup cgroup;
	char resctrl[QRT_SCHED_P_PATH]; /* "": not mounted */
};

void qrt_sched_p_places_find(struct qrt_sched_p_places *ret_places);
/* 1 when an entry speaks only of what this library changes. */
int qrt_sched_p_places_allow(const struct qrt_sched_p_places *places,
			     const struct qrt_sched_p_saved_entry *entry);

#endif
