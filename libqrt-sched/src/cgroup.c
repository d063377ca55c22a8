/* SPDX-License-Identifier: MIT */
#include "cgroup_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys_p.h"

/* The next field of a line of mountinfo, ended by NUL; octal numbers in it become the characters. */
static char *take_field(char **at)
{
	char *field = *at, *from, *to;

	if (!field)
		return NULL;
	*at = strchr(field, ' ');
	if (*at)
		*(*at)++ = '\0';
	for (from = to = field; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return field;
}

/* "ID PARENT DEVICE ROOT PLACE OPTIONS [TAGS...] - TYPE SOURCE SUPEROPTIONS" */
static int is_mount(char *line, const char *type, const char *option, char ret_path[QRT_SCHED_P_PATH])
{
	char *place = NULL, *field, *options;
	int i;

	for (i = 0; i < 5; i++)
		place = take_field(&line);
	do
		field = take_field(&line);
	while (field && strcmp(field, "-") != 0);
	field = take_field(&line);
	take_field(&line);
	options = take_field(&line);
	if (!place || !field || !options || strcmp(field, type) != 0)
		return 0;
	if (option && !qrt_sched_p_has_word(options, option))
		return 0;
	/* Room for what is below it. */
	return snprintf(ret_path, QRT_SCHED_P_PATH, "%s", place) < QRT_SCHED_P_PATH - 64;
}

int qrt_sched_p_mount_find(const char *type, const char *option, char ret_path[QRT_SCHED_P_PATH])
{
	char path[QRT_SCHED_P_PATH], *text, *line, *rest;
	int found = 0, rc = qrt_sched_p_read_long("/proc/self/mountinfo", &text);

	if (rc < 0)
		return rc;
	rest = text;
	while (!found && (line = strsep(&rest, "\n")))
		found = is_mount(line, type, option, path);
	free(text);
	if (!found)
		return -ENOENT;
	strcpy(ret_path, path);
	return 0;
}

static int has_controller(const char *top)
{
	char path[QRT_SCHED_P_PATH], text[512];

	return qrt_sched_p_join(path, top, "cgroup.controllers") >= 0 &&
	       qrt_sched_p_read(path, text, sizeof(text)) >= 0 && qrt_sched_p_has_word(text, "cpuset");
}

void qrt_sched_p_cgroup_find(struct qrt_sched_p_cgroup *ret_cgroup)
{
	struct qrt_sched_p_cgroup cgroup = {.version = QRT_SCHED_CGROUP_NONE};

	if (qrt_sched_p_mount_find("cgroup", "cpuset", cgroup.top) >= 0)
		cgroup.version = QRT_SCHED_CGROUP_V1;
	else if (qrt_sched_p_mount_find("cgroup2", NULL, cgroup.top) >= 0 && has_controller(cgroup.top))
		cgroup.version = QRT_SCHED_CGROUP_V2;
	else
		cgroup.top[0] = '\0';
	*ret_cgroup = cgroup;
}

struct walk {
	int (*found)(const char *folder, void *data);
	void *data;
	char path[QRT_SCHED_P_PATH];
	int depth, count;
};

/* Folders alone have this file. */
static int is_cgroup(const char *folder)
{
	char path[QRT_SCHED_P_PATH];

	return qrt_sched_p_join(path, folder, "cgroup.procs") >= 0 && qrt_sched_p_exists(path);
}

static int visit(const char *name, void *data) // NOLINT(misc-no-recursion): to a bounded depth
{
	struct walk *walk = data;
	size_t len = strlen(walk->path);
	int rc = 0;

	if (walk->depth == QRT_SCHED_P_CGROUP_DEPTH || len + strlen(name) + 2 > sizeof(walk->path) - 64)
		return 0;
	snprintf(walk->path + len, sizeof(walk->path) - len, "/%s", name);
	if (is_cgroup(walk->path)) {
		walk->depth++;
		rc = ++walk->count > QRT_SCHED_P_CGROUPS_MAX ? -E2BIG
							     : qrt_sched_p_list(walk->path, visit, walk);
		walk->depth--;
		/* Removed while we looked. */
		if (rc == -ENOENT)
			rc = 0;
		if (rc == 0)
			rc = walk->found(walk->path, walk->data);
	}
	walk->path[len] = '\0';
	return rc;
}

int qrt_sched_p_cgroup_each(const char *top, int (*found)(const char *folder, void *data), void *data)
{
	struct walk walk = {.found = found, .data = data};

	snprintf(walk.path, sizeof(walk.path), "%s", top);
	return qrt_sched_p_list(top, visit, &walk);
}

int qrt_sched_p_cgroup_cpus(const char *folder, struct qrt_sched_cpus *ret_cpus)
{
	char path[QRT_SCHED_P_PATH];
	int rc = qrt_sched_p_join(path, folder, "cpuset.cpus");

	return rc < 0 ? rc : qrt_sched_p_read_cpus(path, ret_cpus);
}

static int read_list(const char *folder, const char *file, char **ret_text)
{
	char path[QRT_SCHED_P_PATH];
	int rc = qrt_sched_p_join(path, folder, file);

	return rc < 0 ? rc : qrt_sched_p_read_long(path, ret_text);
}

const char *qrt_sched_p_cgroup_list_file(const char *folder)
{
	char path[QRT_SCHED_P_PATH], type[64];

	if (qrt_sched_p_join(path, folder, "tasks") >= 0 && qrt_sched_p_exists(path))
		return "tasks";
	if (qrt_sched_p_join(path, folder, "cgroup.type") >= 0 &&
	    qrt_sched_p_read_trimmed(path, type, sizeof(type)) >= 0 && strcmp(type, "threaded") == 0)
		return "cgroup.threads";
	return "cgroup.procs";
}

int qrt_sched_p_cgroup_is_populated(const char *folder)
{
	char *text;
	int rc = read_list(folder, qrt_sched_p_cgroup_list_file(folder), &text);

	if (rc < 0)
		return 0;
	free(text);
	return rc > 0;
}

/* "3:cpuset:/path" of version 1, "0::/path" of version 2. */
static char *find_line(char *text, enum qrt_sched_cgroup version)
{
	char *line, *controllers;

	while ((line = strsep(&text, "\n"))) {
		strsep(&line, ":");
		controllers = line ? strsep(&line, ":") : NULL;
		if (!line)
			continue;
		if (version == QRT_SCHED_CGROUP_V1 ? qrt_sched_p_has_word(controllers, "cpuset")
						   : controllers[0] == '\0')
			return line;
	}
	return NULL;
}

int qrt_sched_p_cgroup_of(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			  char ret_folder[QRT_SCHED_P_PATH])
{
	char path[32], text[8192], *line;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)tid);
	rc = qrt_sched_p_read(path, text, sizeof(text));
	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	line = find_line(text, cgroup->version);
	if (!line || line[0] != '/')
		return -ENOENT;
	if (strcmp(line, "/") == 0)
		line++;
	/* From another view of the hierarchy: "/../x". */
	if (strncmp(line, "/..", 3) == 0)
		return -ENOENT;
	rc = snprintf(ret_folder, QRT_SCHED_P_PATH, "%s%s", cgroup->top, line);
	return rc < 0 || rc >= QRT_SCHED_P_PATH - 64 ? -ENAMETOOLONG : 0;
}

