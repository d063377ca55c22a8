/* SPDX-License-Identifier: MIT */
/* Why the kernel said "not permitted", and what helps: it says only EPERM for all of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cpus_p.h"
#include "error_p.h"
#include "setting_p.h"
#include "sys_p.h"

static int is_filtered(void)
{
	char status[8192];
	const char *field;

	if (qrt_sched_p_read("/proc/thread-self/status", status, sizeof(status)) < 0)
		return 0;
	field = qrt_sched_p_field(status, "Seccomp");
	return field && strtol(field, NULL, 10) == 2;
}

/* A group of the version 1 cpu controller has no real-time time of its own until somebody gives it
 * some, where the kernel has CONFIG_RT_GROUP_SCHED. Writes its path; 0 where there is no such group. */
static int find_cpu_group(char *ret_path, size_t size)
{
	char text[4096], *line, *rest = text;
	char *controllers, *path;

	if (qrt_sched_p_read("/proc/self/cgroup", text, sizeof(text)) < 0)
		return 0;
	while ((line = strsep(&rest, "\n"))) {
		strsep(&line, ":");
		controllers = line ? strsep(&line, ":") : NULL;
		path = line;
		if (!path || !strcmp(path, "/"))
			continue;
		if (!strcmp(controllers, "cpu") || !strncmp(controllers, "cpu,", 4) ||
		    strstr(controllers, ",cpu,")) {
			snprintf(ret_path, size, "%s", path);
			return 1;
		}
	}
	return 0;
}

static int is_realtime(const struct qrt_sched_setting *setting)
{
	return (setting->set & QRT_SCHED_SET_POLICY) && qrt_sched_p_policy_is_rt(setting->policy);
}

static int is_deadline(const struct qrt_sched_setting *setting)
{
	return (setting->set & QRT_SCHED_SET_POLICY) && setting->policy == QRT_SCHED_POLICY_DEADLINE;
}

/* The CPUs that the thread would have: those that were asked for, else its own. */
static int find_cpus(pid_t tid, const struct qrt_sched_setting *setting, struct qrt_sched_cpus *ret_cpus)
{
	*ret_cpus = setting->cpus;
	return setting->set & QRT_SCHED_SET_CPUS ? 0 : qrt_sched_p_sys->get_cpus(tid, ret_cpus);
}

/* The kernel gives DEADLINE only to a thread that may run wherever it may put it. */
static int is_too_narrow(pid_t tid, const struct qrt_sched_setting *setting, char *ret_list, size_t size)
{
	struct qrt_sched_cpus cpus, online, isolated;

	if (find_cpus(tid, setting, &cpus) < 0 ||
	    qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &online) < 0)
		return 0;
	if (qrt_sched_p_read_cpus("/sys/devices/system/cpu/isolated", &isolated) >= 0)
		qrt_sched_p_cpus_minus(&online, &isolated);
	if (qrt_sched_cpus_format(&online, ret_list, size) < 0)
		snprintf(ret_list, size, "all of them");
	qrt_sched_p_cpus_minus(&online, &cpus);
	return qrt_sched_cpus_count(&online) != 0;
}

static void explain_deadline(char *why, size_t size, pid_t tid, const struct qrt_sched_setting *setting)
{
	char list[32];

	if (!qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE))
		snprintf(why, size, "deadline needs CAP_SYS_NICE, no limit grants it");
	else if (is_too_narrow(tid, setting, list, sizeof(list)))
		snprintf(why, size,
			 "deadline needs all CPUs of the partition (%s): widen its CPUs, or make the "
			 "partition smaller, or set sysctl kernel.sched_rt_runtime_us=-1",
			 list);
	else
		snprintf(why, size,
			 "deadline needs all CPUs of its cpuset partition, and no container or security "
			 "module that forbids it");
}

static void explain(char *why, size_t size, pid_t tid, const struct qrt_sched_setting *setting)
{
	uint64_t limit = 0;
	char group[81];

	if (is_filtered()) {
		snprintf(why, size,
			 "a seccomp filter is in force (QEMU: -sandbox resourcecontrol=deny); "
			 "start it by qrt-launcher");
	} else if (is_deadline(setting)) {
		explain_deadline(why, size, tid, setting);
	} else if (!qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE) && is_realtime(setting)) {
		qrt_sched_p_sys->get_limit(RLIMIT_RTPRIO, &limit);
		snprintf(why, size,
			 "needs CAP_SYS_NICE, or RLIMIT_RTPRIO of %d or more (it is %llu; see ulimit -r)",
			 setting->priority, (unsigned long long)limit);
	} else if (!qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE)) {
		snprintf(why, size, "needs CAP_SYS_NICE");
	} else if (is_realtime(setting) && find_cpu_group(group, sizeof(group))) {
		snprintf(why, size, "control group %s has no real-time time: write to its cpu.rt_runtime_us",
			 group);
	} else {
		snprintf(why, size, "CAP_SYS_NICE is there, but a container or security module forbids it");
	}
}

static void explain_other(char *why, size_t size, int rc, const struct qrt_sched_setting *setting)
{
	if (rc == -EBUSY && is_deadline(setting))
		snprintf(why, size,
			 "with the other deadline threads that is more than sched_rt_runtime_us of each CPU: "
			 "give less runtime, or raise that sysctl");
	else if (rc == -EBUSY && (setting->set & QRT_SCHED_SET_CPUS))
		snprintf(why, size, "a deadline thread keeps all CPUs of its cpuset partition");
	else if (rc == -EINVAL && is_deadline(setting))
		snprintf(why, size,
			 "its period is outside sysctl kernel.sched_deadline_period_min_us..max_us, or none "
			 "of its CPUs is online");
	else if (rc == -ENOSYS && (setting->set & QRT_SCHED_SET_IOPRIO))
		snprintf(why, size, "this kernel has no I/O priorities");
	else if (rc == -EINVAL && (setting->set & QRT_SCHED_SET_CPUS))
		snprintf(why, size, "none of these CPUs is online and in its cpuset");
	else if (rc == -ESRCH)
		snprintf(why, size, "it has ended");
	else
		snprintf(why, size, "%s", strerror(-rc));
}

int qrt_sched_p_refusal(struct qrt_sched_error *reterr, int rc, pid_t tid,
			const struct qrt_sched_setting *setting)
{
	char what[96] = "its setting", who[32] = "this thread", why[200];

	if (!reterr)
		return rc;
	if (tid)
		snprintf(who, sizeof(who), "thread %d", (int)tid);
	qrt_sched_setting_describe(setting, what, sizeof(what));
	if (rc == -EPERM || rc == -EACCES)
		explain(why, sizeof(why), tid, setting);
	else
		explain_other(why, sizeof(why), rc, setting);
	return qrt_sched_p_error(reterr, rc, "cannot give %s '%s': %s", who, what, why);
}
