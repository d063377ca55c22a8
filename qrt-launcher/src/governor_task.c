/* SPDX-License-Identifier: MIT */
/*
 * Threads of a VM as the governor sees them. What its own thread calls neither allocates nor opens a file:
 * the locks of that are shared with who stands below the VM, and may be held by one that it keeps away.
 */
#include "governor_p.h"

#include "proc.h"
#include "slices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

/* ---- descriptors ---- */

static int open_file(const struct governor_party *party, pid_t tid, bool is_kernel, const char *name)
{
	char path[64];

	if (is_kernel) {
		snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	snprintf(path, sizeof(path), "%d/%s", tid, name);
	return openat(party->folder, path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_file(int fd, char *buf, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static int read_usage(const struct governor_task *task, struct governor_usage *ret_usage)
{
	char text[96];

	return read_file(task->schedstat, text, sizeof(text)) > 0 ? governor_usage_parse(text, ret_usage)
								  : -ESRCH;
}

/* True where it runs or wants to. */
static bool read_state(struct governor_task *task)
{
	bool is_ready = false;
	char text[512];

	if (read_file(task->stat, text, sizeof(text)) > 0)
		(void)governor_usage_parse_stat(text, &is_ready, &task->cpu);
	return is_ready;
}

/* ---- a thread ---- */

int governor_task_read(struct governor_task *task, bool wants_state, bool wants_cpu, uint64_t now_ns,
		       struct governor_usage *ret_used)
{
	bool is_ready = false, is_pinned = qrt_sched_cpus_count(&task->cpus) == 1;
	struct governor_usage said;

	if (read_usage(task, &said) < 0)
		return -ESRCH;
	task->is_running = said.run_ns != task->clock.last.run_ns;
	if (wants_state ? !task->is_running || !is_pinned : wants_cpu && task->is_running && !is_pinned)
		is_ready = read_state(task);
	if (is_pinned)
		task->cpu = qrt_sched_cpus_next(&task->cpus, -1);
	*ret_used = governor_usage_step(&task->clock, &said, is_ready, now_ns);
	return 0;
}

/* The same priority under the other policy, and back: the thread keeps its place, and the CPU. */
static void settle(pid_t tid)
{
	struct sched_param param;
	int had = sched_getscheduler(tid), policy = had & ~SCHED_RESET_ON_FORK;
	int other = policy == SCHED_FIFO ? SCHED_RR : SCHED_FIFO;

	if (had < 0 || (policy != SCHED_FIFO && policy != SCHED_RR) || sched_getparam(tid, &param) < 0)
		return;
	if (sched_setscheduler(tid, other | (had & SCHED_RESET_ON_FORK), &param) == 0)
		sched_setscheduler(tid, had, &param);
}

void governor_task_settle(const struct governor_task *task, struct slices *slices)
{
	slices_hold(slices);
	settle(task->tid);
	slices_release(slices);
}

static bool is_realtime(pid_t tid)
{
	int policy = sched_getscheduler(tid);

	if (policy < 0)
		return false;
	policy &= ~SCHED_RESET_ON_FORK;
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == QRT_SCHED_POLICY_DEADLINE;
}

static void change(const struct governor_task *task, const struct qrt_sched_setting *setting,
		   struct slices *slices)
{
	struct governor_usage usage;

	/* By its number it is changed, by its descriptor it is known. */
	if (read_usage(task, &usage) < 0)
		return;
	slices_hold(slices);
	qrt_sched_setting_apply(task->tid, setting, NULL);
	slices_release(slices);
}

void governor_task_place(struct governor_task *task)
{
	struct qrt_sched_cpus cpus = {{0}};

	/* Of its own threads it is told. Whom another VM's governor dropped is real-time when he is not. */
	if (task->role < 0)
		task->is_rt |= is_realtime(task->tid);
	if (syscall(SYS_sched_getaffinity, task->tid, sizeof(cpus.bits), cpus.bits) > 0)
		task->cpus = cpus;
}

void governor_task_drop(const struct governor_task *task, struct slices *slices)
{
	const struct qrt_sched_setting sharing = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						  .policy = QRT_SCHED_POLICY_OTHER};

	if (is_realtime(task->tid))
		change(task, &sharing, slices);
}

void governor_task_raise(const struct governor_task *task, struct slices *slices)
{
	if (task->planned.set && !is_realtime(task->tid))
		change(task, &task->planned, slices);
}

/* ---- a party's list ---- */

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct governor_task *governor_party_find(struct governor_party *party, pid_t tid)
{
	size_t i;

	for (i = 0; i < party->count; i++) {
		if (party->tasks[i].tid == tid)
			return &party->tasks[i];
	}
	return NULL;
}

static void close_task(struct governor_task *task)
{
	close_file(task->schedstat);
	close_file(task->stat);
}

void governor_task_end(struct governor_party *party, struct governor_task *task)
{
	close_task(task);
	*task = party->tasks[--party->count];
}

/* What a thread did before its VM was looked at counts nothing; what a new one did since its birth does. The
 * first read is here, for the kernel allocates for it. */
int governor_task_open(const struct governor_party *party, pid_t tid, bool is_kernel,
		       struct governor_task *ret_task)
{
	struct governor_task task = {.tid = tid, .role = -1, .cpu = -1, .is_kernel = is_kernel};
	struct governor_usage usage = {0};
	int r;

	task.schedstat = open_file(party, tid, is_kernel, "schedstat");
	if (task.schedstat < 0)
		return -errno;
	task.stat = open_file(party, tid, is_kernel, "stat");
	(void)read_state(&task);
	r = read_usage(&task, &usage);
	if (r < 0) {
		close_task(&task);
		return r;
	}
	if (is_kernel || !party->is_met)
		task.clock.last = usage;
	task.clock.at_ns = governor_now();
	governor_task_place(&task);
	*ret_task = task;
	return 0;
}

struct governor_task *governor_party_insert(struct governor_party *party, struct governor_task *task)
{
	struct governor_task *known = governor_party_find(party, task->tid);

	if (known || party->count == GOVERNOR_TASKS) {
		close_task(task);
		return known;
	}
	party->tasks[party->count] = *task;
	party->is_stale = true;
	return &party->tasks[party->count++];
}

/* ---- looking for threads ---- */

struct entry {
	uint64_t inode, offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

size_t governor_party_list(const struct governor_party *party, pid_t *ret_tids, size_t max)
{
	_Alignas(struct entry) char buf[8192];
	const struct entry *entry;
	size_t count = 0;
	long n, at;
	pid_t tid;

	lseek(party->folder, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, party->folder, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += entry->length) {
			entry = (const struct entry *)(const void *)(buf + at);
			tid = (pid_t)strtol(entry->name, NULL, 10);
			if (tid > 0 && count < max)
				ret_tids[count++] = tid;
		}
	}
	return count;
}

static bool is_listed(const pid_t *tids, size_t count, pid_t tid)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (tids[i] == tid)
			return true;
	}
	return false;
}

/* The kernel lists threads in the order of their birth, and so do we, mostly. */
static bool is_known(struct governor_party *party, pid_t tid, size_t hint)
{
	if (hint < party->count && party->tasks[hint].tid == tid)
		return true;
	return governor_party_find(party, tid) != NULL;
}

size_t governor_party_compare(struct governor_party *party, pid_t *tids, size_t count)
{
	size_t i, unknown = 0;

	for (i = party->count; i-- > 0;) {
		if (!party->tasks[i].is_kernel && !is_listed(tids, count, party->tasks[i].tid))
			governor_task_end(party, &party->tasks[i]);
	}
	for (i = 0; i < count; i++) {
		if (!is_known(party, tids[i], i))
			tids[unknown++] = tids[i];
	}
	return unknown;
}

/* ---- a party ---- */

struct governor_party *governor_party_open(pid_t pid, uint64_t start)
{
	struct governor_party *party;
	uint64_t is_start = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (proc_get_start(pid, &is_start) < 0 || is_start != start) {
		close(fd);
		return NULL;
	}
	party = g_new0(struct governor_party, 1);
	party->pid = pid;
	party->start = start;
	party->folder = fd;
	return party;
}

struct governor_party *governor_party_close(struct governor_party *party)
{
	if (!party)
		return NULL;
	while (party->count > 0)
		governor_task_end(party, &party->tasks[party->count - 1]);
	close(party->folder);
	g_free(party);
	return NULL;
}
