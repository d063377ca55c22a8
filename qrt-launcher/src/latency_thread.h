/* SPDX-License-Identifier: MIT */
/* One thread that measures how late it wakes up, in the setting that a plan gives to a thread of a role. */
#ifndef QRT_LAUNCHER_LATENCY_THREAD_H
#define QRT_LAUNCHER_LATENCY_THREAD_H

#include "latency_histogram.h"

#include <pthread.h>
#include <qrt/shield.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A wake-up, and where and when it was (CLOCK_MONOTONIC). */
struct latency_event {
	uint64_t late_ns, at_ns;
	int cpu;
};

struct latency_thread {
	/* Set by the caller. */
	enum qrt_sched_role role;
	uint32_t index;
	uint64_t interval_ns, over_ns; /* wake-ups later than over_ns are counted; 0: none */

	/* Steady while it measures, for who looks on. */
	atomic_bool is_done;
	_Atomic uint64_t cycles, worst_ns;
	_Atomic uint64_t overs; /* first_over is there where it is above 0 */
	struct latency_event first_over;

	/* For when it is done. */
	struct latency_histogram histogram;
	struct latency_event worst;
	uint64_t missed;                  /* periods that it slept through */
	bool is_guest;                    /* a guest's: nothing is known of CPUs, times and missed periods */
	struct qrt_sched_setting setting; /* what it ran with */
	bool is_planned;                  /* the plan says something about it */

	/* Its own. */
	uint64_t start_ns, end_ns;
	atomic_bool is_stopped;
	pid_t tid;
	pthread_t thread;
	sem_t is_born, may_start, may_end;
	struct qrt_sched_thread *handle;
};

/* Starts the thread, which waits, with room for latencies below `size` us. -ENOMEM, -EAGAIN. */
int latency_thread_open(struct latency_thread *thread, uint32_t size);
/* Gives it the plan's setting, in a shield where that is up on its CPUs: `places` remembers where it was. A
 * DEADLINE that the kernel refuses becomes its fallback: 1, and reterr says why. RETURN 0 or the error. */
int latency_thread_place(struct latency_thread *thread, const struct qrt_sched_plan *plan,
			 struct qrt_sched_saved *places, struct qrt_sched_error *reterr);
/* Lets it measure between two times. */
void latency_thread_start(struct latency_thread *thread, uint64_t start_ns, uint64_t end_ns);
/* It ends with its next wake-up. */
void latency_thread_stop(struct latency_thread *thread);
/* Takes the setting from it again, and ends it; started or not. What it measured stays until clear. */
void latency_thread_close(struct latency_thread *thread);
void latency_thread_clear(struct latency_thread *thread);

#endif
