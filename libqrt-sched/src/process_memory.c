/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "process_p.h"
#include "sys_p.h"

#define STACK_ALL      (1u << 20) /* of threads that ask for none, where every page of it is populated */
#define STACK_PREFAULT (128u << 10)
#define GUEST_MIN      (16u << 20)
#define CHUNK          (4u << 20) /* the address space is locked for one of them at a time */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* With a limit, a later mapping of the program would fail as soon as it is reached: so it is all or
 * nothing. */
static int may_lock(void)
{
	struct rlimit limit;

	return qrt_sched_p_capable(QRT_SCHED_P_CAP_IPC_LOCK) ||
	       (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur == RLIM_INFINITY);
}

/* A program that gives up its rights after this (QEMU -runas) would fail at its next mapping. Where the limit
 * may not be lifted it stays. */
static void lift_limit(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static void use_small_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr))
		return;
	pthread_attr_setstacksize(&attr, STACK_ALL);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

void qrt_sched_p_process_lock_memory(struct qrt_sched_process *process)
{
	int flags = MCL_CURRENT | MCL_FUTURE;

	if (process->globals.mlock == QRT_SCHED_MLOCK_OFF)
		return;
	if (!may_lock()) {
		qrt_sched_p_process_say(
			process,
			"memory is not locked: needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK (ulimit -l "
			"unlimited)");
		return;
	}
	if (process->globals.mlock == QRT_SCHED_MLOCK_ALL)
		use_small_stacks();
	else
		flags |= MCL_ONFAULT;
	lift_limit();
	if (mlockall(flags) < 0)
		qrt_sched_p_process_say(process, "memory is not locked: %s", strerror(errno));
}

/* Populates, so that no fault is left to be taken. 0, or a negative errno where the kernel cannot. */
static int populate(uintptr_t from, uintptr_t to)
{
	uintptr_t at, len;

	for (at = from; at < to; at += len) {
		len = to - at < CHUNK ? to - at : CHUNK;
		if (madvise((void *)at, len, MADV_POPULATE_WRITE) < 0)
			return -errno;
	}
	return 0;
}

/* A kernel before 5.14 populates nothing on request. A page is written with what stands in it, in one
 * step, so that a thread that writes there at the same time loses nothing. */
static void touch(uintptr_t from, uintptr_t to, uintptr_t page)
{
	uintptr_t at;

	for (at = from; at < to; at += page)
		__atomic_fetch_or((unsigned char *)at, 0, __ATOMIC_RELAXED);
}

void qrt_sched_p_process_prefault_stack(const struct qrt_sched_process *process)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t top = (uintptr_t)__builtin_frame_address(0) & ~(page - 1), low;
	pthread_attr_t attr;
	size_t size;
	void *base;

	if (process->globals.mlock != QRT_SCHED_MLOCK_PREFAULT || pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &base, &size)) {
		low = (uintptr_t)base;
		if (top - low > STACK_PREFAULT)
			low = top - STACK_PREFAULT;
		if (populate(low, top) == -EINVAL)
			touch(low, top, page);
	}
	pthread_attr_destroy(&attr);
}

/* ---- guest memory ---- */

struct mapping {
	uintptr_t from, to;
	const char *perms; /* "rw-p" and what follows */
	const char *name;  /* "" where it has none */
};

/* "FROM-TO PERMS OFFSET DEVICE INODE   NAME" */
static int parse_mapping(const char *line, struct mapping *ret_mapping)
{
	char *at;
	int field;

	ret_mapping->from = (uintptr_t)strtoull(line, &at, 16);
	if (*at != '-')
		return 0;
	ret_mapping->to = (uintptr_t)strtoull(at + 1, &at, 16);
	if (*at != ' ')
		return 0;
	ret_mapping->perms = at + 1;
	for (field = 0; at && field < 4; field++)
		at = strchr(at + 1, ' ');
	ret_mapping->name = at ? at + strspn(at, " ") : "";
	return 1;
}

/* Big, writable, not for code (a translator's buffer is, under one name or permission or the other),
 * and of no file but memory's. */
static int is_guest_like(const struct mapping *m)
{
	const char *name = m->name;

	if (m->to - m->from < GUEST_MIN || strncmp(m->perms, "rw-", 3) || strstr(name, "jit"))
		return 0;
	return !*name || *name == '\n' || !strncmp(name, "/memfd:", 7) || !strncmp(name, "/dev/shm/", 9) ||
	       !strncmp(name, "/dev/zero", 9) || !strncmp(name, "[anon:", 6);
}

static uint64_t available_memory(void)
{
	char text[8192];
	const char *field;

	if (qrt_sched_p_read("/proc/meminfo", text, sizeof(text)) < 0)
		return 0;
	field = qrt_sched_p_field(text, "MemAvailable");
	return field ? strtoull(field, NULL, 10) * 1024 : 0;
}

static void prefault_mapping(struct qrt_sched_process *process, const struct mapping *m)
{
	if (m->to - m->from > available_memory()) {
		qrt_sched_p_process_say(process,
					"guest memory of %" PRIu64
					" MiB is not populated: more than is available; use "
					"mlock=onfault, or a smaller guest",
					(uint64_t)(m->to - m->from) >> 20);
		return;
	}
	if (populate(m->from, m->to) == -EINVAL)
		touch(m->from, m->to, (uintptr_t)sysconf(_SC_PAGESIZE));
}

void qrt_sched_p_process_prefault_guest(struct qrt_sched_process *process)
{
	struct mapping m;
	char *line = NULL;
	size_t room = 0;
	FILE *maps;

	if (process->globals.mlock != QRT_SCHED_MLOCK_PREFAULT || atomic_exchange(&process->is_prefaulted, 1))
		return;
	maps = fopen("/proc/self/maps", "re");
	while (maps && getline(&line, &room, maps) > 0) {
		if (parse_mapping(line, &m) && is_guest_like(&m))
			prefault_mapping(process, &m);
	}
	free(line);
	if (maps)
		fclose(maps);
}
