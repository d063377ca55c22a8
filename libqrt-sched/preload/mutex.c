/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "preload_p.h"
#include "process_p.h"

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
	qrt_sched_p_process_know_mutex(mutex);
	return 0;
}

EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	if (preload_process.globals.pi_mutexes)
		qrt_sched_p_process_forget_mutex(mutex);
	return preload_real()->pthread_mutex_destroy(mutex);
}

/* What is read of the owner may be old when the wait begins: a hint, and nothing better is to be had. */
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
		return qrt_sched_p_process_lock_recorded(preload_process.recorder, mutex,
							 __builtin_return_address(0), real_lock);
	return real_lock(mutex);
}
