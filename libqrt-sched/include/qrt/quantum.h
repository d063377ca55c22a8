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
 * library installs a handler for it (SA_RESTART, SA_ONSTACK), the one place where it touches signal
 * dispositions. -EALREADY after the first start; -EINVAL: no real-time signal. [setup] */
QRT_SCHED_API int qrt_sched_quantum_set_signal(int number);
/* Its number, for masks of one's own. [rt] */
QRT_SCHED_API int qrt_sched_quantum_get_signal(void);

struct qrt_sched_quantum;

/* Starts slices of quantum_ns for the calling thread, which is to run under FIFO. The signal is
 * unblocked in the thread. Its blocking calls may return EINTR where SA_RESTART does not apply
 * (signal(7)): see hold. One per thread. A slice ends within 1/64 of its length where the kernel has
 * high resolution timers, whatever its tick.
 * RETURN 0; -ERANGE; -EBUSY (the signal is used by the program, or the thread has a quantum); -EAGAIN (no
 * timer left: RLIMIT_SIGPENDING); -ENOMEM. OWNERSHIP: ended by stop, or by the end of the thread. A forked
 * child has no timers: there it can be stopped only. [setup] */
QRT_SCHED_API int qrt_sched_quantum_start(uint64_t quantum_ns, struct qrt_sched_quantum **ret_quantum,
					  struct qrt_sched_error *reterr);
/* Another length from the next slice on. -ERANGE. THREADS: any, while it lasts. [rt] */
QRT_SCHED_API int qrt_sched_quantum_set(struct qrt_sched_quantum *quantum, uint64_t quantum_ns);
/* Takes NULL, returns NULL. THREADS: the one that started it. [setup] */
QRT_SCHED_API struct qrt_sched_quantum *qrt_sched_quantum_stop(struct qrt_sched_quantum *quantum);
/* How many slices of the calling thread have ended. 0 for a thread without a quantum.
 * Async-signal-safe. [rt] */
QRT_SCHED_API uint64_t qrt_sched_quantum_get_count(void);

/* Around a call that does not restart (poll, nanosleep, ...): between the two the slice of the calling
 * thread does not end, and no call of it is interrupted; a slice that is over by then ends in release.
 * They do not nest. What other signals do to the call stays as it is. Nothing in a thread without a
 * quantum. A call with a signal mask of its own (ppoll, ...) wants qrt_sched_quantum_get_signal() in it.
 * Async-signal-safe. [rt] */
QRT_SCHED_API void qrt_sched_quantum_hold(void);
QRT_SCHED_API void qrt_sched_quantum_release(void);

/* ---- from outside: any threads, by their ids --------------------------------------------------- */

/* Ends a thread's slice now: it goes behind the others of its level, as it would at the end of a slice.
 * Lowers the priority by one (out of real-time from 1) and raises it again: lowering queues at the head,
 * raising at the tail of a level. `setting` is what the thread has (policy, priority).
 * RETURN 0; -EINVAL (neither FIFO nor RR); -ESTALE: it runs otherwise by now, nothing was changed; -EPERM
 * with the missing right, before anything was changed; -ESRCH. [rt] */
QRT_SCHED_API int qrt_sched_quantum_rotate(pid_t tid, const struct qrt_sched_setting *setting,
					   struct qrt_sched_error *reterr);

/* Watches the CPU time of threads (/proc/TID/schedstat) and rotates each at the end of its quantum. It
 * looks as seldom as it can: never before a quantum can be over. A thread that is not under FIFO or RR
 * when its turn comes is left alone, and looked at again a quantum later. */
struct qrt_sched_rotator;

/* -ENOMEM, -EMFILE, -ENFILE. [setup] */
QRT_SCHED_API int qrt_sched_rotator_open(struct qrt_sched_rotator **ret_rotator);
/* Takes NULL, returns NULL. The threads stay as they are. [setup] */
QRT_SCHED_API struct qrt_sched_rotator *qrt_sched_rotator_close(struct qrt_sched_rotator *rotator);
/* Adds a thread, or changes its quantum; 0 takes it out (and is good for one that is not there). A thread
 * that ended is taken out by harvest. -ESRCH, -ERANGE, -ENOMEM, -EMFILE, -ENFILE; -EPERM: CAP_SYS_NICE is
 * missing; -EOPNOTSUPP: the kernel does not count CPU time there (CONFIG_SCHED_INFO). [setup] */
QRT_SCHED_API int qrt_sched_rotator_set(struct qrt_sched_rotator *rotator, pid_t tid, uint64_t quantum_ns);
/* Readable when a look is due (a timerfd; never read by the caller). [rt] */
QRT_SCHED_API int qrt_sched_rotator_get_fd(const struct qrt_sched_rotator *rotator);
/* ns until a look is due, 0: it is; -1: there is no thread. For a caller that sleeps until then by itself:
 * on PREEMPT_RT a descriptor's timer ends in a kernel thread, that of a real-time thread's own sleep in the
 * interrupt. [rt] */
QRT_SCHED_API int64_t qrt_sched_rotator_get_wait(const struct qrt_sched_rotator *rotator);
/* Looks at what is due, rotates what is over, sets the timer anew. Returns how many were rotated. [rt] */
QRT_SCHED_API int qrt_sched_rotator_harvest(struct qrt_sched_rotator *rotator);

#ifdef __cplusplus
}
#endif

#endif /* QRT_QUANTUM_H */
