/* SPDX-License-Identifier: MIT */
/* How each kind of saved thing is read, changed and put back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice_p.h"
#include "cpus_p.h"
#include "mask_p.h"
#include "saved_p.h"
#include "schemata_p.h"
#include "sys_p.h"
#include "task_p.h"

#define VALUE_MAX 8192

static int is_alive(const struct qrt_sched_p_saved_entry *entry)
{
	uint64_t start;

	return qrt_sched_p_read_start(entry->tid, &start) >= 0 && start == entry->start;
}

/* ---- files -------------------------------------------------------------------------------------- */

/* Where isolated CPUs are left out, what was asked for stands in a file of its own (Linux 6.8). */
static const char *read_from(const char *path)
{
	static const char requested[] = "/sys/devices/virtual/workqueue/cpumask_requested";

	if (strcmp(path, "/sys/devices/virtual/workqueue/cpumask") == 0 && qrt_sched_p_exists(requested))
		return requested;
	return path;
}

/* Of a file of schemata, the line about the same resource. */
static int read_schemata(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	char line[QRT_SCHED_P_SCHEMATA_LINE], text[VALUE_MAX];
	int rc = qrt_sched_p_read(entry->path, text, sizeof(text));

	if (rc >= 0)
		rc = qrt_sched_p_schemata_find(text, entry->before, line);
	return rc < 0 ? rc : snprintf(buf, size, "%s", line);
}

static int read_file(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	if (qrt_sched_p_schemata_is_file(entry->path))
		return read_schemata(entry, buf, size);
	return qrt_sched_p_read_trimmed(read_from(entry->path), buf, size);
}

static int write_value(const char *path, const char *value)
{
	char text[VALUE_MAX];
	int n = snprintf(text, sizeof(text), "%s\n", value);

	return n < 0 || (size_t)n >= sizeof(text) ? -EFBIG : qrt_sched_p_hostfs->write(path, text);
}

/* ---- made folders ------------------------------------------------------------------------------- */

/* A cpuset of version 1 that somebody made others in stays until those are gone, but with all CPUs. */
static void give_all_cpus(const char *path, const char *parent)
{
	char file[QRT_SCHED_P_PATH], list[QRT_SCHED_P_CPUS_TEXT];

	if (qrt_sched_p_join(file, parent, "cpuset.cpus") >= 0 &&
	    qrt_sched_p_read_trimmed(file, list, sizeof(list)) > 0 &&
	    qrt_sched_p_join(file, path, "cpuset.cpus") >= 0)
		write_value(file, list);
}

static int remove_made(const char *path)
{
	char parent[QRT_SCHED_P_PATH];
	int rc;

	if (!qrt_sched_p_exists(path))
		return 0;
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	rc = qrt_sched_p_cgroup_drain(path, parent);
	if (rc >= 0 || rc == -ENOENT)
		rc = qrt_sched_p_hostfs->remove(path);
	if (rc == -ENOENT)
		return 0;
	if (rc == -EBUSY)
		give_all_cpus(path, parent);
	return rc < 0 ? rc : 1;
}

/* ---- controllers -------------------------------------------------------------------------------- */

struct children {
	const char *top;
	int in_use;
};

static int look_at_child(const char *name, void *data)
{
	struct children *children = data;
	char folder[QRT_SCHED_P_PATH];
	struct qrt_sched_cpus cpus;

	if (qrt_sched_p_join(folder, children->top, name) >= 0 &&
	    qrt_sched_p_cgroup_cpus(folder, &cpus) >= 0 && qrt_sched_cpus_count(&cpus) > 0)
		children->in_use = 1;
	return children->in_use;
}

/* Where somebody has set CPUs meanwhile, it is theirs. */
static int switch_off(const struct qrt_sched_p_saved_entry *entry)
{
	struct children children = {.in_use = 0};
	char top[QRT_SCHED_P_PATH], text[512];
	int rc = qrt_sched_p_read_trimmed(entry->path, text, sizeof(text));

	if (rc < 0 || !qrt_sched_p_has_word(text, entry->after))
		return rc == -ENOENT ? 0 : rc < 0 ? rc : 0;
	snprintf(top, sizeof(top), "%s", entry->path);
	*strrchr(top, '/') = '\0';
	children.top = top;
	qrt_sched_p_list(top, look_at_child, &children);
	if (children.in_use)
		return 0;
	snprintf(text, sizeof(text), "-%.100s\n", entry->after);
	rc = qrt_sched_p_hostfs->write(entry->path, text);
	/* A child hands it on to its own. */
	if (rc == -EBUSY)
		return 0;
	return rc < 0 ? rc : 1;
}

static int switch_on(const struct qrt_sched_p_saved_entry *entry)
{
	char text[128];

	snprintf(text, sizeof(text), "+%.100s\n", entry->after);
	return qrt_sched_p_hostfs->write(entry->path, text);
}

/* ---- threads ------------------------------------------------------------------------------------ */

static int read_cpus(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	struct qrt_sched_cpus cpus;
	int rc = is_alive(entry) ? qrt_sched_p_sys->get_cpus(entry->tid, &cpus) : -ESRCH;

	return rc < 0 ? rc : qrt_sched_cpus_format(&cpus, buf, size);
}

static int write_cpus(const struct qrt_sched_p_saved_entry *entry, const char *value)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_CPUS};
	int rc = qrt_sched_cpus_parse(value, &setting.cpus);

	return rc < 0 ? rc : qrt_sched_setting_apply(entry->tid, &setting, NULL);
}

static int read_rank(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	struct qrt_sched_setting setting;
	int rc = is_alive(entry) ? qrt_sched_setting_read(entry->tid, &setting) : -ESRCH;

	return rc < 0 ? rc : snprintf(buf, size, "%u %d", setting.policy, setting.priority);
}

