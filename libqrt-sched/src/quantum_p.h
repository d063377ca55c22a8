/* SPDX-License-Identifier: MIT */
/* The parts of a thread's own quantum: slices (pure), timers, the signal; and the way to the kernel. */
#ifndef QRT_SCHED_QUANTUM_P_H
#define QRT_SCHED_QUANTUM_P_H

#include <qrt/quantum.h>
#include <time.h>

#include "sys_p.h"

/* What is left of a slice counts as over below this share of the quantum: for that little, nobody is
 * interrupted a second time. */
#define QRT_SCHED_P_SLACK 64

/* ---- the system calls (quantum_sys.c) ---- */

/* As struct qrt_sched_p_sys: >= 0 or a negative errno. All of them are async-signal-safe. */
struct qrt_sched_p_timing {
	uint64_t (*thread_time)(void); /* CPU time of the calling thread, ns */
	uint64_t (*tick)(void);        /* how often the kernel looks at timers on CPU time, ns */
	int (*make_timer)(clockid_t clock, int signal, int *ret_timer); /* for the calling thread */
	int (*set_timer)(int timer, uint64_t ns);                       /* once, ns > 0 from now */
	int (*delete_timer)(int timer);
	int (*yield)(void);
	int (*block)(int signal, int on); /* in the calling thread; returns whether it was */
	/* -EBUSY where it is not at its default. */
	int (*take_signal)(int signal, void (*handler)(int));
};

extern const struct qrt_sched_p_timing *qrt_sched_p_timing;
extern const struct qrt_sched_p_timing qrt_sched_p_timing_kernel;

/* ---- slices (quantum_slice.c) ---- */

/*
 * Timers on CPU time are looked at once a tick, which may be as long as the quantum. So the end of a
 * slice is met in two steps: a timer on CPU time wakes nobody who sleeps, and gets to less than a tick
 * before the end; for the rest a timer on real time is exact while the thread runs. Where the thread
 * slept instead, which that timer cannot know, it is the other one's turn again.
 */
enum qrt_sched_p_timer {
	QRT_SCHED_P_TIMER_CPU,
	QRT_SCHED_P_TIMER_REAL,
};
#define QRT_SCHED_P_TIMERS 2

struct qrt_sched_p_slice {
	uint64_t length_ns;
	uint64_t end_ns;  /* in CPU time */
	uint64_t real_ns; /* what was left when the timer on real time was set, 0: it was not */
};

struct qrt_sched_p_alarm {
	enum qrt_sched_p_timer timer;
	uint64_t ns; /* from now */
};

/* A new slice, from the CPU time `now` on. */
struct qrt_sched_p_alarm qrt_sched_p_slice_begin(struct qrt_sched_p_slice *slice, uint64_t now,
						 uint64_t length_ns, uint64_t tick_ns);
/* 1 when it is over, else 0 and when to look again. */
int qrt_sched_p_slice_is_over(struct qrt_sched_p_slice *slice, uint64_t now, uint64_t tick_ns,
			      struct qrt_sched_p_alarm *ret_alarm);

/* ---- the calling thread's (quantum_own.c) ---- */

/* NULL: it has none. At a fixed place, because a signal handler cannot make thread memory. */
extern __thread struct qrt_sched_quantum *qrt_sched_p_quantum_own
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* How often the signal came to the calling thread. */
uint64_t qrt_sched_p_quantum_signals(void);
/* In a forked child, which has the thread's quantum but no timers. */
void qrt_sched_p_quantum_forget(void);

/* ---- from outside (quantum_rotate.c) ---- */

/* 0 when threads may be raised to that priority again, else -EPERM. */
int qrt_sched_p_rotate_check(int32_t priority);
/* Puts a thread that is as `attr` to the end of its level. */
int qrt_sched_p_rotate(pid_t tid, const struct qrt_sched_p_attr *attr);
/* Makes the kernel add up the CPU time of a running thread by now; changes nothing that is seen later. */
int qrt_sched_p_settle_time(pid_t tid, const struct qrt_sched_p_attr *attr);

#endif
