/* SPDX-License-Identifier: MIT */
/* What a holder holds: descriptors by name. */
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hold_p.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct qrt_shmem_p_held *)a)->name, ((const struct qrt_shmem_p_held *)b)->name);
}

struct qrt_shmem_p_held *qrt_shmem_p_held_find(const struct qrt_shmem_p_table *table, const char *name)
{
	struct qrt_shmem_p_held key;
	void *found;

	strcpy(key.name, name);
	found = tfind(&key, &table->tree, compare);
	return found ? *(struct qrt_shmem_p_held **)found : NULL;
}

void qrt_shmem_p_held_drop(struct qrt_shmem_p_table *table, struct qrt_shmem_p_held *held)
{
	if (!held)
		return;
	tdelete(held, &table->tree, compare);
	*(held->previous ? &held->previous->next : &table->first) = held->next;
	*(held->next ? &held->next->previous : &table->last) = held->previous;
	close(held->fd);
	free(held);
}

void qrt_shmem_p_held_put(struct qrt_shmem_p_table *table, const char *name, int fd, int is_heirs)
{
	struct qrt_shmem_p_held *held;

	qrt_shmem_p_held_drop(table, qrt_shmem_p_held_find(table, name));
	held = calloc(1, sizeof(*held));
	if (!held || !(strcpy(held->name, name), tsearch(held, &table->tree, compare))) {
		free(held);
		close(fd);
		return;
	}
	held->fd = fd;
	held->is_heirs = is_heirs;
	held->previous = table->last;
	*(table->last ? &table->last->next : &table->first) = held;
	table->last = held;
}

void qrt_shmem_p_held_settle_heirs(struct qrt_shmem_p_table *table, int is_kept)
{
	struct qrt_shmem_p_held *held, *next;

	for (held = table->first; held; held = next) {
		next = held->next;
		if (held->is_heirs && !is_kept)
			qrt_shmem_p_held_drop(table, held);
		else
			held->is_heirs = 0;
	}
}
