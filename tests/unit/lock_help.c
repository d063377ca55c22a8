/* SPDX-License-Identifier: MIT */
#include "lock_help.h"

#include "tap.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fake_lock_kernel fake_lock_kernel;

static struct qrt_sched_p_sys table;

struct fake_task *fake_lock_task(pid_t tid)
{
	int i;

	if (tid == (pid_t)syscall(SYS_gettid))
		tid = 0;
	for (i = 0; i < fake_lock_kernel.count; i++) {
		if (fake_lock_kernel.tasks[i].tid == tid)
			return &fake_lock_kernel.tasks[i];
	}
	return NULL;
}

static int set_scheduler(pid_t tid, int policy, int priority)
{
	struct fake_task *task = fake_lock_task(tid);

	fake_lock_kernel.calls++;
	if (fake_lock_kernel.before_set)
		fake_lock_kernel.before_set(tid);
	if (!task || fake_lock_kernel.fail_with)
		return task ? fake_lock_kernel.fail_with : -ESRCH;
	task->policy = policy;
	task->priority = priority;
	if (fake_lock_kernel.after_set)
		fake_lock_kernel.after_set(tid);
	return 0;
}

static int is_thread_of(pid_t tgid, pid_t tid)
{
	return (tgid == FAKE_TGID || tgid == getpid()) && fake_lock_task(tid);
}

static void *get_rseq(size_t *ret_size)
{
	if (!fake_lock_kernel.rseq_size)
		return NULL;
	*ret_size = fake_lock_kernel.rseq_size;
	return fake_lock_kernel.rseq;
}

static int enable_slices(void)
{
	fake_lock_kernel.enabled++;
	return fake_lock_kernel.enable_result;
}

static int yield_slice(void)
{
	fake_lock_kernel.yielded++;
	return 0;
}

static const struct qrt_sched_p_lock_sys lock_sys = {set_scheduler, is_thread_of, get_rseq, enable_slices,
						     yield_slice};

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	const struct fake_task *task = fake_lock_task(tid);

	if (!task)
		return -ESRCH;
	memset(ret_attr, 0, sizeof(*ret_attr));
	ret_attr->policy = (uint32_t)task->policy & ~(uint32_t)SCHED_RESET_ON_FORK;
	ret_attr->flags = task->policy & SCHED_RESET_ON_FORK ? 1 : 0;
	ret_attr->priority = (uint32_t)task->priority;
	return 0;
}

static uint64_t now(void)
{
	return fake_lock_kernel.now;
}

void fake_lock_begin(void)
{
	fake_lock_kernel = (struct fake_lock_kernel){.now = 1000000000, .count = 1};
	fake_lock_kernel.tasks[0] = (struct fake_task){.policy = SCHED_FIFO, .priority = 10};
	table = qrt_sched_p_kernel;
	table.get_attr = get_attr;
	table.now = now;
	qrt_sched_p_sys = &table;
	qrt_sched_p_lock_sys = &lock_sys;
}

void fake_lock_end(void)
{
	qrt_sched_p_sys = &qrt_sched_p_kernel;
	qrt_sched_p_lock_sys = &qrt_sched_p_lock_kernel;
}

struct fake_task *fake_lock_add(pid_t tid, int policy, int priority)
{
	struct fake_task *task = &fake_lock_kernel.tasks[fake_lock_kernel.count++];

	*task = (struct fake_task){tid, policy, priority};
	return task;
}

struct qrt_sched_lock_table *fake_lock_table(uint32_t threads, uint32_t flags)
{
	struct qrt_sched_lock_config config = {.size = sizeof(config),
					       .threads = threads,
					       .priority = 90,
					       .flags = flags,
					       .max_ns = 1000000};
	struct qrt_sched_lock_table *made = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_table_new(&config, &made, NULL), 0);
	return made;
}
