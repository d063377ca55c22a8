/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int proc_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = -1;
	int saved;

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	saved = errno;
	close(fd);
	if (n < 0)
		return -saved;
	buf[len] = '\0';
	return (int)len;
}

/* The fields of stat behind the name, which may hold blanks and parentheses itself: field 3 first. */
static int read_stat(pid_t pid, char *buf, size_t size, char **ret_fields)
{
	char path[64], *end;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = proc_read(path, buf, size);
	if (r < 0)
		return r;
	end = strrchr(buf, ')');
	if (!end || end[1] != ' ')
		return -EIO;
	*ret_fields = end + 2;
	return 0;
}

static const char *find_field(const char *fields, int number)
{
	int i;

	for (i = 3; i < number && fields; i++) {
		fields = strchr(fields, ' ');
		if (fields)
			fields++;
	}
	return fields ? fields : "";
}

int proc_get_start(pid_t pid, uint64_t *ret_start)
{
	char buf[1024], *fields;
	int r = read_stat(pid, buf, sizeof(buf), &fields);

	if (r < 0)
		return r;
	*ret_start = strtoull(find_field(fields, 22), NULL, 10);
	return 0;
}

bool proc_is_alive(pid_t pid, uint64_t start)
{
	char buf[1024], *fields;

	return read_stat(pid, buf, sizeof(buf), &fields) == 0 && fields[0] != 'Z' && fields[0] != 'X' &&
	       strtoull(find_field(fields, 22), NULL, 10) == start;
}

bool proc_has_thread(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return access(path, F_OK) == 0;
}

static int read_line(const char *path, char *buf, size_t size)
{
	int r = proc_read(path, buf, size);

	if (r < 0)
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return r;
}

void proc_get_name(pid_t tid, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	read_line(path, buf, size);
}

bool proc_is_kernel_thread(pid_t pid)
{
	enum { FLAGS = 9, KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD */
	char buf[1024], *fields;

	return read_stat(pid, buf, sizeof(buf), &fields) == 0 &&
	       strtoul(find_field(fields, FLAGS), NULL, 10) & KERNEL_THREAD;
}

void proc_get_boot(char *buf, size_t size)
{
	read_line("/proc/sys/kernel/random/boot_id", buf, size);
}

static uint64_t read_status_line(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

void proc_get_usage(pid_t tid, struct proc_usage *ret_usage)
{
	char path[64], buf[4096], *fields;

	memset(ret_usage, 0, sizeof(*ret_usage));
	ret_usage->cpu = -1;
	if (read_stat(tid, buf, sizeof(buf), &fields) == 0)
		ret_usage->cpu = (int)strtol(find_field(fields, 39), NULL, 10);
	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	if (proc_read(path, buf, sizeof(buf)) > 0) {
		ret_usage->cpu_time_ns = strtoull(buf, &fields, 10);
		ret_usage->run_delay_ns = strtoull(fields, NULL, 10);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (proc_read(path, buf, sizeof(buf)) > 0) {
		ret_usage->voluntary = read_status_line(buf, "\nvoluntary_ctxt_switches:");
		ret_usage->involuntary = read_status_line(buf, "\nnonvoluntary_ctxt_switches:");
	}
}

int proc_for_each(const char *path, bool (*found)(pid_t pid, void *data), void *data)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool more = true;

	if (!dir)
		return -errno;
	while (more && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			more = found((pid_t)strtol(entry->d_name, NULL, 10), data);
	}
	closedir(dir);
	return 0;
}
