/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cpuset_p.h"
#include "error_p.h"
#include "struct_p.h"
#include "sys_p.h"

#define CPU_FOLDER      "/sys/devices/system/cpu/"
#define FAIR_FOLDER     "/sys/kernel/debug/sched/fair_server/"
#define FAIR_RUNTIME_US 50000 /* as the kernel begins */
#define FAIR_PERIOD_US  1000000

static int read_cpu_sets(struct qrt_sched_host *host, struct qrt_sched_error *reterr)
{
	int rc = qrt_sched_p_read_cpus(CPU_FOLDER "online", &host->online);

	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "cannot read %s: %s; is /sys mounted?",
					 CPU_FOLDER "online", strerror(-rc));
	rc = qrt_sched_p_sys->get_cpus(0, &host->allowed);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "cannot read this process' CPUs: %s%s", strerror(-rc),
					 rc == -EINVAL ? "; this kernel has room for more than 1024" : "");
	/* Not on every kernel: none is isolated then. */
	if (qrt_sched_p_read_cpus(CPU_FOLDER "isolated", &host->isolated) < 0)
		memset(&host->isolated, 0, sizeof(host->isolated));
	qrt_sched_p_cpuset_widen(&host->allowed, &host->isolated);
	return 0;
}

static void read_rights(struct qrt_sched_host *host)
{
	uint64_t limit = 0;

	if (qrt_sched_p_sys->get_limit(RLIMIT_MEMLOCK, &limit) >= 0)
		host->memlock_limit = limit;
	if (qrt_sched_p_capable(QRT_SCHED_P_CAP_IPC_LOCK) || host->memlock_limit == UINT64_MAX)
		host->flags |= QRT_SCHED_HOST_CAP_LOCK;
	host->rtprio_limit = 99;
	if (qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE)) {
		host->flags |= QRT_SCHED_HOST_CAP_NICE;
		return;
	}
	limit = 0;
	qrt_sched_p_sys->get_limit(RLIMIT_RTPRIO, &limit);
	host->rtprio_limit = limit > 99 ? 99 : (int32_t)limit;
}

static void read_throttling(struct qrt_sched_host *host)
{
	if (qrt_sched_p_read_number("/proc/sys/kernel/sched_rt_runtime_us", &host->rt_runtime_us) < 0)
		host->rt_runtime_us = -1;
	if (qrt_sched_p_read_number("/proc/sys/kernel/sched_rt_period_us", &host->rt_period_us) < 0)
		host->rt_period_us = 1000000;
}

