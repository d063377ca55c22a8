/* SPDX-License-Identifier: MIT */
/* Probes of what this process may do: capabilities, limits, and trying it. */
#include "check_item.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPABILITY_IPC_LOCK     14
#define CAPABILITY_SYS_NICE     23
#define CAPABILITY_SYS_RESOURCE 24

static int read_capabilities(const struct check_host *host, uint64_t *ret_mask)
{
	static const char key[] = "\nCapEff:";
	char text[4096], *line;

	if (check_read(host, "proc/self/status", text, sizeof(text)) < 0)
		return -ENOENT;
	line = strstr(text, key);
	if (!line)
		return -ENODATA;
	*ret_mask = strtoull(line + sizeof(key) - 1, NULL, 16);
	return 0;
}

static int has_capability(const struct check_host *host, int number)
{
	uint64_t mask;
	int r = read_capabilities(host, &mask);

	return r < 0 ? r : (int)(mask >> number & 1);
}

/* A soft limit by its name in /proc/self/limits; "unlimited" is INT64_MAX. */
static int read_limit(const struct check_host *host, const char *name, int64_t *ret_limit)
{
	char text[4096], *line, *end;

	if (check_read(host, "proc/self/limits", text, sizeof(text)) < 0)
		return -ENOENT;
	line = strstr(text, name);
	if (!line)
		return -ENODATA;
	line += strlen(name);
	line += strspn(line, " ");
	if (strncmp(line, "unlimited", 9) == 0) {
		*ret_limit = INT64_MAX;
		return 0;
	}
	*ret_limit = strtoll(line, &end, 10);
	return end == line ? -EINVAL : 0;
}

void check_privileges(const struct check_host *host, struct check_item *item)
{
	int nice = has_capability(host, CAPABILITY_SYS_NICE),
	    lock = has_capability(host, CAPABILITY_IPC_LOCK),
	    lift = has_capability(host, CAPABILITY_SYS_RESOURCE);
	int64_t priority = 0;

	if (nice < 0) {
		check_found(item, CHECK_UNKNOWN, "the capabilities of this process are not readable");
		return;
	}
	if (nice && lock) {
		check_found(item, CHECK_OK, "CAP_SYS_NICE, CAP_IPC_LOCK");
		return;
	}
	if (nice && lift) {
		check_found(item, CHECK_OK, "CAP_SYS_NICE, CAP_SYS_RESOURCE to lift QEMU's limits");
		return;
	}
	check_remedy(
		item,
		"run as root, or give the launcher capabilities: setcap cap_sys_nice,cap_sys_resource+ep "
		"qrt-launcher; or limits, see the item 'limits'");
	if (nice) {
		check_found(item, host->wants_lock ? CHECK_WARNING : CHECK_OK,
			    "CAP_SYS_NICE, no CAP_IPC_LOCK");
		return;
	}
	read_limit(host, "Max realtime priority", &priority);
	check_found(item, host->wants_rt && priority < 1 ? CHECK_FAULT : CHECK_WARNING, "no CAP_SYS_NICE%s",
		    lock ? "" : ", no CAP_IPC_LOCK");
}

static void describe_limit(int64_t limit, char *buf, size_t size)
{
	if (limit == INT64_MAX)
		snprintf(buf, size, "unlimited");
	else
		snprintf(buf, size, "%lld", (long long)limit);
}

void check_limits(const struct check_host *host, struct check_item *item)
{
	int64_t priority, memlock, nice;
	char priority_text[32], memlock_text[32];
	bool enough;

	if (read_limit(host, "Max realtime priority", &priority) < 0 ||
	    read_limit(host, "Max locked memory", &memlock) < 0 ||
	    read_limit(host, "Max nice priority", &nice) < 0) {
		check_found(item, CHECK_UNKNOWN, "the limits of this process are not readable");
		return;
	}
	describe_limit(priority, priority_text, sizeof(priority_text));
	describe_limit(memlock, memlock_text, sizeof(memlock_text));
	enough = (!host->wants_rt || has_capability(host, CAPABILITY_SYS_NICE) == 1 ||
		  priority >= host->priority) &&
		 (!host->wants_lock || has_capability(host, CAPABILITY_IPC_LOCK) == 1 ||
		  has_capability(host, CAPABILITY_SYS_RESOURCE) == 1 || memlock == INT64_MAX);
	check_found(item, enough ? CHECK_OK : CHECK_WARNING, "RTPRIO %s, MEMLOCK %s, NICE %lld%s",
		    priority_text, memlock_text, (long long)nice,
		    enough ? "" : ", and no capability that makes up for it");
	if (!enough)
		check_remedy(item,
			     "in /etc/security/limits.conf: rtprio %d and memlock unlimited for this user",
			     host->priority > 0 ? host->priority : 1);
}

