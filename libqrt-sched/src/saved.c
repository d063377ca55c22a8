/* SPDX-License-Identifier: MIT */
#include "saved_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error_p.h"
#include "task_p.h"

int qrt_sched_saved_new(qrt_sched_saved_keep keep, void *context, struct qrt_sched_saved **ret_saved)
{
	struct qrt_sched_saved *saved = calloc(1, sizeof(*saved));

	if (!saved)
		return -ENOMEM;
	saved->keep = keep;
	saved->context = context;
	saved->cstate_fd = -1;
	*ret_saved = saved;
	return 0;
}

void qrt_sched_p_saved_clear_entry(struct qrt_sched_p_saved_entry *entry)
{
	free(entry->path);
	free(entry->before);
	free(entry->after);
	free(entry->old);
	memset(entry, 0, sizeof(*entry));
}

void qrt_sched_p_saved_cut(struct qrt_sched_saved *saved, size_t count)
{
	while (saved->count > count)
		qrt_sched_p_saved_clear_entry(&saved->entries[--saved->count]);
}

void qrt_sched_p_saved_compact(struct qrt_sched_saved *saved, size_t from)
{
	size_t i, kept = from;

	for (i = from; i < saved->count; i++) {
		if (saved->entries[i].before)
			saved->entries[kept++] = saved->entries[i];
	}
	saved->count = kept;
}

struct qrt_sched_saved *qrt_sched_saved_close(struct qrt_sched_saved *saved)
{
	if (!saved)
		return NULL;
	qrt_sched_p_saved_cut(saved, 0);
	if (saved->cstate_fd >= 0)
		close(saved->cstate_fd);
	free(saved->entries);
	free(saved);
	return NULL;
}

int qrt_sched_p_saved_is_of_thread(enum qrt_sched_p_saved_kind kind)
{
	return kind >= QRT_SCHED_P_SAVED_CPUS;
}

static int is_about(const struct qrt_sched_p_saved_entry *entry, const struct qrt_sched_p_saved_entry *other)
{
	if (entry->kind != other->kind)
		return 0;
	if (qrt_sched_p_saved_is_of_thread(entry->kind))
		return entry->tid == other->tid && entry->start == other->start;
	return strcmp(entry->path, other->path) == 0;
}

static struct qrt_sched_p_saved_entry *find(const struct qrt_sched_saved *saved,
					    const struct qrt_sched_p_saved_entry *like)
{
	size_t i;

	for (i = 0; i < saved->count; i++) {
		if (is_about(&saved->entries[i], like))
			return &saved->entries[i];
	}
	return NULL;
}

/* Only to compare: the path is the change's own. */
static struct qrt_sched_p_saved_entry subject_of(const struct qrt_sched_p_change *change)
{
	struct qrt_sched_p_saved_entry entry = {.kind = change->kind, .path = (char *)change->path};

	if (change->task) {
		entry.tid = change->task->tid;
		entry.start = change->task->start;
	}
	return entry;
}

struct qrt_sched_p_saved_entry *qrt_sched_p_saved_find(const struct qrt_sched_saved *saved,
						       const struct qrt_sched_p_change *change)
{
	struct qrt_sched_p_saved_entry like = subject_of(change);

	return find(saved, &like);
}

static int make_room(struct qrt_sched_saved *saved)
{
	size_t room = saved->room ? saved->room * 2 : 64;
	struct qrt_sched_p_saved_entry *entries;

	if (saved->count < saved->room)
		return 0;
	if (saved->count >= QRT_SCHED_P_SAVED_MAX)
		return -ENOSPC;
	entries = realloc(saved->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	saved->entries = entries;
	saved->room = room;
	return 0;
}

int qrt_sched_p_saved_take(struct qrt_sched_saved *saved, struct qrt_sched_p_saved_entry *entry)
{
	int rc = 0;

	if (!find(saved, entry)) {
		rc = make_room(saved);
		if (rc >= 0) {
			saved->entries[saved->count++] = *entry;
			return 0;
		}
	}
	qrt_sched_p_saved_clear_entry(entry);
	return rc;
}

static int add(struct qrt_sched_saved *saved, const struct qrt_sched_p_change *change)
{
	struct qrt_sched_p_saved_entry entry = subject_of(change);

	entry.path = change->path ? strdup(change->path) : NULL;
	entry.before = strdup(change->before);
	entry.after = strdup(change->after);
	entry.is_due = 1;
	if ((change->path && !entry.path) || !entry.before || !entry.after) {
		qrt_sched_p_saved_clear_entry(&entry);
		return -ENOMEM;
	}
	return qrt_sched_p_saved_take(saved, &entry);
}

static int change_again(struct qrt_sched_p_saved_entry *entry, const char *after)
{
	char *copy;

	entry->is_due = 1;
	if (strcmp(entry->after, after) == 0)
		return 0;
	copy = strdup(after);
	if (!copy)
		return -ENOMEM;
	/* Of several changes in one go, rollback wants the first. */
	if (entry->old)
		free(entry->after);
	else
		entry->old = entry->after;
	entry->after = copy;
	return 0;
}

int qrt_sched_p_saved_note(struct qrt_sched_saved *saved, const struct qrt_sched_p_change *change)
{
	struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(saved, change);

	return known ? change_again(known, change->after) : add(saved, change);
}

int qrt_sched_p_saved_note_anew(struct qrt_sched_saved *saved, const struct qrt_sched_p_change *change)
{
	struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(saved, change);
	char *copy = known ? strdup(change->before) : NULL;

	if (known && !copy)
		return -ENOMEM;
	if (known) {
		free(known->before);
		known->before = copy;
	}
	return qrt_sched_p_saved_note(saved, change);
}

int qrt_sched_p_saved_keep(struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	int len, rc;
	char *text;

	if (!saved->keep)
		return 0;
	len = qrt_sched_saved_format(saved, NULL, 0);
	if (len < 0)
		return qrt_sched_p_error(reterr, len, "what to put back cannot be written down: %s",
					 strerror(-len));
	text = malloc((size_t)len + 1);
	if (!text)
		return qrt_sched_p_error(reterr, -ENOMEM, "no memory to write down what to put back");
	qrt_sched_saved_format(saved, text, (size_t)len + 1);
	rc = saved->keep(saved->context, text, (size_t)len);
	free(text);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "what to put back cannot be kept: %s", strerror(-rc));
	return 0;
}
