/* SPDX-License-Identifier: MIT */
/*
 * A shield by cpusets of cgroup version 2: an isolated partition. The kernel takes its CPUs from every other
 * cgroup and moves what runs there. The partition is threaded, so that single threads of a process can enter
 * it, and a VM's main loop runs where the host does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpus_p.h"
#include "error_p.h"
#include "shield_p.h"

/* Children of the top have cpusets only where it hands them on. */
static int switch_on(struct qrt_sched_p_shield *shield)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_CONTROLLER, .before = "", .after = "cpuset"};
	char path[QRT_SCHED_P_PATH], text[512];
	int rc = qrt_sched_p_join(path, shield->cgroup.top, "cgroup.subtree_control");

	if (rc >= 0)
		rc = qrt_sched_p_read_trimmed(path, text, sizeof(text));
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "%.120s cannot be read: %s", path,
					 strerror(-rc));
	if (qrt_sched_p_has_word(text, "cpuset"))
		return 0;
	change.path = path;
	rc = qrt_sched_p_saved_note(shield->saved, &change);
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "what to put back cannot be noted: %s",
					 strerror(-rc));
	return qrt_sched_p_shield_make_all(shield);
}

static int has(const struct qrt_sched_p_shield *shield, const char *file)
{
	char path[QRT_SCHED_P_PATH];

	return qrt_sched_p_join(path, shield->folder, file) >= 0 && qrt_sched_p_exists(path);
}

static int set_cpus(struct qrt_sched_p_shield *shield)
{
	char list[QRT_SCHED_P_CPUS_TEXT];
	int rc;

	qrt_sched_cpus_format(&shield->cpus, list, sizeof(list));
	rc = qrt_sched_p_shield_write_own(shield, shield->folder, "cpuset.cpus", list);
	if (rc >= 0 && has(shield, "cpuset.cpus.exclusive"))
		rc = qrt_sched_p_shield_write_own(shield, shield->folder, "cpuset.cpus.exclusive", list);
	return rc;
}

/* What the kernel takes may still be no partition: it says so in the file, with the reason. */
static int check_partition(struct qrt_sched_p_shield *shield)
{
	char path[QRT_SCHED_P_PATH], text[256];
	int rc = qrt_sched_p_join(path, shield->folder, "cpuset.cpus.partition");

	if (rc >= 0)
		rc = qrt_sched_p_read_trimmed(path, text, sizeof(text));
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "%.120s cannot be read: %s", path,
					 strerror(-rc));
	if (strcmp(text, "isolated") == 0 || strcmp(text, "root") == 0)
		return 0;
	return qrt_sched_p_error(shield->reterr, -EBUSY,
				 "the kernel makes %.60s no partition of its own: %.120s", shield->folder,
				 text);
}

/* Kernels before 6.1 know partitions without isolation: then the shield's threads are balanced among its
 * CPUs, and nobody else's are. */
static int make_partition(struct qrt_sched_p_shield *shield)
{
	char path[QRT_SCHED_P_PATH], text[256] = "";
	int rc;

	if (!has(shield, "cpuset.cpus.partition"))
		return qrt_sched_p_error(
			shield->reterr, -EOPNOTSUPP,
			"this kernel has no cpuset partitions: Linux 5.0 or later is needed");
	if (qrt_sched_p_join(path, shield->folder, "cpuset.cpus.partition") >= 0 &&
	    qrt_sched_p_read_trimmed(path, text, sizeof(text)) >= 0 &&
	    (strcmp(text, "isolated") == 0 || strcmp(text, "root") == 0))
		return 0;
	rc = qrt_sched_p_shield_write_own(shield, shield->folder, "cpuset.cpus.partition", "isolated");
	if (rc == -EINVAL)
		rc = qrt_sched_p_shield_write_own(shield, shield->folder, "cpuset.cpus.partition", "root");
	return rc;
}

int qrt_sched_p_shield_raise_v2(struct qrt_sched_p_shield *shield)
{
	int is_new = !qrt_sched_p_exists(shield->folder);
	int rc = switch_on(shield);

	if (rc >= 0)
		rc = qrt_sched_p_shield_shrink_others(shield);
	if (rc >= 0)
		rc = qrt_sched_p_shield_make_folder(shield, shield->folder);
	if (rc >= 0 && is_new)
		rc = qrt_sched_p_shield_write_own(shield, shield->folder, "cgroup.type", "threaded");
	if (rc >= 0)
		rc = set_cpus(shield);
	if (rc >= 0)
		rc = make_partition(shield);
	return rc < 0 ? rc : check_partition(shield);
}