static int write_rank(const struct qrt_sched_p_saved_entry *entry, const char *value)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY};
	char *end;

	setting.policy = (uint32_t)strtoul(value, &end, 10);
	setting.priority = (int32_t)strtol(end, NULL, 10);
	return qrt_sched_setting_apply(entry->tid, &setting, NULL);
}

static const char *member_file(const struct qrt_sched_p_saved_entry *entry, const char *folder)
{
	const char *file = qrt_sched_p_cgroup_list_file(folder);

	if (strcmp(file, "tasks") == 0)
		return file;
	return entry->kind == QRT_SCHED_P_SAVED_PROCESS ? "cgroup.procs" : "cgroup.threads";
}

/* Who left a shield of version 1 is where all others are, and who was in one that is gone is above where it
 * was; that is our doing, too. */
static int has_left(const struct qrt_sched_p_saved_entry *entry)
{
	char folder[QRT_SCHED_P_PATH];
	int n = snprintf(folder, sizeof(folder), "%s-host", entry->after);

	if (n < 0 || (size_t)n >= sizeof(folder) || entry->kind != QRT_SCHED_P_SAVED_THREAD)
		return 0;
	if (qrt_sched_p_cgroup_lists(folder, "tasks", entry->tid))
		return 1;
	*strrchr(folder, '/') = '\0';
	return !qrt_sched_p_exists(entry->after) && qrt_sched_p_cgroup_lists(folder, "tasks", entry->tid);
}

static int read_member(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	const char *folder[2] = {entry->after, entry->before};
	int i;

	if (!is_alive(entry))
		return -ESRCH;
	for (i = 0; i < 2; i++) {
		if (qrt_sched_p_cgroup_lists(folder[i], member_file(entry, folder[i]), entry->tid))
			return snprintf(buf, size, "%s", folder[i]);
	}
	return snprintf(buf, size, "%s", has_left(entry) ? entry->after : "");
}

static int write_member(const struct qrt_sched_p_saved_entry *entry, const char *folder)
{
	if (!qrt_sched_p_exists(folder))
		return -ENOENT;
	return qrt_sched_p_cgroup_put(folder, member_file(entry, folder), entry->tid);
}

/* ---- all of them -------------------------------------------------------------------------------- */

int qrt_sched_p_saved_read(const struct qrt_sched_p_saved_entry *entry, char *buf, size_t size)
{
	switch (entry->kind) {
	case QRT_SCHED_P_SAVED_FILE:
		return read_file(entry, buf, size);
	case QRT_SCHED_P_SAVED_CPUS:
		return read_cpus(entry, buf, size);
	case QRT_SCHED_P_SAVED_RANK:
		return read_rank(entry, buf, size);
	case QRT_SCHED_P_SAVED_THREAD:
	case QRT_SCHED_P_SAVED_PROCESS:
		return read_member(entry, buf, size);
	default:
		return -EINVAL;
	}
}

static int write_entry(const struct qrt_sched_p_saved_entry *entry, const char *value)
{
	switch (entry->kind) {
	case QRT_SCHED_P_SAVED_FILE:
		return write_value(entry->path, value);
	case QRT_SCHED_P_SAVED_CPUS:
		return write_cpus(entry, value);
	case QRT_SCHED_P_SAVED_RANK:
		return write_rank(entry, value);
	case QRT_SCHED_P_SAVED_THREAD:
	case QRT_SCHED_P_SAVED_PROCESS:
		return write_member(entry, value);
	default:
		return -EINVAL;
	}
}

int qrt_sched_p_saved_make(const struct qrt_sched_p_saved_entry *entry)
{
	switch (entry->kind) {
	case QRT_SCHED_P_SAVED_MADE:
		return qrt_sched_p_hostfs->make(entry->path);
	case QRT_SCHED_P_SAVED_CONTROLLER:
		return switch_on(entry);
	default:
		return write_entry(entry, entry->after);
	}
}

static int is_same(const struct qrt_sched_p_saved_entry *entry, const char *a, const char *b)
{
	if (entry->kind == QRT_SCHED_P_SAVED_FILE && qrt_sched_p_mask_is_file(entry->path))
		return qrt_sched_p_mask_is_same(a, b);
	return strcmp(a, b) == 0;
}

static int is_ours(const struct qrt_sched_p_saved_entry *entry, const char *value)
{
	return is_same(entry, value, entry->after) || (entry->old && is_same(entry, value, entry->old)) ||
	       (entry->kind == QRT_SCHED_P_SAVED_CPUS && qrt_sched_p_choice_is_lost(entry, value));
}

static int put_back_value(const struct qrt_sched_p_saved_entry *entry, const char *value)
{
	char now[VALUE_MAX];
	int rc = qrt_sched_p_saved_read(entry, now, sizeof(now));

	if (rc >= 0 && (is_same(entry, now, value) || !is_ours(entry, now)))
		return 0;
	if (rc >= 0)
		rc = write_entry(entry, value);
	/* An interrupt, a network card or a thread that is gone needs nothing any more. */
	if (rc == -ENOENT || rc == -ESRCH || rc == -ENODEV)
		return 0;
	return rc < 0 ? rc : 1;
}

int qrt_sched_p_saved_put_back(const struct qrt_sched_p_saved_entry *entry)
{
	switch (entry->kind) {
	case QRT_SCHED_P_SAVED_MADE:
		return remove_made(entry->path);
	case QRT_SCHED_P_SAVED_CONTROLLER:
		return switch_off(entry);
	default:
		return put_back_value(entry, entry->before);
	}
}

int qrt_sched_p_saved_take_back(const struct qrt_sched_p_saved_entry *entry)
{
	return entry->old ? put_back_value(entry, entry->old) : 0;
}
