/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_SNAPSHOT_P_H
#define QRT_SCHED_SNAPSHOT_P_H

#include <qrt/sched.h>

/* More threads than this is no state file of ours. */
#define QRT_SCHED_P_SNAPSHOT_MAX 16384u

struct qrt_sched_p_memory {
	pid_t tid;
	uint64_t start;
	struct qrt_sched_setting setting;
};

struct qrt_sched_snapshot {
	struct qrt_sched_p_memory *entries;
	size_t count, room;
};

/* Adds one unless the same thread is known already: 1 new, 0 known, -ENOMEM, -ENOSPC. */
int qrt_sched_p_snapshot_put(struct qrt_sched_snapshot *snapshot, const struct qrt_sched_p_memory *memory);

#endif
