/* SPDX-License-Identifier: MIT */
/* The threads of a VM, as a list that is kept up to date. */
#include "governor_p.h"

#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the list ---- */

struct governor_task *governor_party_find(struct governor_party *party, pid_t tid)
{
	size_t i;

	for (i = 0; i < party->count; i++) {
		if (party->tasks[i].tid == tid)
			return &party->tasks[i];
	}
	return NULL;
}

void governor_task_end(struct governor_party *party, struct governor_task *task)
{
	governor_task_close(task);
	*task = party->tasks[--party->count];
}

struct governor_task *governor_party_insert(struct governor_party *party, struct governor_task *task)
{
	struct governor_task *known = governor_party_find(party, task->tid);

	if (known || party->count == GOVERNOR_TASKS) {
		governor_task_close(task);
		return known;
	}
	party->tasks[party->count] = *task;
	party->is_stale = true;
	return &party->tasks[party->count++];
}

/* ---- looking for threads ---- */

struct entry {
	uint64_t inode, offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

size_t governor_party_list(const struct governor_party *party, pid_t *ret_tids, size_t max)
{
	_Alignas(struct entry) char buf[8192];
	const struct entry *entry;
	size_t count = 0;
	long n, at;
	pid_t tid;

	lseek(party->folder, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, party->folder, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += entry->length) {
			entry = (const struct entry *)(const void *)(buf + at);
			tid = (pid_t)strtol(entry->name, NULL, 10);
			if (tid > 0 && count++ < max)
				ret_tids[count - 1] = tid;
		}
	}
	return count;
}

/* The kernel lists threads in the order of their birth, and so do we, mostly. */
static bool is_listed(const pid_t *tids, size_t count, pid_t tid, size_t hint)
{
	size_t i;

	if (hint < count && tids[hint] == tid)
		return true;
	for (i = 0; i < count; i++) {
		if (tids[i] == tid)
			return true;
	}
	return false;
}

static bool is_known(struct governor_party *party, pid_t tid, size_t hint)
{
	if (hint < party->count && party->tasks[hint].tid == tid)
		return true;
	return governor_party_find(party, tid) != NULL;
}

/* Not being listed is no end: who is met after the kernel was asked is not in its answer, nor, now and then,
 * the thread behind one that ends meanwhile. */
static bool is_ended(const struct governor_task *task, const pid_t *tids, size_t count, size_t hint)
{
	return !task->is_kernel && !is_listed(tids, count, task->tid, hint) && governor_task_is_ended(task);
}

size_t governor_party_compare(struct governor_party *party, pid_t *tids, size_t count)
{
	size_t i, unknown = 0;

	for (i = party->count; i-- > 0;) {
		if (is_ended(&party->tasks[i], tids, count, i))
			governor_task_end(party, &party->tasks[i]);
	}
	for (i = 0; i < count; i++) {
		if (!is_known(party, tids[i], i))
			tids[unknown++] = tids[i];
	}
	return unknown;
}

/* ---- a party ---- */

struct governor_party *governor_party_open(pid_t pid, uint64_t start)
{
	struct governor_party *party;
	uint64_t is_start = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (proc_get_start(pid, &is_start) < 0 || is_start != start) {
		close(fd);
		return NULL;
	}
	party = g_new0(struct governor_party, 1);
	party->pid = pid;
	party->start = start;
	party->folder = fd;
	return party;
}

struct governor_party *governor_party_close(struct governor_party *party)
{
	if (!party)
		return NULL;
	while (party->count > 0)
		governor_task_end(party, &party->tasks[party->count - 1]);
	close(party->folder);
	g_free(party);
	return NULL;
}