/* Returns 0, or the errno of the attempt, which a child makes on itself. */
static int try_policy(int priority)
{
	struct sched_param param = {.sched_priority = priority};
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(sched_setscheduler(0, SCHED_FIFO, &param) < 0 ? errno : 0);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

/* Capabilities and limits are not all: seccomp and groups without a real-time budget refuse as well. */
void check_rt_policy(const struct check_host *host, struct check_item *item)
{
	int priority = host->priority > 0 ? host->priority : 1, error;

	if (!host->live) {
		check_found(item, CHECK_UNKNOWN, "not tried: this is a copied tree");
		return;
	}
	error = try_policy(priority);
	if (error == 0) {
		check_found(item, CHECK_OK, "SCHED_FIFO %d can be set", priority);
		return;
	}
	check_found(item, host->wants_rt ? CHECK_FAULT : CHECK_WARNING, "SCHED_FIFO %d: %s", priority,
		    strerror(error));
	if (has_capability(host, CAPABILITY_SYS_NICE) == 1)
		check_remedy(
			item,
			"the right is there, so a cgroup without a real-time budget (item 'rt-group') or "
			"a seccomp filter of the container refuses it");
	else
		check_remedy(item, "give CAP_SYS_NICE, or RLIMIT_RTPRIO of at least %d", priority);
}

/* 1 when "cpu" is among controllers like "cpu,cpuacct". */
static bool names_cpu(const char *controllers)
{
	size_t span;

	for (; *controllers; controllers += span + (controllers[span] == ',')) {
		span = strcspn(controllers, ",");
		if (span == 3 && strncmp(controllers, "cpu", 3) == 0)
			return true;
	}
	return false;
}

/* "4:cpu,cpuacct:/group": the line of the version 1 cpu controller. */
static int find_cpu_group(char *text, char *ret_name, char *ret_path, size_t size)
{
	char *line, *name;

	while ((line = strsep(&text, "\n"))) {
		strsep(&line, ":");
		name = strsep(&line, ":");
		if (!name || !line || !names_cpu(name))
			continue;
		snprintf(ret_name, size, "%s", name);
		snprintf(ret_path, size, "%s", line);
		return 0;
	}
	return -ENOENT;
}

void check_rt_group(const struct check_host *host, struct check_item *item)
{
	char text[4096], name[256], group[256], path[640];
	int64_t runtime;

	if (check_read(host, "proc/self/cgroup", text, sizeof(text)) < 0) {
		check_found(item, CHECK_UNKNOWN, "the control groups of this process are not readable");
		return;
	}
	if (find_cpu_group(text, name, group, sizeof(name)) < 0) {
		check_found(item, CHECK_OK, "no version 1 cpu controller");
		return;
	}
	snprintf(path, sizeof(path), "sys/fs/cgroup/%s%s/cpu.rt_runtime_us", name, group);
	if (check_read_number(host, path, &runtime) < 0) {
		check_found(item, CHECK_OK, "group %s has no real-time budget of its own", group);
		return;
	}
	if (runtime != 0) {
		check_found(item, CHECK_OK, "group %s: %lld us", group, (long long)runtime);
		return;
	}
	check_found(item, host->wants_rt ? CHECK_FAULT : CHECK_WARNING, "group %s: 0 us", group);
	check_remedy(
		item,
		"write 950000 to /%s, or start from the root group: echo $$ > /sys/fs/cgroup/%s/cgroup.procs",
		path, name);
}
