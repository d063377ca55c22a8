/* SPDX-License-Identifier: MIT */
/* The preload library's parts, and the little that they share. */
#ifndef QRT_SCHED_PRELOAD_P_H
#define QRT_SCHED_PRELOAD_P_H

#include <poll.h>
#include <pthread.h>
#include <qrt/process.h>
#include <qrt/sched_record.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>

#define EXPORT      __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LIKELY(x)   __builtin_expect(!!(x), 1)

/* ---- the functions that we stand in for (real.c) ---- */

struct preload_real {
	int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	int (*pthread_mutex_init)(pthread_mutex_t *, const pthread_mutexattr_t *);
	int (*pthread_mutex_destroy)(pthread_mutex_t *);
	int (*pthread_mutex_lock)(pthread_mutex_t *);
	int (*pthread_setname_np)(pthread_t, const char *);
	int (*prctl)(int, ...);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			   const posix_spawnattr_t *, char *const[], char *const[]);
	int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			    const posix_spawnattr_t *, char *const[], char *const[]);
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	int (*pclose)(FILE *);
	int (*ioctl)(int, unsigned long, ...);
};

/* Filled by the constructor, or by the first call of one of them before it. */
const struct preload_real *preload_real(void);

/* The next definition behind ours; of that version where there is one (NULL: the default). */
void *preload_symbol(const char *name, const char *version);

/* ---- the process (setup.c) ---- */

enum preload_state {
	PRELOAD_FRESH, /* nothing was looked at yet */
	PRELOAD_STARTING,
	PRELOAD_OFF, /* no plan, or a bad one: everything passes through */
	PRELOAD_ON,
	PRELOAD_FORKED, /* a child of fork: back to how the process began, until it starts a thread */
};

struct preload_process {
	_Atomic int state; /* enum preload_state */
	pid_t pid;
	struct qrt_sched_process *own; /* NULL: nothing is asked of us */
	struct qrt_sched_globals globals;
	struct qrt_sched_recorder *recorder; /* own's, as the two above: looked at while there is none, too */
	struct qrt_sched_setting origin;     /* of the process' first thread; set == 0: not known */
};

extern struct preload_process preload_process;

/* Looks at the environment when nobody did yet. Returns 1 when threads are to be placed. */
int preload_is_on(void);
/* A forked child that starts a thread goes on as a program of its own. */
void preload_resume(void);

/* ---- the environment (environment.c) ---- */

/* Reads what was asked for and takes it out of the environment, so that no child sees it. */
void preload_take_request(struct qrt_sched_process_config *config);

/* ---- threads (birth.c, name.c) ---- */

/* The calling thread enters the role of a name: NULL, QRT_SCHED_PLACER_MAIN, or the name. */
void preload_enter(const char *name);
/* Makes what is needed before the first birth. Negative errno. */
int preload_prepare_births(void);
/* The calling thread named itself. */
void preload_named(const char *name);
/* The calling thread locked a mutex without having named itself. */
void preload_stayed_unnamed(void);
/* How many threads were born and not named yet, though their kind names itself. */
extern _Atomic uint64_t preload_pending;
/* In a forked child: nobody is pending. */
void preload_forget_births(void);

/* ---- mutexes (mutex.c) ---- */

void preload_prepare_mutexes(void);

/* ---- quanta (quantum.c) ---- */

/* The calling thread entered a role: from its first slice on their signal is not the program's. */
void preload_know_quantum(void);
/* A signal set without, or with the signal of quanta: `set` itself where there is nothing to be done. */
const sigset_t *preload_without_quantum(const sigset_t *set, sigset_t *copy);
const sigset_t *preload_with_quantum(const sigset_t *set, sigset_t *copy);

/* ---- calls that must not be interrupted (eintr.c, eintr_other.c) ---- */

/* Keeps the end of slices out of a call of the calling thread. Returns whether there is one. */
int preload_hold(void);
void preload_release(int held);
/* ioctl(KVM_RUN) that goes on where a slice ended. */
int preload_calm_run(int fd, unsigned long request, void *arg);
/* ppoll, where only the program's own signals interrupt. */
int preload_calm_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		       const sigset_t *mask);

/* ---- children (fork.c) ---- */

void preload_prepare_forks(void);
/* The calling thread goes back to how the process began, if that is known. Safe after vfork: touches
 * the stack alone. */
void preload_give_back(void);

/* ---- words (say.c) ---- */

/* One line on standard error. */
void preload_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
