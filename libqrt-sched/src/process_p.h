/* SPDX-License-Identifier: MIT */
/* The parts of a program under its own plan, for the preload library, too. */
#ifndef QRT_SCHED_PROCESS_P_H
#define QRT_SCHED_PROCESS_P_H

#include <qrt/preempt_lock.h>
#include <qrt/process.h>
#include <qrt/sched_record.h>
#include <stdatomic.h>

struct qrt_sched_process {
	const struct qrt_sched_plan *plan; /* at open, and after a fork; in between the placer's counts */
	struct qrt_sched_globals globals;
	char resctrl[256];   /* the schemata, empty: none */
	char boot_plan[256]; /* the path, empty: none */
	struct qrt_sched_placer *placer;
	struct qrt_sched_recorder *recorder; /* NULL: nobody records */
	struct qrt_sched_setting origin;     /* of the process' first thread; set == 0: not known */
	_Atomic pid_t pid;                   /* whose threads are placed */
	pthread_key_t end_key;
	uint32_t flags, vcpus;
	int is_supervised; /* by a broker's process */
	int is_started;    /* the first plan was checked */
	void (*say)(void *data, const char *line);
	int (*create)(void *data, void *(*run)(void *arg), void *arg);
	void *data;
	/* ---- preempt lock (process_lock.c) ---- */
	struct qrt_sched_lock_table *table; /* NULL: the plan asks for none, or there is none */
	int is_own;                         /* the table is ours to keep */
	int lock_priority;                  /* what its holders run at */
	_Atomic int is_keeper_started, is_without_keeper;
	/* ---- what was said (process_say.c) ---- */
	_Atomic uint64_t said_errors[3]; /* one bit an errno */
	_Atomic uint32_t said_fallbacks; /* one bit a role */
	_Atomic int said_lock, said_quantum;
	_Atomic uint64_t warned[32]; /* hashes of what was warned of; 0: none */
	_Atomic int is_prefaulted;   /* guest memory was */
};

/* The handle that there is, or NULL. */
struct qrt_sched_process *qrt_sched_p_process_there(void);
int qrt_sched_p_process_open_placer(struct qrt_sched_process *process, int broker_fd,
				    struct qrt_sched_error *reterr);
/* Registers the handlers of fork, once (process_fork.c). Negative errno. */
int qrt_sched_p_process_watch_forks(void);

/* 0: the plan can be carried out here, or that is not ours to say (process_check.c). */
int qrt_sched_p_process_check(struct qrt_sched_process *process, const struct qrt_sched_plan *plan,
			      struct qrt_sched_error *reterr);

/* Keeps what is said of the whole VM; what of that, which is done once, another plan says otherwise: NULL for
 * nothing (process_check.c). */
void qrt_sched_p_process_note_globals(struct qrt_sched_process *process, const struct qrt_sched_plan *plan);
const char *qrt_sched_p_process_find_other(const struct qrt_sched_process *process,
					   const struct qrt_sched_plan *plan);

/* ---- words (process_say.c) ---- */

void qrt_sched_p_process_say(struct qrt_sched_process *process, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The first time that it is said about this negative errno. */
void qrt_sched_p_process_say_unplaced(struct qrt_sched_process *process, const char *name, int error,
				      const char *message);
/* DEADLINE was refused, and there is no supervisor that says so; once a role. */
void qrt_sched_p_process_say_fallback(struct qrt_sched_process *process, const char *name,
				      const char *message);

/* What of the plan is not done where nobody supervises. */
void qrt_sched_p_process_say_left_out(struct qrt_sched_process *process);

/* ---- quanta (process_quantum.c) ---- */

/* The calling thread entered a role: its slices are that role's from now on. A negative errno where that
 * cannot be: to enter again gives it the kernel's. */
int qrt_sched_p_process_follow_quantum(struct qrt_sched_process *process);

/* ---- preempt lock (process_lock.c) ---- */

/* As the plan says; with the supervisor's table, or fd -1. */
void qrt_sched_p_process_prepare_locks(struct qrt_sched_process *process, int fd);
/* The calling thread runs a vCPU and is in its role. */
void qrt_sched_p_process_lock_vcpu(struct qrt_sched_process *process, const char *name);
/* The calling thread changes its role or ends, whatever it ran. */
void qrt_sched_p_process_lock_end(void);
/* In a forked child. */
void qrt_sched_p_process_forget_locks(struct qrt_sched_process *process);
/* 1 when the calling thread has a preempt lock. */
int qrt_sched_p_process_has_lock(void);

/* ---- timer advance (process_advance.c) ---- */

/* The calling thread is the main loop's; it runs a vCPU; it ends, whatever it ran. */
void qrt_sched_p_process_advance_main(struct qrt_sched_process *process);
void qrt_sched_p_process_advance_vcpu(void);
void qrt_sched_p_process_advance_end(void);
/* In a forked child: it has none of the parent's vCPUs. */
void qrt_sched_p_process_forget_vcpus(void);
/* Instead of ppoll(2). */
void qrt_sched_p_process_wait_by(int (*poll)(struct pollfd *, nfds_t, const struct timespec *,
					     const sigset_t *));

/* ---- memory (process_memory.c) ---- */

/* Once: a lock does not go on in a child of fork. */
void qrt_sched_p_process_lock_memory(struct qrt_sched_process *process);
void qrt_sched_p_process_prefault_stack(const struct qrt_sched_process *process);
/* At the first vCPU's birth. */
void qrt_sched_p_process_prefault_guest(struct qrt_sched_process *process);

/* ---- mutexes that a forked child inherits (process_mutex.c) ---- */

/* One that inherits priority was made; it is about to be unmade. */
void qrt_sched_p_process_know_mutex(pthread_mutex_t *mutex);
void qrt_sched_p_process_forget_mutex(pthread_mutex_t *mutex);
/* Locks it, and records where it had to wait. */
int qrt_sched_p_process_lock_recorded(struct qrt_sched_recorder *recorder, pthread_mutex_t *mutex,
				      const void *caller, int (*lock)(pthread_mutex_t *));
/* Of the handle that there is; NULL: nobody records. */
struct qrt_sched_recorder *qrt_sched_p_process_recorder(void);
/* Before a fork, in the thread that forks; in the child. */
void qrt_sched_p_process_remember_forker(void);
void qrt_sched_p_process_inherit_mutexes(void);

#endif
