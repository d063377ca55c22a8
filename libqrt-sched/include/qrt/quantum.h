/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: a quantum for each thread.
 *
 * A mainline kernel has one round-robin slice for all (kernel.sched_rr_timeslice_ms). Here each thread
 * of a priority level runs for its own quantum before it goes to the end of its level: from inside, by
 * a timer on the thread's CPU time whose signal yields; from outside, by a rotator that lowers and
 * raises the thread again. A thread with a quantum of its own runs under FIFO, so that the kernel's
 * slice does not cut in (layer QUANTUM says so).
 *
 * Quanta are CPU time: a thread that sleeps goes on with what was left of its quantum, as under RR.
 * Conventions as in <qrt/sched.h>.
 */
#ifndef QRT_QUANTUM_H
#define QRT_QUANTUM_H

#include <qrt/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SCHED_QUANTUM_MIN 1000000ull    /* ns */
#define QRT_SCHED_QUANTUM_MAX 1000000000ull /* ns */

/* ---- from inside: the calling thread's own quantum -------------------------------------------- */

/* The signal that the timers use, process-wide: SIGRTMAX - 4 unless set before the first start. The
 * library installs a handler for it (SA_RESTART), the one place where it touches signal dispositions.
 * -EBUSY where the program has a handler of its own there, -EALREADY after the first start. [setup] */
QRT_SCHED_API int qrt_sched_quantum_set_signal(int number);

struct qrt_sched_quantum;

/* Starts slices of quantum_ns for the calling thread, which is to run under FIFO or RR. The signal is
 * unblocked in the thread. Blocking calls of the thread may return EINTR where SA_RESTART does not
 * apply (signal(7)): loop, or see qrt_sched_quantum_get_count(). One per thread.
 * RETURN 0; -ERANGE; -EBUSY (the signal is used by the program, or the thread has one); -EAGAIN (no
 * timer left: RLIMIT_SIGPENDING). THREADS: stop it in the thread that started it. [setup] */
QRT_SCHED_API int qrt_sched_quantum_start(uint64_t quantum_ns, struct qrt_sched_quantum **ret_quantum,
					  struct qrt_sched_error *reterr);
/* Another length from the next slice on. [rt] */
QRT_SCHED_API int qrt_sched_quantum_set(struct qrt_sched_quantum *quantum, uint64_t quantum_ns);
/* Takes NULL, returns NULL. Not after the thread ended: its end takes the timer along. [setup] */
QRT_SCHED_API struct qrt_sched_quantum *qrt_sched_quantum_stop(struct qrt_sched_quantum *quantum);
/* How often the calling thread's slice ended: a call that returned EINTR while this changed was
 * interrupted by the end of a slice. 0 for a thread without a quantum. Async-signal-safe. [rt] */
QRT_SCHED_API uint64_t qrt_sched_quantum_get_count(void);

/* ---- from outside: any threads, by their ids --------------------------------------------------- */

/* Ends a thread's slice now: it goes behind the others of its level, as it would at the end of a slice.
 * Lowers the priority by one (out of real-time from 1) and raises it again: lowering queues at the head,
 * raising at the tail of a level. `setting` is what the thread has (policy, priority). [rt] */
QRT_SCHED_API int qrt_sched_quantum_rotate(pid_t tid, const struct qrt_sched_setting *setting,
					   struct qrt_sched_error *reterr);

/* Watches the CPU time of threads (schedstat) and rotates each at the end of its quantum. It looks as
 * seldom as it can: never before a quantum can be over. */
struct qrt_sched_rotator;

QRT_SCHED_API int qrt_sched_rotator_open(struct qrt_sched_rotator **ret_rotator);
QRT_SCHED_API struct qrt_sched_rotator *qrt_sched_rotator_close(struct qrt_sched_rotator *rotator);
/* Adds a thread, or changes its quantum; 0 takes it out. A thread that ended is taken out by itself.
 * -ESRCH, -ERANGE. [setup] */
QRT_SCHED_API int qrt_sched_rotator_set(struct qrt_sched_rotator *rotator, pid_t tid, uint64_t quantum_ns);
/* Readable when a look is due (a timerfd; never read by the caller). [rt] */
QRT_SCHED_API int qrt_sched_rotator_get_fd(const struct qrt_sched_rotator *rotator);
/* Looks, rotates what is due, sets the timer anew. Returns how many were rotated. [rt] */
QRT_SCHED_API int qrt_sched_rotator_harvest(struct qrt_sched_rotator *rotator);

#ifdef __cplusplus
}
#endif

#endif /* QRT_QUANTUM_H */
