/* SPDX-License-Identifier: MIT */
#include "choice_p.h"

#include <string.h>

#include "cpus_p.h"
#include "sys_p.h"

int qrt_sched_p_choice_is(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			  const struct qrt_sched_cpus *cpus)
{
	struct qrt_sched_cpus missing;

	if (qrt_sched_p_cgroup_cpus_of(cgroup, tid, &missing) < 0)
		return 0;
	qrt_sched_p_cpus_minus(&missing, cpus);
	return qrt_sched_cpus_count(&missing) > 0;
}

int qrt_sched_p_choice_is_lost(const struct qrt_sched_p_saved_entry *entry, const char *now)
{
	struct qrt_sched_cpus cpus, all, before;
	struct qrt_sched_p_cgroup cgroup;

	qrt_sched_p_cgroup_find(&cgroup);
	if (qrt_sched_cpus_parse(now, &cpus) < 0 || qrt_sched_cpus_parse(entry->before, &before) < 0 ||
	    qrt_sched_p_cgroup_cpus_of(&cgroup, entry->tid, &all) < 0)
		return 0;
	/* Who went to a cpuset without these CPUs cannot have them there. */
	qrt_sched_p_cpus_and(&before, &all);
	qrt_sched_p_cpus_minus(&all, &cpus);
	return qrt_sched_cpus_count(&before) && !qrt_sched_cpus_count(&all);
}

/* Kernel threads have cpusets under version 1, too, but nobody moves them. */
static int is_at_risk(const struct qrt_sched_p_cgroup *cgroup, const struct qrt_sched_p_task *task)
{
	if (task->flags & QRT_SCHED_P_TASK_BOUND)
		return 0;
	return !(task->flags & QRT_SCHED_P_TASK_KERNEL) || cgroup->version == QRT_SCHED_CGROUP_V2;
}

/* As it was left: by us, or by the kernel. */
static int is_left(const struct qrt_sched_p_saved_entry *entry, const struct qrt_sched_cpus *now)
{
	struct qrt_sched_cpus cpus;

	if (qrt_sched_cpus_parse(entry->after, &cpus) >= 0 && qrt_sched_p_cpus_equal(&cpus, now))
		return 1;
	return entry->old && qrt_sched_cpus_parse(entry->old, &cpus) >= 0 &&
	       qrt_sched_p_cpus_equal(&cpus, now);
}

enum qrt_sched_p_choice qrt_sched_p_choice_find(const struct qrt_sched_saved *saved,
						const struct qrt_sched_p_cgroup *cgroup,
						const struct qrt_sched_p_task *task,
						struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_CPUS, .task = task};
	const struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(saved, &change);
	struct qrt_sched_cpus now;
	int is_chosen;

	if (!is_at_risk(cgroup, task) || qrt_sched_p_sys->get_cpus(task->tid, &now) < 0)
		return QRT_SCHED_P_CHOICE_NONE;
	is_chosen = qrt_sched_p_choice_is(cgroup, task->tid, &now);
	if (known && (!is_chosen || is_left(known, &now)) &&
	    qrt_sched_cpus_parse(known->before, ret_cpus) >= 0)
		return QRT_SCHED_P_CHOICE_KNOWN;
	if (!is_chosen)
		return QRT_SCHED_P_CHOICE_NONE;
	*ret_cpus = now;
	return QRT_SCHED_P_CHOICE_NEW;
}

int qrt_sched_p_choice_note(struct qrt_sched_saved *saved, const struct qrt_sched_p_task *task,
			    const struct qrt_sched_cpus *chosen, const struct qrt_sched_cpus *meanwhile)
{
	char before[QRT_SCHED_P_CPUS_TEXT], after[QRT_SCHED_P_CPUS_TEXT];
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_CPUS, .task = task, .before = before, .after = after};
	int rc = qrt_sched_cpus_format(chosen, before, sizeof(before));

	if (rc >= 0)
		rc = qrt_sched_cpus_format(meanwhile, after, sizeof(after));
	return rc < 0 ? rc : qrt_sched_p_saved_note_anew(saved, &change);
}

/* ---- before cpusets are put back ----------------------------------------------------------------- */

struct lowering {
	struct qrt_sched_saved *saved;
	struct qrt_sched_p_cgroup cgroup;
	int count;
};

static int note_new(const struct qrt_sched_p_task *task, void *data)
{
	struct lowering *lowering = data;
	struct qrt_sched_cpus cpus;
	int rc;

	if (qrt_sched_p_choice_find(lowering->saved, &lowering->cgroup, task, &cpus) !=
	    QRT_SCHED_P_CHOICE_NEW)
		return 0;
	rc = qrt_sched_p_choice_note(lowering->saved, task, &cpus, &cpus);
	lowering->count += rc >= 0;
	return rc < 0 ? rc : 0;
}

static int has_cpusets(const struct lowering *lowering)
{
	const struct qrt_sched_saved *saved = lowering->saved;
	size_t i, len = strlen(lowering->cgroup.top);

	for (i = 0; len && i < saved->count; i++) {
		if (saved->entries[i].path && strncmp(saved->entries[i].path, lowering->cgroup.top, len) == 0)
			return 1;
	}
	return 0;
}

void qrt_sched_p_choice_note_all(struct qrt_sched_saved *saved)
{
	struct lowering lowering = {.saved = saved};

	qrt_sched_p_cgroup_find(&lowering.cgroup);
	if (!has_cpusets(&lowering))
		return;
	(void)qrt_sched_p_task_each(note_new, &lowering);
	if (lowering.count > 0)
		(void)qrt_sched_p_saved_keep(saved, NULL);
}
