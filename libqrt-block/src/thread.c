/* SPDX-License-Identifier: MIT */
/* Threads of the default policy, for who does not bring operations of its own. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "pool_p.h"
#include "struct_p.h"

/* Signals are the program's, and not for threads that it did not start. */
static int start(pthread_t *thread, const pthread_attr_t *attributes, const struct qrt_block_thread *wanted)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, attributes, wanted->run, wanted->argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

static int create(void *data, const struct qrt_block_thread *wanted, void **ret_thread)
{
	pthread_t *thread = malloc(sizeof(*thread));
	pthread_attr_t attributes;
	int rc;

	(void)data;
	if (!thread)
		return -ENOMEM;
	rc = -pthread_attr_init(&attributes);
	if (rc >= 0) {
		rc = -pthread_attr_setstacksize(&attributes, wanted->stack_bytes);
		if (rc >= 0)
			rc = start(thread, &attributes, wanted);
		pthread_attr_destroy(&attributes);
	}
	if (rc < 0)
		free(thread);
	else
		*ret_thread = thread;
	return rc;
}

static void join(void *data, void *handle)
{
	(void)data;
	pthread_join(*(pthread_t *)handle, NULL);
	free(handle);
}

int qrt_block_p_threads_take(struct qrt_block_thread_operations *own,
			     const struct qrt_block_thread_operations *threads)
{
	const struct qrt_block_thread_operations plain = {
		.size = sizeof(plain), .create = create, .join = join};
	int rc;

	if (!threads) {
		*own = plain;
		return 0;
	}
	rc = qrt_p_struct_take(own, sizeof(*own), threads);
	if (rc >= 0 && (!own->create || !own->join || own->reserved))
		rc = -EINVAL;
	return rc;
}
