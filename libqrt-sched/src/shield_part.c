/* SPDX-License-Identifier: MIT */
/* Parts of a shield that had more of them before: what nobody asks for any more is put back. */
#include <string.h>

#include "cpus_p.h"
#include "shield_p.h"

static const struct {
	const char *prefix;
	uint32_t part;
} places[] = {
	{"/proc/irq/", QRT_SCHED_SHIELD_IRQS},
	{"/sys/devices/virtual/workqueue/", QRT_SCHED_SHIELD_WORKQUEUES},
	{"/sys/class/net/", QRT_SCHED_SHIELD_RPS},
};

static uint32_t part_of_file(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (strncmp(path, places[i].prefix, strlen(places[i].prefix)) == 0)
			return places[i].part;
	}
	return 0;
}

/* Under version 2 the kernel moves those that chose their CPUs, whatever is asked for. */
static uint32_t part_of_thread(const struct qrt_sched_p_shield *shield,
			       const struct qrt_sched_p_saved_entry *entry)
{
	struct qrt_sched_p_task task;
	struct qrt_sched_cpus before, chosen = shield->online;

	if (qrt_sched_p_task_read(entry->tid, &task) < 0 || task.start != entry->start ||
	    !(task.flags & QRT_SCHED_P_TASK_KERNEL) || qrt_sched_cpus_parse(entry->before, &before) < 0)
		return 0;
	qrt_sched_p_cpus_minus(&chosen, &before);
	if (shield->cgroup.version == QRT_SCHED_CGROUP_V2 && qrt_sched_cpus_count(&chosen))
		return 0;
	return QRT_SCHED_SHIELD_KTHREADS;
}

static int is_dropped(const struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry)
{
	uint32_t part = 0;

	if (entry->kind == QRT_SCHED_P_SAVED_FILE)
		part = part_of_file(entry->path);
	else if (entry->kind == QRT_SCHED_P_SAVED_CPUS)
		part = part_of_thread(shield, entry);
	return part & ~shield->flags ? 1 : 0;
}

void qrt_sched_p_shield_drop_parts(struct qrt_sched_p_shield *shield)
{
	struct qrt_sched_p_saved_entry *entry;
	size_t i;
	int rc;

	for (i = shield->saved->count; i-- > 0;) {
		entry = &shield->saved->entries[i];
		if (!is_dropped(shield, entry))
			continue;
		rc = qrt_sched_p_saved_put_back(entry);
		entry->is_back = rc >= 0;
		if (rc < 0)
			qrt_sched_p_shield_leave(shield, entry->path ? "mask" : "kthread",
						 entry->path ? entry->path : "", (int32_t)entry->tid, rc);
	}
	qrt_sched_p_saved_finish(shield->saved);
}
