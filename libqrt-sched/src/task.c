/* SPDX-License-Identifier: MIT */
#include "task_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostfs_p.h"
#include "sys_p.h"

/* The fields behind the name, which may hold blanks and parentheses itself: field 3 first. */
static int parse_stat(char *stat, struct qrt_sched_p_task *task)
{
	char *name = strchr(stat, '('), *end = strrchr(stat, ')'), *at;
	int field = 3;

	if (!name || !end || end < name || end[1] != ' ')
		return -EINVAL;
	*end = '\0';
	snprintf(task->name, sizeof(task->name), "%s", name + 1);
	at = end + 2;
	if (*at == 'Z' || *at == 'X' || *at == 'x')
		return -ESRCH;
	for (; at && field < 22; field++) {
		if (field == 9)
			task->flags = (uint32_t)strtoul(at, NULL, 10);
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return -EINVAL;
	task->start = strtoull(at, NULL, 10);
	return 0;
}

int qrt_sched_p_task_read(pid_t tid, struct qrt_sched_p_task *ret_task)
{
	struct qrt_sched_p_task task = {.tid = tid};
	char path[32], stat[1024];
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	rc = qrt_sched_p_read(path, stat, sizeof(stat));
	if (rc == -ENOENT)
		return -ESRCH;
	if (rc >= 0)
		rc = parse_stat(stat, &task);
	if (rc >= 0)
		*ret_task = task;
	return rc < 0 ? rc : 0;
}

struct visit {
	int (*found)(const struct qrt_sched_p_task *task, void *data);
	void *data;
	pid_t pid;
};

static pid_t number_of(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	return name[0] >= '1' && name[0] <= '9' && !*end && number <= INT32_MAX ? (pid_t)number : 0;
}

static int visit_thread(const char *name, void *data)
{
	const struct visit *visit = data;
	struct qrt_sched_p_task task;
	pid_t tid = number_of(name);

	if (!tid || qrt_sched_p_task_read(tid, &task) < 0)
		return 0;
	task.pid = visit->pid;
	return visit->found(&task, visit->data);
}

int qrt_sched_p_task_each_of(pid_t pid, int (*found)(const struct qrt_sched_p_task *task, void *data),
			     void *data)
{
	struct visit visit = {found, data, pid};
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	rc = qrt_sched_p_list(path, visit_thread, &visit);
	return rc == -ENOENT ? -ESRCH : rc;
}

static int visit_process(const char *name, void *data)
{
	const struct visit *visit = data;
	pid_t pid = number_of(name);
	int rc = pid ? qrt_sched_p_task_each_of(pid, visit->found, visit->data) : 0;

	return rc == -ESRCH ? 0 : rc;
}

int qrt_sched_p_task_each(int (*found)(const struct qrt_sched_p_task *task, void *data), void *data)
{
	struct visit visit = {found, data, 0};

	return qrt_sched_p_list("/proc", visit_process, &visit);
}
