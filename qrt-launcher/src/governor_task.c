/* SPDX-License-Identifier: MIT */
/*
 * Threads of a VM as the governor sees them. What its own thread calls neither allocates nor opens a file:
 * the locks of that are shared with who stands below the VM, and may be held by one that it keeps away.
 */
#include "governor_p.h"

#include "slices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
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

bool governor_task_is_ended(const struct governor_task *task)
{
	struct governor_usage usage;

	return read_usage(task, &usage) < 0;
}

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
	if (!slices_try_hold(slices))
		return;
	settle(task->tid);
	slices_release(slices);
}

bool governor_task_is_realtime(const struct governor_task *task)
{
	int policy = sched_getscheduler(task->tid);

	if (policy < 0)
		return false;
	policy &= ~SCHED_RESET_ON_FORK;
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == QRT_SCHED_POLICY_DEADLINE;
}

/* Who makes slices may stand below the VM, or wait for somebody who does: the governor does not wait for him.
 * What he undoes is done again. */
static bool change(const struct governor_task *task, const struct qrt_sched_setting *setting,
		   struct slices *slices)
{
	struct governor_usage usage;
	bool is_held;

	/* By its number it is changed, by its descriptor it is known. */
	if (read_usage(task, &usage) < 0)
		return true;
	is_held = slices_try_hold(slices);
	qrt_sched_setting_apply(task->tid, setting, NULL);
	if (is_held)
		slices_release(slices);
	return is_held;
}

void governor_task_place(struct governor_task *task)
{
	struct qrt_sched_cpus cpus = {{0}};

	/* Of its own threads it is told. Whom another VM's governor dropped is real-time when he is not. */
	if (task->role < 0)
		task->is_rt |= governor_task_is_realtime(task);
	if (syscall(SYS_sched_getaffinity, task->tid, sizeof(cpus.bits), cpus.bits) > 0)
		task->cpus = cpus;
}

bool governor_task_drop(const struct governor_task *task, const struct qrt_sched_setting *sharing,
			struct slices *slices)
{
	return !governor_task_is_realtime(task) || change(task, sharing, slices);
}

void governor_task_step(const struct governor_task *task, struct slices *slices)
{
	struct qrt_sched_setting setting = task->planned;

	setting.priority -= task->is_lower;
	if (setting.set)
		(void)change(task, &setting, slices);
}

void governor_task_raise(const struct governor_task *task, struct slices *slices)
{
	if (!governor_task_is_realtime(task))
		governor_task_step(task, slices);
}

/* ---- its descriptors' life ---- */

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

void governor_task_close(struct governor_task *task)
{
	close_file(task->schedstat);
	close_file(task->stat);
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
		governor_task_close(&task);
		return r;
	}
	if (is_kernel || !party->is_met)
		task.clock.last = usage;
	task.clock.at_ns = governor_now();
	governor_task_place(&task);
	*ret_task = task;
	return 0;
}
