/* SPDX-License-Identifier: MIT */
/* What a shield must not do: lock somebody out, take what another one has, half of what it shall. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpus_p.h"
#include "error_p.h"
#include "shield_p.h"
#include "struct_p.h"
#include "sys_p.h"

#define CAP_DAC_OVERRIDE 1

static int is_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len >= 1 && len + sizeof("-host") < QRT_SCHED_P_SHIELD_NAME && !name[len] && name[0] != '-';
}

static int take_config(struct qrt_sched_p_shield *shield, const struct qrt_sched_shield_config *callers)
{
	struct qrt_sched_shield_config config;
	int rc = qrt_p_struct_take(&config, sizeof(config), callers);

	if (rc == -E2BIG)
		return qrt_sched_p_error(
			shield->reterr, rc,
			"the shield's configuration has members that this version does not know");
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc,
					 "the shield's configuration has no size: set it to its sizeof");
	if (config.flags & ~QRT_SCHED_SHIELD_ALL)
		return qrt_sched_p_error(shield->reterr, -EINVAL, "unknown parts of a shield 0x%x",
					 config.flags & ~QRT_SCHED_SHIELD_ALL);
	if (!config.name)
		config.name = QRT_SCHED_SHIELD_NAME;
	if (!is_name(config.name))
		return qrt_sched_p_error(
			shield->reterr, -EINVAL,
			"'%.60s' is no name of a shield: letters, digits, '_', '-', at most %d", config.name,
			QRT_SCHED_P_SHIELD_NAME - (int)sizeof("-host") - 1);
	shield->flags = config.flags;
	shield->cpus = config.cpus;
	strcpy(shield->name, config.name);
	return 0;
}

static int check_cpus(struct qrt_sched_p_shield *shield)
{
	struct qrt_sched_cpus missing = shield->cpus;
	char named[64] = "...", there[64] = "...";
	int rc = qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &shield->online);

	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc,
					 "the CPUs that are online cannot be read: %s; is /sys mounted?",
					 strerror(-rc));
	if (!qrt_sched_cpus_count(&shield->cpus))
		return qrt_sched_p_error(shield->reterr, -EINVAL,
					 "no CPU to be shielded is named: name one or more");
	qrt_sched_p_cpus_minus(&missing, &shield->online);
	qrt_sched_cpus_format(&shield->online, there, sizeof(there));
	if (qrt_sched_cpus_count(&missing)) {
		qrt_sched_cpus_format(&missing, named, sizeof(named));
		return qrt_sched_p_error(shield->reterr, -EINVAL,
					 "CPU %s is not there to be shielded: those online are %s", named,
					 there);
	}
	shield->rest = shield->online;
	qrt_sched_p_cpus_minus(&shield->rest, &shield->cpus);
	if (!qrt_sched_cpus_count(&shield->rest))
		return qrt_sched_p_error(
			shield->reterr, -EBUSY,
			"all CPUs (%s) would be shielded and the host could not run: leave it at least one",
			there);
	return 0;
}

int qrt_sched_p_shield_open(struct qrt_sched_p_shield *shield, const struct qrt_sched_shield_config *config,
			    struct qrt_sched_error *reterr)
{
	int rc;

	memset(shield, 0, sizeof(*shield));
	shield->reterr = reterr;
	rc = take_config(shield, config);
	if (rc >= 0)
		rc = check_cpus(shield);
	if (rc < 0)
		return rc;
	qrt_sched_p_cgroup_find(&shield->cgroup);
	/* Found paths leave room for this. */
	snprintf(shield->folder, sizeof(shield->folder), "%.300s/%s", shield->cgroup.top, shield->name);
	snprintf(shield->others, sizeof(shield->others), "%.300s/%s-host", shield->cgroup.top, shield->name);
	return 0;
}

static int check_rights(const struct qrt_sched_p_shield *shield)
{
	if (qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE) && qrt_sched_p_capable(CAP_DAC_OVERRIDE))
		return 0;
	return qrt_sched_p_error(shield->reterr, -EPERM,
				 "a shield changes what belongs to the whole host: it needs root "
				 "(CAP_SYS_NICE and CAP_DAC_OVERRIDE)");
}

static int is_flag(const char *folder, const char *file, const char *value)
{
	char path[QRT_SCHED_P_PATH], text[128];

	return qrt_sched_p_join(path, folder, file) >= 0 &&
	       qrt_sched_p_read_trimmed(path, text, sizeof(text)) >= 0 &&
	       strncmp(text, value, strlen(value)) == 0;
}

