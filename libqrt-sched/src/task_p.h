/* SPDX-License-Identifier: MIT */
/* The threads of the whole host, kernel threads too. */
#ifndef QRT_SCHED_TASK_P_H
#define QRT_SCHED_TASK_P_H

#include <stdint.h>
#include <sys/types.h>

#define QRT_SCHED_P_TASK_BOUND  0x04000000u /* the kernel chose its CPUs, and nobody else may */
#define QRT_SCHED_P_TASK_KERNEL 0x00200000u

struct qrt_sched_p_task {
	pid_t tid, pid;
	uint64_t start;
	uint32_t flags; /* the kernel's PF_*, of which the above are looked at */
	char name[32];
};

/* One thread; its pid is not filled in. -ESRCH where it is gone or is being buried. */
int qrt_sched_p_task_read(pid_t tid, struct qrt_sched_p_task *ret_task);
/* Calls found() with every thread, until it returns other than 0, which is returned. */
int qrt_sched_p_task_each(int (*found)(const struct qrt_sched_p_task *task, void *data), void *data);
/* The same with the threads of one process. */
int qrt_sched_p_task_each_of(pid_t pid, int (*found)(const struct qrt_sched_p_task *task, void *data),
			     void *data);

#endif
