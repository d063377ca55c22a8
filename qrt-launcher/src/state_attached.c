/* SPDX-License-Identifier: MIT */
/* Threads of a VM that was running before its launcher: each has its own past. */
#include "proc.h"
#include "state.h"

#include <stdio.h>

#define ROUNDS 5 /* threads may start others while we go through them */

struct birth {
	struct qrt_sched_snapshot *snapshot;
	const struct qrt_sched_setting *fresh;
	unsigned added;
};

static bool add_born(pid_t tid, void *data)
{
	struct birth *birth = data;

	/* On its CPUs alone no other affinity can be had. */
	qrt_sched_shield_leave(NULL, tid, NULL);
	birth->added += qrt_sched_snapshot_add_setting(birth->snapshot, tid, birth->fresh) > 0;
	return true;
}

int state_put_back(struct qrt_sched_snapshot *snapshot, struct qrt_sched_saved *places,
		   const struct state_record *record, struct qrt_sched_error *reterr)
{
	int moved = places ? qrt_sched_saved_restore(places, reterr) : 0;
	struct birth birth = {.snapshot = snapshot, .fresh = &record->fresh};
	char path[64];
	int round, r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", record->qemu_pid);
	for (round = 0; r >= 0 && round < ROUNDS; round++) {
		birth.added = 0;
		if (proc_is_alive(record->qemu_pid, record->qemu_start))
			proc_for_each(path, add_born, &birth);
		if (round > 0 && birth.added == 0)
			break;
		r = qrt_sched_snapshot_restore(snapshot, reterr);
	}
	return moved < 0 ? moved : r;
}
