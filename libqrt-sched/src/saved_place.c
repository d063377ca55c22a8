/* SPDX-License-Identifier: MIT */
/* The places that a text of what is saved may speak of: those that this library changes, no other. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mask_p.h"
#include "saved_p.h"
#include "schemata_p.h"

static const char *const masks[] = {
	"/proc/irq/default_smp_affinity",
	"/proc/irq/[0-9]*/smp_affinity",
	"/sys/devices/virtual/workqueue/cpumask",
	"/sys/devices/virtual/workqueue/*/cpumask",
	"/sys/class/net/*/queues/rx-[0-9]*/rps_cpus",
};

void qrt_sched_p_places_find(struct qrt_sched_p_places *ret_places)
{
	qrt_sched_p_cgroup_find(&ret_places->cgroup);
	if (qrt_sched_p_mount_find("resctrl", NULL, ret_places->resctrl) < 0)
		ret_places->resctrl[0] = '\0';
}

/* No way around: absolute, every part a name. */
static int is_plain(const char *path)
{
	if (path[0] != '/' || !path[1] || strlen(path) >= QRT_SCHED_P_PATH - 64)
		return 0;
	return !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../") &&
	       fnmatch("*/", path, 0) != 0 && fnmatch("*/.", path, 0) != 0 && fnmatch("*/..", path, 0) != 0;
}

/* 1 at the top, 2 below it. */
static int is_within(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (!len || strncmp(path, top, len) != 0)
		return 0;
	if (!path[len])
		return 1;
	return path[len] == '/' ? 2 : 0;
}

static int is_group(const struct qrt_sched_p_places *places, const char *path, int least)
{
	return is_plain(path) &&
	       (is_within(path, places->cgroup.top) >= least || is_within(path, places->resctrl) >= least);
}

static int is_mask(const char *text)
{
	struct qrt_sched_cpus cpus;

	return qrt_sched_p_mask_parse(text, &cpus) >= 0;
}

static int is_mask_file(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		if (fnmatch(masks[i], path, FNM_PATHNAME) == 0)
			return 1;
	}
	return 0;
}

/* Digits, and what lists of numbers have. */
static int is_list(const char *text)
{
	return text[strspn(text, "0123456789,-")] == '\0';
}

static int allow_file(const struct qrt_sched_p_places *places, const struct qrt_sched_p_saved_entry *entry,
		      const char *name)
{
	if (is_mask_file(entry->path))
		return is_mask(entry->before) && is_mask(entry->after);
	if (is_within(entry->path, places->resctrl) == 2)
		return strcmp(entry->path + strlen(places->resctrl), "/schemata") == 0 &&
		       qrt_sched_p_schemata_is_line(entry->before) &&
		       qrt_sched_p_schemata_is_line(entry->after);
	if (strcmp(entry->path, "/sys/module/kvm/parameters/halt_poll_ns") != 0 &&
	    !(is_within(entry->path, places->cgroup.top) == 2 &&
	      (strcmp(name, "/cpuset.cpus") == 0 || strcmp(name, "/cpuset.sched_load_balance") == 0)))
		return 0;
	return is_list(entry->before) && is_list(entry->after);
}

static int allow_cpus(const struct qrt_sched_p_saved_entry *entry)
{
	struct qrt_sched_cpus cpus;

	return qrt_sched_cpus_parse(entry->before, &cpus) >= 0 &&
	       qrt_sched_cpus_parse(entry->after, &cpus) >= 0;
}

static int is_rank(const char *text)
{
	char *end;
	long policy = strtol(text, &end, 10), priority;

	if (text[0] < '0' || text[0] > '9' || end[0] != ' ' || end[1] < '0' || end[1] > '9')
		return 0;
	priority = strtol(end + 1, &end, 10);
	return !*end && priority <= 99 && policy <= QRT_SCHED_POLICY_DEADLINE;
}

static int allow_place(const struct qrt_sched_p_places *places, const struct qrt_sched_p_saved_entry *entry)
{
	const char *name = entry->path ? strrchr(entry->path, '/') : NULL;

	if (!name || !is_plain(entry->path))
		return 0;
	if (entry->kind == QRT_SCHED_P_SAVED_FILE)
		return allow_file(places, entry, name);
	if (entry->kind == QRT_SCHED_P_SAVED_MADE)
		return is_group(places, entry->path, 2) && !entry->before[0] && !entry->after[0];
	return is_within(entry->path, places->cgroup.top) == 2 &&
	       strcmp(name, "/cgroup.subtree_control") == 0 && strcmp(entry->after, "cpuset") == 0;
}

int qrt_sched_p_places_allow(const struct qrt_sched_p_places *places,
			     const struct qrt_sched_p_saved_entry *entry)
{
	if (!qrt_sched_p_saved_is_of_thread(entry->kind))
		return allow_place(places, entry);
	if (entry->kind == QRT_SCHED_P_SAVED_CPUS)
		return allow_cpus(entry);
	if (entry->kind == QRT_SCHED_P_SAVED_RANK)
		return is_rank(entry->before) && is_rank(entry->after);
	return is_group(places, entry->before, 1) && is_group(places, entry->after, 1);
}
