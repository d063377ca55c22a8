/* SPDX-License-Identifier: MIT */
/*
 * On PREEMPT_RT timers expire in threads. Below a VM that spins until its timer comes they never get their
 * turn, and it spins for ever.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error_p.h"
#include "saved_p.h"
#include "sys_p.h"
#include "task_p.h"
#include "tunable_p.h"

struct raising {
	struct qrt_sched_saved *saved;
	int priority;
	int found;
};

static int is_timer(const struct qrt_sched_p_task *task)
{
	static const char *const names[] = {"ktimers/", "ktimersd/", "ksoftirqd/", "hrtimer"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (task->flags & QRT_SCHED_P_TASK_KERNEL &&
		    strncmp(task->name, names[i], strlen(names[i])) == 0)
			return 1;
	}
	return 0;
}

/* One that is as high already stays. One that was raised before may be lowered again. */
static int note(const struct qrt_sched_p_task *task, void *data)
{
	struct raising *raising = data;
	struct qrt_sched_setting now;
	char before[32], after[32];
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_RANK, .task = task, .before = before, .after = after};

	if (!is_timer(task) || qrt_sched_setting_read(task->tid, &now) < 0)
		return 0;
	raising->found++;
	if (now.priority >= raising->priority && !qrt_sched_p_saved_find(raising->saved, &change))
		return 0;
	snprintf(before, sizeof(before), "%u %d", now.policy, now.priority);
	snprintf(after, sizeof(after), "%d %d", QRT_SCHED_POLICY_FIFO, raising->priority);
	return qrt_sched_p_saved_note(raising->saved, &change);
}

static int make(struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	size_t i;
	int rc;

	for (i = 0; i < saved->count; i++) {
		if (!saved->entries[i].is_due)
			continue;
		rc = qrt_sched_p_saved_make(&saved->entries[i]);
		if (rc < 0 && rc != -ESRCH)
			return qrt_sched_p_error(reterr, rc,
						 "the host's timer thread %d cannot get '%s': %s; it needs "
						 "CAP_SYS_NICE",
						 (int)saved->entries[i].tid, saved->entries[i].after,
						 strerror(-rc));
	}
	return 0;
}

int qrt_sched_p_tunable_set_timers(const char *value, struct qrt_sched_saved *saved,
				   struct qrt_sched_error *reterr)
{
	struct raising raising = {.saved = saved};
	long priority = 0;
	int rc = qrt_sched_p_tunable_parse("timer priority", value, 1, 99, &priority, reterr);

	if (rc < 0)
		return rc;
	if (!qrt_sched_p_is_preempt_rt())
		return qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"the host's timers have no priority: its kernel is not PREEMPT_RT and "
			"runs them in interrupts, above every thread");
	raising.priority = (int)priority;
	rc = qrt_sched_p_task_each(note, &raising);
	if (rc >= 0 && !raising.found)
		return qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"no timer threads (ktimers/N, ksoftirqd/N) are to be seen: is this a "
			"container?");
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "the host's threads cannot be noted: %s", strerror(-rc));
	rc = qrt_sched_p_saved_keep(saved, reterr);
	return rc < 0 ? rc : make(saved, reterr);
}
