/* SPDX-License-Identifier: MIT */
#include "sys_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The kernel's CPU mask is an array of long; ours of 64-bit words: the same bytes in these cases. */
_Static_assert(sizeof(long) == 8 || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "CPU masks differ");

static int result(long rc)
{
	return rc < 0 ? -errno : 0;
}

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	return result(syscall(SYS_sched_getattr, tid, ret_attr, sizeof(*ret_attr), 0));
}

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	struct qrt_sched_p_attr copy = *attr;

	copy.size = QRT_SCHED_P_ATTR_SIZE_0;
	return result(syscall(SYS_sched_setattr, tid, &copy, 0));
}

/* The system call itself: it returns 20 - nice, so that -1 is not ambiguous. */
static int get_nice(pid_t tid, int *ret_nice)
{
	long value = syscall(SYS_getpriority, PRIO_PROCESS, tid);

	if (value < 0)
		return -errno;
	*ret_nice = (int)(20 - value);
	return 0;
}

static int set_nice(pid_t tid, int nice)
{
	return result(setpriority(PRIO_PROCESS, (id_t)tid, nice));
}

static int get_cpus(pid_t tid, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_cpus cpus = {0};

	/* Returns the bytes that it wrote, which may be fewer than there is room for. */
	if (syscall(SYS_sched_getaffinity, tid, sizeof(cpus), cpus.bits) < 0)
		return -errno;
	*ret_cpus = cpus;
	return 0;
}

static int set_cpus(pid_t tid, const struct qrt_sched_cpus *cpus)
{
	return result(syscall(SYS_sched_setaffinity, tid, sizeof(*cpus), cpus->bits));
}

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_SHIFT 13

/* Without a class some kernels report a level, which they do not take back. */
static int get_ioprio(pid_t tid, uint32_t *ret_ioprio)
{
	long value = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);

	if (value < 0 && errno != ENOSYS)
		return -errno;
	*ret_ioprio = value > 0 && value >> IOPRIO_CLASS_SHIFT ? (uint32_t)value : 0;
	return 0;
}

static int set_ioprio(pid_t tid, uint32_t ioprio)
{
	return result(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, ioprio));
}

static int get_limit(int resource, uint64_t *ret_limit)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	*ret_limit = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
	return 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

const struct qrt_sched_p_sys qrt_sched_p_kernel = {
	.root = "",
	.get_attr = get_attr,
	.set_attr = set_attr,
	.get_nice = get_nice,
	.set_nice = set_nice,
	.get_cpus = get_cpus,
	.set_cpus = set_cpus,
	.get_ioprio = get_ioprio,
	.set_ioprio = set_ioprio,
	.get_limit = get_limit,
	.now = now,
};

const struct qrt_sched_p_sys *qrt_sched_p_sys = &qrt_sched_p_kernel;

int qrt_sched_p_read_fd(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size) {
		got = read(fd, buf + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) {
			buf[len] = '\0';
			return (int)len;
		}
		len += (size_t)got;
	}
	return -EFBIG;
}

int qrt_sched_p_read(const char *path, char *buf, size_t size)
{
	char full[512];
	int fd, rc;

	if ((size_t)snprintf(full, sizeof(full), "%s%s", qrt_sched_p_sys->root, path) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = qrt_sched_p_read_fd(fd, buf, size);
	close(fd);
	return rc;
}

int qrt_sched_p_read_number(const char *path, int64_t *ret_number)
{
	char text[64], *end;
	int64_t number;
	int rc = qrt_sched_p_read(path, text, sizeof(text));

	if (rc < 0)
		return rc;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* Field 22 of a stat line. The name in field 2 may hold blanks and parentheses: count from its end. */
static int parse_start(const char *stat, uint64_t *ret_start)
{
	const char *at = strrchr(stat, ')');
	int field;

	if (!at || at[1] != ' ')
		return -EINVAL;
	at += 2;
	if (*at == 'Z' || *at == 'X' || *at == 'x')
		return -ESRCH;
	for (field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EINVAL;
		at++;
	}
	*ret_start = strtoull(at, NULL, 10);
	return 0;
}

int qrt_sched_p_read_start(pid_t tid, uint64_t *ret_start)
{
	char path[32], stat[1024];
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	rc = qrt_sched_p_read(path, stat, sizeof(stat));
	if (rc == -ENOENT)
		return -ESRCH;
	if (rc < 0)
		return rc;
	return parse_start(stat, ret_start);
}

int qrt_sched_p_read_cpus(const char *path, struct qrt_sched_cpus *ret_cpus)
{
	char text[4096];
	int rc = qrt_sched_p_read(path, text, sizeof(text));

	if (rc < 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (!text[0]) {
		*ret_cpus = (struct qrt_sched_cpus){0};
		return 0;
	}
	return qrt_sched_cpus_parse(text, ret_cpus);
}

const char *qrt_sched_p_field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, name, len) && text[len] == ':')
			return text + len + 1;
	}
	return NULL;
}

int qrt_sched_p_capable(int capability)
{
	char status[8192];
	const char *field;

	if (qrt_sched_p_read("/proc/thread-self/status", status, sizeof(status)) < 0)
		return 0;
	field = qrt_sched_p_field(status, "CapEff");
	return field && (strtoull(field, NULL, 16) >> capability & 1);
}
