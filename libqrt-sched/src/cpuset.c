/* SPDX-License-Identifier: MIT */
/*
 * The CPUs that this process may ask for. The affinity is not that: under isolcpus= it leaves the
 * isolated CPUs out, though every thread may be put there. What the kernel checks is the cpuset.
 */
#include "cpuset_p.h"

#include "cpus_p.h"
#include "sys_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024

/* "N:cpuset:/path" of version 1, "0::/path" of version 2. */
static const char *path_behind(const char *text, const char *controllers, size_t *ret_len)
{
	const char *line = text, *colon;
	size_t len = strlen(controllers);

	while (line && *line) {
		colon = strchr(line, ':');
		if (colon && !strncmp(colon + 1, controllers, len) && colon[1 + len] == ':') {
			*ret_len = strcspn(colon + 2 + len, "\n");
			return colon + 2 + len;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

/* From the own group upwards: in a container the path may start above what is mounted. */
static int read_group(const char *mount, const char *path, size_t len, const char *file,
		      struct qrt_sched_cpus *ret_cpus)
{
	char name[PATH_SIZE];
	int rc;

	for (;;) {
		while (len && path[len - 1] == '/')
			len--;
		rc = snprintf(name, sizeof(name), "%s%.*s/%s", mount, (int)len, path, file);
		if (rc < 0 || (size_t)rc >= sizeof(name))
			return -ENAMETOOLONG;
		if (qrt_sched_p_read_cpus(name, ret_cpus) >= 0 && qrt_sched_cpus_count(ret_cpus))
			return 0;
		if (!len)
			return -ENOENT;
		while (len && path[len - 1] != '/')
			len--;
	}
}

int qrt_sched_p_cpuset_read(struct qrt_sched_cpus *ret_cpus)
{
	char text[8192];
	const char *path;
	size_t len;

	if (qrt_sched_p_read("/proc/self/cgroup", text, sizeof(text)) < 0)
		return -ENOENT;
	path = path_behind(text, "cpuset", &len);
	if (path)
		return read_group("/sys/fs/cgroup/cpuset", path, len, "cpuset.effective_cpus", ret_cpus);
	path = path_behind(text, "", &len);
	return path ? read_group("/sys/fs/cgroup", path, len, "cpuset.cpus.effective", ret_cpus) : -ENOENT;
}

void qrt_sched_p_cpuset_widen(struct qrt_sched_cpus *allowed, const struct qrt_sched_cpus *isolated)
{
	struct qrt_sched_cpus more = *isolated, cpuset;
	int cpu;

	if (qrt_sched_p_cpuset_read(&cpuset) >= 0)
		qrt_sched_p_cpus_and(&more, &cpuset);
	for (cpu = qrt_sched_cpus_next(&more, -1); cpu >= 0; cpu = qrt_sched_cpus_next(&more, cpu))
		qrt_sched_cpus_add(allowed, cpu);
}

struct qrt_sched_cpus qrt_sched_p_cpuset_domain(const struct qrt_sched_host *host)
{
	struct qrt_sched_cpus domain = host->allowed, balanced;

	qrt_sched_p_cpus_and(&domain, &host->online);
	balanced = domain;
	qrt_sched_p_cpus_minus(&balanced, &host->isolated);
	return qrt_sched_cpus_count(&balanced) ? balanced : domain;
}