/* Another's partition, a cpuset that is exclusive, or a shield of another name. */
static int is_shield(const struct qrt_sched_p_shield *shield, const char *folder)
{
	char host[QRT_SCHED_P_PATH + 8];

	if (shield->cgroup.version == QRT_SCHED_CGROUP_V2)
		return is_flag(folder, "cpuset.cpus.partition", "isolated") ||
		       is_flag(folder, "cpuset.cpus.partition", "root");
	snprintf(host, sizeof(host), "%s-host", folder);
	return is_flag(folder, "cpuset.cpu_exclusive", "1") || qrt_sched_p_exists(host);
}

int qrt_sched_p_shield_is_own(const struct qrt_sched_p_shield *shield, const char *folder)
{
	size_t len = strlen(shield->folder);

	return strcmp(folder, shield->others) == 0 || strcmp(folder, shield->folder) == 0 ||
	       (strncmp(folder, shield->folder, len) == 0 && folder[len] == '/');
}

static int refuse_cpuset(const struct qrt_sched_p_shield *shield, const char *folder,
			 const struct qrt_sched_cpus *cpus)
{
	char text[64] = "...", own[QRT_SCHED_P_PATH] = "";

	qrt_sched_cpus_format(cpus, text, sizeof(text));
	if (is_shield(shield, folder))
		return qrt_sched_p_error(shield->reterr, -EEXIST,
					 "%.120s has CPU %s to itself, another shield: name other CPUs, or "
					 "lower that one",
					 folder, text);
	if (qrt_sched_p_cgroup_of(&shield->cgroup, getpid(), own) >= 0 && strcmp(own, folder) == 0)
		return qrt_sched_p_error(shield->reterr, -EBUSY,
					 "this session may run on CPU %s alone (%.120s), which would be "
					 "shielded: move it to another cpuset first",
					 text, folder);
	return qrt_sched_p_error(shield->reterr, -EBUSY,
				 "what runs in %.120s may run on CPU %s alone, which would be shielded: give "
				 "that cpuset others first",
				 folder, text);
}

int qrt_sched_p_shield_cpus_before(const struct qrt_sched_p_shield *shield, const char *folder,
				   struct qrt_sched_cpus *ret_cpus)
{
	char path[QRT_SCHED_P_PATH];
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_FILE, .path = path};
	const struct qrt_sched_p_saved_entry *known;

	if (!shield->saved || qrt_sched_p_join(path, folder, "cpuset.cpus") < 0)
		return qrt_sched_p_cgroup_cpus(folder, ret_cpus);
	known = qrt_sched_p_saved_find(shield->saved, &change);
	if (known && qrt_sched_cpus_parse(known->before, ret_cpus) >= 0)
		return 1;
	return qrt_sched_p_cgroup_cpus(folder, ret_cpus);
}

/* A cpuset that would be left without a CPU, or that has them for itself. */
static int check_cpuset(const char *folder, void *data)
{
	const struct qrt_sched_p_shield *shield = data;
	struct qrt_sched_cpus cpus, left;

	if (qrt_sched_p_shield_is_own(shield, folder) ||
	    qrt_sched_p_shield_cpus_before(shield, folder, &cpus) < 0 ||
	    !qrt_sched_p_shield_touches(shield, &cpus))
		return 0;
	left = cpus;
	qrt_sched_p_cpus_and(&left, &shield->rest);
	if (!is_shield(shield, folder) &&
	    (qrt_sched_cpus_count(&left) || !qrt_sched_p_cgroup_is_populated(folder)))
		return 0;
	return refuse_cpuset(shield, folder, &cpus);
}

int qrt_sched_p_shield_refuse(struct qrt_sched_p_shield *shield)
{
	int rc = check_rights(shield);

	if (rc < 0 || shield->cgroup.version == QRT_SCHED_CGROUP_NONE)
		return rc;
	rc = qrt_sched_p_cgroup_each(shield->cgroup.top, check_cpuset, shield);
	if (rc == -E2BIG)
		return qrt_sched_p_error(shield->reterr, rc, "more than %d cpusets in %.120s",
					 QRT_SCHED_P_CGROUPS_MAX, shield->cgroup.top);
	return rc;
}
