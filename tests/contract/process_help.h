/* SPDX-License-Identifier: MIT */
/* A program under its own plan, what it is told, and threads of it that come and go. */
#ifndef QRT_TESTS_PROCESS_HELP_H
#define QRT_TESTS_PROCESS_HELP_H

#include <pthread.h>
#include <qrt/process.h>
#include <semaphore.h>

#define BE(level) QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, level) /* anybody's to have */

/* Without descriptors; what is said is kept. */
struct qrt_sched_process_config process_config(const struct qrt_sched_plan *plan);
/* A handle under a plan of options, which stays. */
struct qrt_sched_process *process_open(const char *options);
/* How many lines were said that have this in them. */
int said_count(const char *part);

struct worker {
	pthread_t thread;
	const char *name;
	pid_t tid;
	sem_t is_in, may_go;
};

/* A thread that begins by that name, and stays until it may go; it never calls leave. */
void worker_come(struct worker *worker, const char *name);
void worker_go(struct worker *worker);

#endif
