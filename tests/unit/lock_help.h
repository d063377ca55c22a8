/* SPDX-License-Identifier: MIT */
/* Threads of a kernel that a test makes up, as far as preempt locks need them. Thread 0 is the caller. */
#ifndef QRT_TESTS_LOCK_HELP_H
#define QRT_TESTS_LOCK_HELP_H

#include "lock_p.h"
#include "sys_p.h"

#define FAKE_THREADS 8
#define FAKE_TGID    77

struct fake_task {
	pid_t tid; /* 0: this process' calling thread */
	int policy, priority;
};

struct fake_lock_kernel {
	struct fake_task tasks[FAKE_THREADS];
	int count;
	uint64_t now;
	int calls;     /* of set_scheduler */
	int fail_with; /* set_scheduler, 0: obeys */
	void (*before_set)(pid_t tid);
	void (*after_set)(pid_t tid);
	unsigned char rseq[32]; /* of the calling thread */
	size_t rseq_size;       /* 0: none */
	int enable_result, enabled, yielded;
};

extern struct fake_lock_kernel fake_lock_kernel;

void fake_lock_begin(void);
void fake_lock_end(void);
struct fake_task *fake_lock_task(pid_t tid);
/* One more thread of FAKE_TGID. */
struct fake_task *fake_lock_add(pid_t tid, int policy, int priority);
/* A table with this many threads, FIFO 90, 1 ms. */
struct qrt_sched_lock_table *fake_lock_table(uint32_t threads, uint32_t flags);

#endif
