/* SPDX-License-Identifier: MIT */
/*
 * A mutex that inherits priority holds the number of its owner's thread, and nobody else can unlock it.
 * The thread that forks has another number in the child: what it held it could never unlock there,
 * which plain mutexes allow and programs rely on (QEMU -daemonize holds its big lock, atfork handlers
 * unlock in the child what they locked before). So the child's thread is made the owner of what is its.
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "process_p.h"

#define SLOTS  8192u /* mutexes that can be known; others are not handed on */
#define WINDOW 32u   /* slots that one address can be in */

#define KIND_TYPE 3 /* bits of a mutex's kind: normal, recursive, ... */

static _Atomic(pthread_mutex_t *) slots[SLOTS];
static __thread pid_t forker;
static _Atomic int inherits; /* mutexes made from now on do */

static _Atomic(pthread_mutex_t *) *slot_of(const pthread_mutex_t *mutex, unsigned n)
{
	uint64_t hash = ((uintptr_t)mutex >> 3) * 0x9e3779b97f4a7c15u;

	return &slots[((hash >> 32) + n) % SLOTS];
}

void qrt_sched_p_process_know_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_t *none;
	unsigned n;

	/* Where it was made anew without having been destroyed, it is there already. */
	for (n = 0; n < WINDOW; n++) {
		if (atomic_load_explicit(slot_of(mutex, n), memory_order_relaxed) == mutex)
			return;
	}
	for (n = 0; n < WINDOW; n++) {
		none = NULL;
		if (atomic_compare_exchange_strong(slot_of(mutex, n), &none, mutex))
			return;
	}
}

void qrt_sched_p_process_forget_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_t *own;
	unsigned n;

	for (n = 0; n < WINDOW; n++) {
		own = mutex;
		if (atomic_compare_exchange_strong(slot_of(mutex, n), &own, NULL))
			return;
	}
}

/* Its memory may be long gone, or another thing's: programs free mutexes without destroying them. */
static int is_held_by(pthread_mutex_t *mutex, pid_t owner)
{
	pthread_mutex_t copy;
	struct iovec to = {&copy, sizeof(copy)}, from = {mutex, sizeof(copy)};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof(copy) &&
	       (copy.__data.__kind & 0x7f & ~KIND_TYPE) == PTHREAD_PRIO_INHERIT << 5 &&
	       copy.__data.__owner == owner &&
	       ((unsigned)copy.__data.__lock & FUTEX_TID_MASK) == (unsigned)owner;
}

void qrt_sched_p_process_remember_forker(void)
{
	forker = (pid_t)syscall(SYS_gettid);
}

void qrt_sched_p_process_inherit_mutexes(void)
{
	pid_t heir = (pid_t)syscall(SYS_gettid);
	pthread_mutex_t *mutex;
	int saved = errno;
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		mutex = atomic_load_explicit(&slots[i], memory_order_relaxed);
		if (!mutex || !is_held_by(mutex, forker))
			continue;
		/* Nobody waits for it here: no flag is kept. */
		mutex->__data.__lock = heir;
		mutex->__data.__owner = heir;
	}
	errno = saved;
}

void qrt_sched_process_inherit(int is_on)
{
	atomic_store(&inherits, is_on);
}

static int init_inheriting(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	pthread_mutexattr_t own;
	int type = PTHREAD_MUTEX_DEFAULT, rc;

	rc = attr ? pthread_mutexattr_gettype(attr, &type) : 0;
	if (rc == 0)
		rc = -qrt_sched_p_process_watch_forks();
	if (rc == 0)
		rc = pthread_mutexattr_init(&own);
	if (rc)
		return rc;
	pthread_mutexattr_settype(&own, type);
	pthread_mutexattr_setprotocol(&own, PTHREAD_PRIO_INHERIT);
	rc = pthread_mutex_init(mutex, &own);
	pthread_mutexattr_destroy(&own);
	if (rc == 0)
		qrt_sched_p_process_know_mutex(mutex);
	return rc;
}

static int is_rt(const char *argument)
{
	return !strcmp(argument, "-rt") || !strcmp(argument, "--rt");
}

void qrt_sched_process_inherit_by(int argc, char *const *argv)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_plan *plan;
	int i, is_asked = 0;

	if (qrt_sched_plan_new(&plan) < 0)
		return;
	for (i = 1; i + 1 < argc; i++) {
		if (!is_rt(argv[i]))
			continue;
		is_asked = 1;
		/* One that is wrong is said when options are read. */
		qrt_sched_plan_parse_argument(plan, argv[++i], NULL);
	}
	qrt_sched_plan_get_globals(plan, &globals);
	qrt_sched_process_inherit(is_asked && globals.pi_mutexes);
	qrt_sched_plan_close(plan);
}

int qrt_sched_process_init_mutex(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	return atomic_load(&inherits) ? init_inheriting(mutex, attr) : pthread_mutex_init(mutex, attr);
}

int qrt_sched_process_destroy_mutex(pthread_mutex_t *mutex)
{
	qrt_sched_p_process_forget_mutex(mutex);
	return pthread_mutex_destroy(mutex);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int qrt_sched_p_process_lock_recorded(struct qrt_sched_recorder *recorder, pthread_mutex_t *mutex,
				      const void *caller, int (*lock)(pthread_mutex_t *))
{
	struct qrt_sched_record record = {.mutex = (uintptr_t)mutex, .caller = (uintptr_t)caller};
	int rc = pthread_mutex_trylock(mutex);

	if (rc != EBUSY)
		return rc;
	record.owner = __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
	record.start_ns = now();
	rc = lock(mutex);
	record.wait_ns = now() - record.start_ns;
	record.tid = (int32_t)syscall(SYS_gettid);
	qrt_sched_recorder_write(recorder, &record);
	return rc;
}

int qrt_sched_process_lock_mutex(pthread_mutex_t *mutex, const void *caller)
{
	struct qrt_sched_recorder *recorder = qrt_sched_p_process_recorder();

	return recorder && qrt_sched_recorder_get_threshold(recorder)
		       ? qrt_sched_p_process_lock_recorded(recorder, mutex, caller, pthread_mutex_lock)
		       : pthread_mutex_lock(mutex);
}
