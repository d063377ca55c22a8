/* SPDX-License-Identifier: MIT */
#include "snapshot_p.h"

#include <errno.h>
#include <stdlib.h>

#include "sys_p.h"

int qrt_sched_snapshot_new(struct qrt_sched_snapshot **ret_snapshot)
{
	struct qrt_sched_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	*ret_snapshot = snapshot;
	return 0;
}

struct qrt_sched_snapshot *qrt_sched_snapshot_close(struct qrt_sched_snapshot *snapshot)
{
	if (snapshot)
		free(snapshot->entries);
	free(snapshot);
	return NULL;
}

static int is_known(const struct qrt_sched_snapshot *snapshot, pid_t tid, uint64_t start)
{
	size_t i;

	for (i = 0; i < snapshot->count; i++) {
		if (snapshot->entries[i].tid == tid && snapshot->entries[i].start == start)
			return 1;
	}
	return 0;
}

static int make_room(struct qrt_sched_snapshot *snapshot)
{
	size_t room = snapshot->room ? snapshot->room * 2 : 16;
	struct qrt_sched_p_memory *entries;

	if (snapshot->count < snapshot->room)
		return 0;
	if (snapshot->count >= QRT_SCHED_P_SNAPSHOT_MAX)
		return -ENOSPC;
	entries = realloc(snapshot->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	snapshot->entries = entries;
	snapshot->room = room;
	return 0;
}

int qrt_sched_p_snapshot_put(struct qrt_sched_snapshot *snapshot, const struct qrt_sched_p_memory *memory)
{
	int rc;

	if (is_known(snapshot, memory->tid, memory->start))
		return 0;
	rc = make_room(snapshot);
	if (rc < 0)
		return rc;
	snapshot->entries[snapshot->count++] = *memory;
	return 1;
}

int qrt_sched_snapshot_add_setting(struct qrt_sched_snapshot *snapshot, pid_t tid,
				   const struct qrt_sched_setting *setting)
{
	struct qrt_sched_p_memory memory = {.tid = tid, .setting = *setting};
	int rc;

	if (tid <= 0 || setting->set != QRT_SCHED_SET_ALL || !qrt_sched_cpus_count(&setting->cpus))
		return -EINVAL;
	/* What could not be given back. */
	if (!qrt_sched_policy_name(setting->policy))
		return -EOPNOTSUPP;
	rc = qrt_sched_p_read_start(tid, &memory.start);
	return rc < 0 ? rc : qrt_sched_p_snapshot_put(snapshot, &memory);
}

int qrt_sched_snapshot_add(struct qrt_sched_snapshot *snapshot, pid_t tid)
{
	struct qrt_sched_setting setting;
	int rc;

	if (tid <= 0)
		return -EINVAL;
	rc = qrt_sched_setting_read(tid, &setting);
	return rc < 0 ? rc : qrt_sched_snapshot_add_setting(snapshot, tid, &setting);
}

static int is_alive(const struct qrt_sched_p_memory *memory)
{
	uint64_t start;

	return qrt_sched_p_read_start(memory->tid, &start) >= 0 && start == memory->start;
}

int qrt_sched_snapshot_prune(struct qrt_sched_snapshot *snapshot)
{
	size_t i, kept = 0;

	for (i = 0; i < snapshot->count; i++) {
		if (is_alive(&snapshot->entries[i]))
			snapshot->entries[kept++] = snapshot->entries[i];
	}
	snapshot->count = kept;
	return (int)kept;
}

int qrt_sched_snapshot_restore(struct qrt_sched_snapshot *snapshot, struct qrt_sched_error *reterr)
{
	const struct qrt_sched_p_memory *memory;
	int restored = 0, first = 0, rc;
	size_t i;

	for (i = 0; i < snapshot->count; i++) {
		memory = &snapshot->entries[i];
		if (!is_alive(memory))
			continue;
		rc = qrt_sched_setting_apply(memory->tid, &memory->setting, first < 0 ? NULL : reterr);
		/* One that ended just now needs nothing any more. */
		if (rc == -ESRCH)
			continue;
		if (rc < 0 && !first)
			first = rc;
		restored += rc >= 0;
	}
	return first < 0 ? first : restored;
}
