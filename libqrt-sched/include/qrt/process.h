/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: a program under its own plan.
 *
 * What a virtual machine monitor that links the library calls to have in its own process what the preload
 * library gives to one that does not: its threads enter their roles at birth, its mutexes inherit priority,
 * its memory is locked, its device emulation is under the preempt lock. The program says where its threads
 * begin and where guest code runs; the plan says what becomes of that.
 *
 * One handle a process: signals, memory locks and what a child of fork inherits are the process's. This is
 * the one part of the library that may start a thread (the preempt lock's keeper, where there is no
 * supervisor) and install signal handlers (<qrt/quantum.h>), and only where the plan asks for that.
 * Conventions as in <qrt/sched.h>. Unless its comment says otherwise, any thread may make any call.
 */
#ifndef QRT_PROCESS_H
#define QRT_PROCESS_H

#include <poll.h>
#include <pthread.h>
#include <qrt/sched.h>
#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qrt_sched_process;

/* Without a supervisor: the plan is held against the host before the first thread is placed, and each further
 * one before it is taken. What cannot work is an error, what harms is said. */
#define QRT_SCHED_PROCESS_CHECK 1u

struct qrt_sched_process_config {
	uint32_t size;
	uint32_t flags;      /* QRT_SCHED_PROCESS_* */
	int32_t broker_fd;   /* the supervisor's socket, as in struct qrt_sched_placer_config; -1: none */
	int32_t recorder_fd; /* its ring for waits (<qrt/sched_record.h>); -1: none */
	int32_t locks_fd;    /* its table of preempt locks (<qrt/preempt_lock.h>); -1: none */
	const struct qrt_sched_plan *plan; /* stays until change() took another one */
	/* What goes wrong after open: one line without a newline, from any thread. NULL: nobody is told. */
	void (*say)(void *data, const char *line);
	/* Starts a detached thread that is not to be placed. 0, negative errno. NULL: pthread_create. */
	int (*create)(void *data, void *(*run)(void *arg), void *arg);
	void *data;     /* of both */
	uint32_t vcpus; /* the most that there can be, 0: not known; for QRT_SCHED_PROCESS_CHECK */
};

/* Takes the three descriptors that qrt-launcher hands on (QRT_SCHED_BROKER, QRT_SCHED_RECORD,
 * QRT_SCHED_LOCKS) out of the environment, so that no child sees them, and makes them CLOEXEC. One that is
 * no open descriptor is said by config->say and left out. Before any other thread is there. Returns how many
 * there are. [setup] */
QRT_SCHED_API int qrt_sched_process_take_environment(struct qrt_sched_process_config *config);

/* Begins: no thread is placed yet. The descriptors are the handle's from here on; one that is not what it
 * should be stays as it is, and that is said. -EBUSY: there is a handle; -ENOMEM, -EINVAL, -E2BIG. [setup] */
QRT_SCHED_API int qrt_sched_process_open(const struct qrt_sched_process_config *config,
					 struct qrt_sched_process **ret_process,
					 struct qrt_sched_error *reterr);

/* The calling thread enters a role, as in qrt_sched_placer_enter(), and what comes with it: quantum, preempt
 * lock and memory of a vCPU. Why it could not be placed is said, once a reason. RETURN as there. [setup] */
QRT_SCHED_API int qrt_sched_process_enter(struct qrt_sched_process *process, const char *thread_name);
/* The calling thread has no role any more. A thread that ends needs not call it. [setup] */
QRT_SCHED_API void qrt_sched_process_leave(struct qrt_sched_process *process);

/* A thread begins, on that thread: as enter() of the handle that there is; nothing before one was opened. For
 * the place where a program begins all its threads, and its tools without a plan do, too. [setup] */
QRT_SCHED_API void qrt_sched_process_begin_thread(const char *thread_name);

/* Whether mutexes made by init_mutex() inherit priority from here on. A handle that is opened makes that what
 * its plan says (pi=), and a program makes mutexes before it has one. At first they do not. [setup] */
QRT_SCHED_API void qrt_sched_process_inherit(int is_on);
/* The same for mutexes that a program makes before it reads its options: by what the values of its options
 * -rt (or --rt), each as for qrt_sched_plan_parse_argument(), say together; without one it is off. [setup] */
QRT_SCHED_API void qrt_sched_process_inherit_by(int argc, char *const *argv);
/* Instead of pthread_mutex_init(), _destroy() and _lock(). One that inherits: a child of fork owns what the
 * thread that forked held. attr NULL: the default ones; of the others the type alone counts where it
 * inherits. destroy and lock take any mutex. A wait is recorded for qrt-launcher blame where that was asked
 * for, with `caller`, the address in the program that locks. Return as those do: errors are positive. [setup;
 * lock: rt] */
QRT_SCHED_API int qrt_sched_process_init_mutex(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr);
QRT_SCHED_API int qrt_sched_process_destroy_mutex(pthread_mutex_t *mutex);
QRT_SCHED_API int qrt_sched_process_lock_mutex(pthread_mutex_t *mutex, const void *caller);

/* The threads that entered, and another plan for them: as qrt_sched_placer_list() and
 * qrt_sched_placer_change(). What the plan says of the whole VM (mlock, pi, preemptlock, ...) must be as
 * before: -EOPNOTSUPP; with preemptlock the policies and priorities of vCPUs, too, and all others must stay
 * below the lock's. -ESRCH: in a child of fork that does not stay. [setup] */
QRT_SCHED_API int qrt_sched_process_list(struct qrt_sched_process *process,
					 struct qrt_sched_placed *ret_placed, size_t max);
QRT_SCHED_API int qrt_sched_process_change(struct qrt_sched_process *process,
					   const struct qrt_sched_plan *plan, struct qrt_sched_error *reterr);

/* Around the run of guest code (ioctl KVM_RUN): the preempt lock of a vCPU's thread is given before and
 * taken after. Both keep errno, and do nothing in a thread that has none. [rt] */
QRT_SCHED_API void qrt_sched_process_begin_guest(void);
QRT_SCHED_API void qrt_sched_process_end_guest(void);
/*
 * What a vCPU and the main loop sleep in (advance= in a plan, preemptlock=). Around a wait for a condition
 * variable: the preempt lock is given, the next end_guest() takes it; after one was signalled, or broadcast
 * to. All three do nothing in a thread that they are not of, and look at nothing but the pointer. [rt]
 */
QRT_SCHED_API void qrt_sched_process_begin_sleep(const void *cond);
QRT_SCHED_API void qrt_sched_process_end_sleep(void);
QRT_SCHED_API void qrt_sched_process_signalled(const void *cond);
/* ppoll(2); the main loop's thread meets its timeout awake, and has the vCPUs that wait for it awake by then.
 * Return and errors as there. [rt] */
QRT_SCHED_API int qrt_sched_process_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
					 const sigset_t *mask);

/* The process is the one that stays: memory is locked as the plan says; what of that may not be done is said.
 * A child of fork is, by a handler of pthread_atfork(3), as the process was when the handle was opened: its
 * thread has its old setting, none is placed any more, there is no supervisor, and mutexes that the forking
 * thread held are the child's. One that goes on as the program (QEMU's -daemonize) calls this, too: its
 * thread is the main one, and threads are placed again, without a supervisor; one that began in between was
 * not, and enters now. Once a process. RETURN 0; 1: it was a child of fork; -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_process_stay(struct qrt_sched_process *process, struct qrt_sched_error *reterr);

#ifdef __cplusplus
}
#endif

#endif /* QRT_PROCESS_H */
