/* SPDX-License-Identifier: MIT */
#include "role_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[QRT_SCHED_ROLES] = {
	[QRT_SCHED_ROLE_VCPU] = "vcpu", [QRT_SCHED_ROLE_MAIN] = "main", [QRT_SCHED_ROLE_PAIO] = "paio",
	[QRT_SCHED_ROLE_VNCM] = "vncm", [QRT_SCHED_ROLE_VNCS] = "vncs", [QRT_SCHED_ROLE_IOTH] = "ioth",
	[QRT_SCHED_ROLE_KIO] = "kio",   [QRT_SCHED_ROLE_OTHR] = "othr",
};

const char *qrt_sched_role_name(enum qrt_sched_role role)
{
	return (unsigned)role < QRT_SCHED_ROLES ? names[role] : NULL;
}

int qrt_sched_role_parse(const char *name)
{
	int i;

	for (i = 0; name && i < QRT_SCHED_ROLES; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -ENOENT;
}

int qrt_sched_p_name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++retry;
		} else {
			return 0;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* More threads than any VM has: a larger number in a name is not a thread's. */
#define INDEX_MAX 65535

/* The number that `text` starts with, *ret_end behind it. -1: no digits, or too large a number. */
static int32_t read_number(const char *text, const char **ret_end)
{
	int32_t number = 0;

	*ret_end = text;
	for (; **ret_end >= '0' && **ret_end <= '9'; (*ret_end)++) {
		if (number <= INDEX_MAX)
			number = number * 10 + (**ret_end - '0');
	}
	return *ret_end == text || number > INDEX_MAX ? -1 : number;
}

int32_t qrt_sched_p_number_at_end(const char *name)
{
	const char *end = name + strlen(name), *start = end, *behind;

	while (start > name && start[-1] >= '0' && start[-1] <= '9')
		start--;
	return read_number(start, &behind);
}

static int has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* "CPU 3/KVM" */
static int is_vcpu(const char *name, int32_t *ret_index)
{
	const char *end;
	int32_t index;

	if (!has_prefix(name, "CPU "))
		return 0;
	index = read_number(name + 4, &end);
	if (index < 0 || *end != '/')
		return 0;
	*ret_index = index;
	return 1;
}

/* A process or thread, all of `text`; 0 where it is none. */
static pid_t read_pid(const char *text)
{
	int64_t number = 0;

	for (; *text >= '0' && *text <= '9' && number <= INT32_MAX; text++)
		number = number * 10 + (*text - '0');
	return *text || number > INT32_MAX ? 0 : (pid_t)number;
}

int qrt_sched_role_get_served(const char *thread_name, pid_t *ret_pid)
{
	static const char *const prefixes[] = {"vhost-", "kvm-pit/", "kvm-nx-lpage-recovery-", "iou-wrk-",
					       "iou-sqp-"};
	const char *name = thread_name ? thread_name : "";
	size_t i;

	/* A name of 15 letters, as kernels before 5.17 have it, and as every thread of a process. */
	if (!strcmp(name, "kvm-nx-lpage-re") || !strcmp(name, "kvm-nx-lpage-recovery")) {
		*ret_pid = 0;
		return 0;
	}
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		pid_t pid = has_prefix(name, prefixes[i]) ? read_pid(name + strlen(prefixes[i])) : 0;

		if (pid) {
			*ret_pid = pid;
			return 0;
		}
	}
	return -ENOENT;
}

static int is_iothread(const char *name)
{
	return has_prefix(name, "IO ") && name[3];
}

enum qrt_sched_role qrt_sched_p_role_of_name(const char *name, int32_t *ret_index)
{
	pid_t served;

	*ret_index = -1;
	if (is_vcpu(name, ret_index))
		return QRT_SCHED_ROLE_VCPU;
	if (!strcmp(name, "ALL CPUs/TCG")) { /* one thread that runs all of them in turn */
		*ret_index = 0;
		return QRT_SCHED_ROLE_VCPU;
	}
	/* It has the form of a disk's, but reads for the main loop what monitors say, and answers for it. */
	if (!strcmp(name, "IO mon_iothread")) {
		*ret_index = 1;
		return QRT_SCHED_ROLE_MAIN;
	}
	if (is_iothread(name))
		return QRT_SCHED_ROLE_IOTH;
	if (!strcmp(name, "worker"))
		return QRT_SCHED_ROLE_PAIO;
	if (!strcmp(name, "vnc_worker"))
		return QRT_SCHED_ROLE_VNCS;
	return qrt_sched_role_get_served(name, &served) == 0 ? QRT_SCHED_ROLE_KIO : QRT_SCHED_ROLE_OTHR;
}
