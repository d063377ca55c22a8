/* SPDX-License-Identifier: MIT */
#include "thread_p.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Signals are the program's, and not for threads that it did not start. */
static int start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, attributes, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int qrt_p_thread_start(void *(*run)(void *), void *argument, uint64_t stack_bytes, void **ret_thread)
{
	pthread_t *thread = malloc(sizeof(*thread));
	pthread_attr_t attributes;
	int rc;

	if (!thread)
		return -ENOMEM;
	rc = -pthread_attr_init(&attributes);
	if (rc >= 0) {
		rc = -pthread_attr_setstacksize(&attributes, stack_bytes);
		if (rc >= 0)
			rc = start(thread, &attributes, run, argument);
		pthread_attr_destroy(&attributes);
	}
	if (rc < 0)
		free(thread);
	else
		*ret_thread = thread;
	return rc;
}

void qrt_p_thread_join(void *thread)
{
	pthread_join(*(pthread_t *)thread, NULL);
	free(thread);
}
