/* SPDX-License-Identifier: MIT */
/* What the program sleeps in: the library is told, for timer advance and the preempt lock. */
#include "preload_p.h"
#include "process_p.h"

static int (*real_wait)(pthread_cond_t *, pthread_mutex_t *);
static int (*real_signal)(pthread_cond_t *);
static int (*real_broadcast)(pthread_cond_t *);

static void resolve_all(void)
{
	/* Without the version this is the one of before NPTL, with another layout. */
	real_wait = (int (*)(pthread_cond_t *, pthread_mutex_t *))preload_symbol("pthread_cond_wait",
										 "GLIBC_2.3.2");
	real_signal = (int (*)(pthread_cond_t *))preload_symbol("pthread_cond_signal", "GLIBC_2.3.2");
	real_broadcast = (int (*)(pthread_cond_t *))preload_symbol("pthread_cond_broadcast", "GLIBC_2.3.2");
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	/* Without a plan the library was never told what waits. */
	if (UNLIKELY(!preload_process.own))
		return preload_calm_ppoll(fds, count, timeout, mask);
	return qrt_sched_process_poll(fds, count, timeout, mask);
}

EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	int rc;

	if (!real_wait)
		resolve_all();
	qrt_sched_process_begin_sleep(cond);
	rc = real_wait(cond, mutex);
	qrt_sched_process_end_sleep();
	return rc;
}

EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
	int rc;

	if (!real_signal)
		resolve_all();
	rc = real_signal(cond);
	qrt_sched_process_signalled(cond);
	return rc;
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
	int rc;

	if (!real_broadcast)
		resolve_all();
	rc = real_broadcast(cond);
	qrt_sched_process_signalled(cond);
	return rc;
}
