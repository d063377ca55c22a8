/* SPDX-License-Identifier: MIT */
/* Whether a shield that is up is still one: its cpusets alone do not make it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpus_p.h"
#include "error_p.h"
#include "shield_p.h"

struct verifying {
	struct qrt_sched_p_cgroup cgroup;
	char folder[QRT_SCHED_P_PATH];
	const char *name;
	struct qrt_sched_cpus cpus;
	struct qrt_sched_error *reterr;
};

static int say_undone(const struct verifying *verifying, const char *path, const char *text)
{
	return qrt_sched_p_error(verifying->reterr, -ESTALE,
				 "the shield '%.48s' does not hold any more: %.120s is '%.100s'",
				 verifying->name, path, text);
}

/* The kernel takes the partition away where its CPUs are somebody else's, too, or are not there any more. */
static int verify_v2(const struct verifying *verifying)
{
	char path[QRT_SCHED_P_PATH], text[256] = "";

	if (qrt_sched_p_join(path, verifying->folder, "cpuset.cpus.partition") >= 0)
		qrt_sched_p_read_trimmed(path, text, sizeof(text));
	return strcmp(text, "isolated") == 0 || strcmp(text, "root") == 0 ? 0
									  : say_undone(verifying, path, text);
}

static int verify_balance(const struct verifying *verifying, const char *folder)
{
	char path[QRT_SCHED_P_PATH], text[16] = "";

	if (qrt_sched_p_join(path, folder, "cpuset.sched_load_balance") >= 0)
		qrt_sched_p_read_trimmed(path, text, sizeof(text));
	return strcmp(text, "0") == 0 ? 0 : say_undone(verifying, path, text);
}

static int verify_v1(const struct verifying *verifying)
{
	char others[QRT_SCHED_P_PATH], list[QRT_SCHED_P_CPUS_TEXT] = "";
	struct qrt_sched_p_shield shield = {.cpus = verifying->cpus};
	struct qrt_sched_cpus cpus = {0};
	int rc = verify_balance(verifying, verifying->cgroup.top);

	if (rc >= 0)
		rc = verify_balance(verifying, verifying->folder);
	if (rc < 0)
		return rc;
	/* Found paths leave room for this. */
	snprintf(others, sizeof(others), "%.300s/%.48s-host", verifying->cgroup.top, verifying->name);
	if (qrt_sched_p_cgroup_cpus(others, &cpus) >= 0 && qrt_sched_cpus_count(&cpus) &&
	    !qrt_sched_p_shield_touches(&shield, &cpus))
		return 0;
	qrt_sched_cpus_format(&cpus, list, sizeof(list));
	return say_undone(verifying, others, list);
}

int qrt_sched_shield_verify(const char *name, struct qrt_sched_error *reterr)
{
	struct verifying verifying = {.name = name ? name : QRT_SCHED_SHIELD_NAME, .reterr = reterr};
	int kind = qrt_sched_shield_read(verifying.name, &verifying.cpus);

	if (kind < 0)
		return qrt_sched_p_error(reterr, -ENOENT, "no shield '%.48s' is up", verifying.name);
	qrt_sched_p_cgroup_find(&verifying.cgroup);
	if (qrt_sched_p_join(verifying.folder, verifying.cgroup.top, verifying.name) < 0)
		return qrt_sched_p_error(reterr, -ENAMETOOLONG, "'%.48s' is no name of a shield",
					 verifying.name);
	return kind == QRT_SCHED_CGROUP_V2 ? verify_v2(&verifying) : verify_v1(&verifying);
}
