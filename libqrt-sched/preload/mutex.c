/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "preload_p.h"

static int lock_first(pthread_mutex_t *mutex);

static pthread_mutexattr_t inheriting;
static int has_inheriting;
static int (*real_lock)(pthread_mutex_t *) = lock_first;

static int lock_first(pthread_mutex_t *mutex)
{
	real_lock = preload_real()->pthread_mutex_lock;
	return real_lock(mutex);
}

void preload_prepare_mutexes(void)
{
	real_lock = preload_real()->pthread_mutex_lock;
	if (!preload_process.globals.pi_mutexes || has_inheriting)
		return;
	has_inheriting = !pthread_mutexattr_init(&inheriting) &&
			 !pthread_mutexattr_setprotocol(&inheriting, PTHREAD_PRIO_INHERIT);
}

EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	int (*init)(pthread_mutex_t *, const pthread_mutexattr_t *) = preload_real()->pthread_mutex_init;

	preload_is_on();
	if (attr || !has_inheriting || init(mutex, &inheriting))
		return init(mutex, attr);
	preload_know_mutex(mutex);
	return 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What is read of the owner may be old when the wait begins: a hint, and nothing better is to be had. */
static int lock_recorded(pthread_mutex_t *mutex, void *caller)
{
	struct qrt_sched_record record = {.mutex = (uintptr_t)mutex, .caller = (uintptr_t)caller};
	int rc = pthread_mutex_trylock(mutex);

	if (rc != EBUSY)
		return rc;
	record.owner = __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
	record.start_ns = now();
	rc = real_lock(mutex);
	record.wait_ns = now() - record.start_ns;
	record.tid = (int32_t)syscall(SYS_gettid);
	qrt_sched_recorder_write(preload_process.recorder, &record);
	return rc;
}

static uint64_t threshold(void)
{
	const struct qrt_sched_recorder *recorder = preload_process.recorder;

	return recorder ? qrt_sched_recorder_get_threshold(recorder) : 0;
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (UNLIKELY(atomic_load_explicit(&preload_pending, memory_order_relaxed)))
		preload_stayed_unnamed();
	if (UNLIKELY(threshold()))
		return lock_recorded(mutex, __builtin_return_address(0));
	return real_lock(mutex);
}
