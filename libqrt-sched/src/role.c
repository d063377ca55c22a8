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

/* Threads that the kernel makes for a VM carry a process id behind one of these. */
static int is_kernel_made(const char *name)
{
	static const char *const prefixes[] = {"vhost-", "iou-wrk-", "iou-sqp-", "kvm-pit/"};
	size_t i;

	if (has_prefix(name, "kvm-nx-lpage-re"))
		return 1;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const char *digits = name + strlen(prefixes[i]);

		if (has_prefix(name, prefixes[i]) && *digits && digits[strspn(digits, "0123456789")] == 0)
			return 1;
	}
	return 0;
}

static int is_iothread(const char *name)
{
	/* The monitor's own thread has the form of a disk's, but does no disk I/O. */
	return has_prefix(name, "IO ") && name[3] && strcmp(name, "IO mon_iothread") != 0;
}

enum qrt_sched_role qrt_sched_p_role_of_name(const char *name, int32_t *ret_index)
{
	*ret_index = -1;
	if (is_vcpu(name, ret_index))
		return QRT_SCHED_ROLE_VCPU;
	if (!strcmp(name, "ALL CPUs/TCG")) { /* one thread that runs all of them in turn */
		*ret_index = 0;
		return QRT_SCHED_ROLE_VCPU;
	}
	if (is_iothread(name))
		return QRT_SCHED_ROLE_IOTH;
	if (!strcmp(name, "worker"))
		return QRT_SCHED_ROLE_PAIO;
	if (!strcmp(name, "vnc_worker"))
		return QRT_SCHED_ROLE_VNCS;
	return is_kernel_made(name) ? QRT_SCHED_ROLE_KIO : QRT_SCHED_ROLE_OTHR;
}