/* Huge pages of a size that nobody has. */
static uint64_t read_free_pages(const char *folder)
{
	char path[256];
	int64_t unused = 0, reserved = 0;

	snprintf(path, sizeof(path), "%s/free_hugepages", folder);
	if (qrt_sched_p_read_number(path, &unused) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/resv_hugepages", folder);
	/* Promised to somebody who has not touched them yet. */
	if (qrt_sched_p_read_number(path, &reserved) < 0 || reserved > unused)
		reserved = 0;
	return (uint64_t)(unused - reserved);
}

#define MEMORY "/sys/kernel/mm/"

static void read_memory(struct qrt_sched_host *host)
{
	char thp[128];

	/* A kernel without NUMA has all its memory in one place. */
	if (qrt_sched_p_read_cpus("/sys/devices/system/node/has_memory", &host->nodes) < 0)
		host->nodes.bits[0] = 1;
	host->free_2m = read_free_pages(MEMORY "hugepages/hugepages-2048kB");
	host->free_1g = read_free_pages(MEMORY "hugepages/hugepages-1048576kB");
	host->flags |= QRT_SCHED_HOST_MEMORY;
	if (qrt_sched_p_read(MEMORY "transparent_hugepage/enabled", thp, sizeof(thp)) >= 0 &&
	    !strstr(thp, "[never]"))
		host->flags |= QRT_SCHED_HOST_THP;
}

/* "6.12.3-rt1" */
static int is_since_6_12(void)
{
	char release[128], *rest;
	unsigned long major, minor;

	if (qrt_sched_p_read("/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return 0;
	major = strtoul(release, &rest, 10);
	minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 12);
}

static int read_fair_number(int cpu, const char *name, int64_t *ret_us)
{
	char path[96];
	int64_t ns;
	int rc;

	snprintf(path, sizeof(path), FAIR_FOLDER "cpu%d/%s", cpu, name);
	rc = qrt_sched_p_read_number(path, &ns);
	if (rc >= 0)
		*ret_us = ns / 1000;
	return rc;
}

/* debugfs may be absent, or root's alone: then the kernel's version says whether there is a server, and it
 * has what it begins with. */
static void read_fair_server(struct qrt_sched_host *host)
{
	int cpu, is_there = is_since_6_12();

	for (cpu = qrt_sched_cpus_next(&host->online, -1); cpu >= 0;
	     cpu = qrt_sched_cpus_next(&host->online, cpu)) {
		int64_t runtime = FAIR_RUNTIME_US, period = FAIR_PERIOD_US;

		if (read_fair_number(cpu, "runtime", &runtime) >= 0 &&
		    read_fair_number(cpu, "period", &period) >= 0)
			is_there = 1;
		if (!is_there || !runtime)
			continue;
		if (!qrt_sched_cpus_count(&host->fair_server)) {
			host->fair_runtime_us = runtime;
			host->fair_period_us = period;
		}
		qrt_sched_cpus_add(&host->fair_server, cpu);
	}
	if (is_there)
		host->flags |= QRT_SCHED_HOST_FAIR_SERVER;
}

/* The root group's file is there where the kernel has them and they are not switched off. Version 2 of
 * control groups has none. */
static void read_groups(struct qrt_sched_host *host)
{
	int64_t runtime;

	if (qrt_sched_p_read_number("/sys/fs/cgroup/cpu/cpu.rt_runtime_us", &runtime) >= 0 ||
	    qrt_sched_p_read_number("/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us", &runtime) >= 0)
		host->flags |= QRT_SCHED_HOST_RT_GROUPS;
}

/* The names under which kernels run timers and the softirqs that deliver them, as threads. */
static int is_timer_thread(const char *stat)
{
	static const char *const names[] = {"(ktimers/", "(ktimersd/", "(ksoftirqd/", "(hrtimer"};
	const char *name = strchr(stat, '(');
	size_t i;

	for (i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return 1;
	}
	return 0;
}

/* The real-time priority of a stat line, its field 40. */
static int32_t priority_of(const char *stat)
{
	const char *at = strrchr(stat, ')');
	int field;

	for (field = 2; at && field < 40; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? (int32_t)strtol(at, NULL, 10) : 0;
}

static int32_t read_timer_priority(void)
{
	char path[300], stat[1024];
	const struct dirent *entry;
	int32_t highest = -1;
	DIR *proc;

	snprintf(path, sizeof(path), "%s/proc", qrt_sched_p_sys->root);
	proc = opendir(path);
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (qrt_sched_p_read(path, stat, sizeof(stat)) >= 0 && is_timer_thread(stat) &&
		    priority_of(stat) > highest)
			highest = priority_of(stat);
	}
	if (proc)
		closedir(proc);
	return highest;
}

int qrt_sched_p_is_preempt_rt(void)
{
	char version[512];
	int64_t realtime = 0;

	if (qrt_sched_p_read_number("/sys/kernel/realtime", &realtime) >= 0)
		return realtime == 1;
	return qrt_sched_p_read("/proc/version", version, sizeof(version)) >= 0 &&
	       strstr(version, " PREEMPT_RT ");
}

int qrt_sched_host_read(struct qrt_sched_host *ret_host, struct qrt_sched_error *reterr)
{
	struct qrt_sched_host host = {.size = sizeof(host)};
	int rc = read_cpu_sets(&host, reterr);

	if (rc < 0)
		return rc;
	read_rights(&host);
	read_throttling(&host);
	read_memory(&host);
	if (qrt_sched_p_kernel_slice())
		host.flags |= QRT_SCHED_HOST_SLICES;
	read_fair_server(&host);
	read_groups(&host);
	if (qrt_sched_p_is_preempt_rt()) {
		host.flags |= QRT_SCHED_HOST_PREEMPT_RT;
		host.timer_priority = read_timer_priority();
	}
	rc = qrt_p_struct_give(ret_host, &host, sizeof(host));
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "the host has no size: set it to its sizeof");
	return 0;
}