/* A cgroup whose parent hands no cpusets on has that one's. */
static int read_cpus_around(const struct qrt_sched_p_cgroup *cgroup, char *folder,
			    struct qrt_sched_cpus *ret_cpus)
{
	const char *file = cgroup->version == QRT_SCHED_CGROUP_V1 ? "cpuset.cpus" : "cpuset.cpus.effective";
	char path[QRT_SCHED_P_PATH];

	while (qrt_sched_p_join(path, folder, file) < 0 || qrt_sched_p_read_cpus(path, ret_cpus) < 0 ||
	       !qrt_sched_cpus_count(ret_cpus)) {
		if (strlen(folder) <= strlen(cgroup->top))
			return -ENOENT;
		*strrchr(folder, '/') = '\0';
	}
	return 0;
}

int qrt_sched_p_cgroup_cpus_of(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			       struct qrt_sched_cpus *ret_cpus)
{
	char folder[QRT_SCHED_P_PATH];

	if (cgroup->version != QRT_SCHED_CGROUP_NONE && qrt_sched_p_cgroup_of(cgroup, tid, folder) >= 0 &&
	    read_cpus_around(cgroup, folder, ret_cpus) >= 0)
		return 0;
	return qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", ret_cpus);
}

int qrt_sched_p_cgroup_lists(const char *folder, const char *file, pid_t number)
{
	char *text, word[16];
	int rc = read_list(folder, file, &text);

	if (rc < 0)
		return 0;
	snprintf(word, sizeof(word), "%d", (int)number);
	rc = qrt_sched_p_has_word(text, word);
	free(text);
	return rc;
}

int qrt_sched_p_cgroup_put(const char *folder, const char *file, pid_t number)
{
	char path[QRT_SCHED_P_PATH], text[16];
	int rc = qrt_sched_p_join(path, folder, file);

	snprintf(text, sizeof(text), "%d\n", (int)number);
	return rc < 0 ? rc : qrt_sched_p_hostfs->write(path, text);
}

/* Returns how many are left, or the first error but for those that ended. */
static int drain_once(const char *from, const char *to, const char *file)
{
	char *text, *line, *rest;
	int left = 0, first = 0, rc = read_list(from, file, &text);

	if (rc < 0)
		return rc;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		pid_t number = (pid_t)strtol(line, NULL, 10);

		if (number <= 0)
			continue;
		left++;
		rc = qrt_sched_p_cgroup_put(to, file, number);
		if (rc < 0 && rc != -ESRCH && !first)
			first = rc;
	}
	free(text);
	return first < 0 ? first : left;
}

int qrt_sched_p_cgroup_drain(const char *from, const char *to)
{
	const char *file = qrt_sched_p_cgroup_list_file(from);
	int round, left = 1;

	for (round = 0; left > 0 && round < 64; round++) {
		/* What ends just now is listed for a moment more. */
		if (round > 4)
			usleep(1000);
		left = drain_once(from, to, file);
	}
	return left > 0 ? -EBUSY : left;
}
