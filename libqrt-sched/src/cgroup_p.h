/* SPDX-License-Identifier: MIT */
/* Where this host's cpusets are, and what is in them. */
#ifndef QRT_SCHED_CGROUP_P_H
#define QRT_SCHED_CGROUP_P_H

#include <qrt/shield.h>

#include "hostfs_p.h"

#define QRT_SCHED_P_CGROUP_DEPTH 16   /* a cpuset below that is not looked at */
#define QRT_SCHED_P_CGROUPS_MAX  4096 /* nor more of them */

struct qrt_sched_p_cgroup {
	enum qrt_sched_cgroup version;
	char top[QRT_SCHED_P_PATH]; /* the folder of the highest cpuset that this process sees, "": none */
};

/* The hierarchy with cpusets, NONE where there is none. Mounts nothing. */
void qrt_sched_p_cgroup_find(struct qrt_sched_p_cgroup *ret_cgroup);
/* The folder where a file system of this type is mounted, with this option unless NULL. -ENOENT. */
int qrt_sched_p_mount_find(const char *type, const char *option, char ret_path[QRT_SCHED_P_PATH]);

/* Calls found() with the folder of every cpuset below `top`, inner ones before the outer one, until it
 * returns other than 0, which is returned. -E2BIG: more than QRT_SCHED_P_CGROUPS_MAX. */
int qrt_sched_p_cgroup_each(const char *top, int (*found)(const char *folder, void *data), void *data);

/* cpuset.cpus of a folder; empty where it says nothing. */
int qrt_sched_p_cgroup_cpus(const char *folder, struct qrt_sched_cpus *ret_cpus);
/* 1 when anything runs in it, itself, not below. */
int qrt_sched_p_cgroup_is_populated(const char *folder);
/* The cpuset of a thread as a folder under cgroup->top. */
int qrt_sched_p_cgroup_of(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			  char ret_folder[QRT_SCHED_P_PATH]);

/* The CPUs that its cpuset lets a thread have: all that are online where it is in none. */
int qrt_sched_p_cgroup_cpus_of(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			       struct qrt_sched_cpus *ret_cpus);

/* The file that lists the threads of a folder and takes new ones: "tasks", "cgroup.threads", or
 * "cgroup.procs" where only processes are listed. */
const char *qrt_sched_p_cgroup_list_file(const char *folder);
/* 1 when the folder's file of that name lists the number. */
int qrt_sched_p_cgroup_lists(const char *folder, const char *file, pid_t number);
/* Writes a number to the folder's file of that name. */
int qrt_sched_p_cgroup_put(const char *folder, const char *file, pid_t number);
/* Moves all that is in `from` to `to`, until nothing is left, for a bounded number of rounds. -EBUSY:
 * there was always something new. */
int qrt_sched_p_cgroup_drain(const char *from, const char *to);

#endif
