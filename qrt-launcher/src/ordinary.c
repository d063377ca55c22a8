/* SPDX-License-Identifier: MIT */
#include "ordinary.h"

#include <sched.h>

int ordinary_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
	const struct sched_param param = {.sched_priority = 0};
	pthread_attr_t attr;
	pthread_t detached;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	if (!thread)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);
	r = pthread_create(thread ? thread : &detached, &attr, run, data);
	pthread_attr_destroy(&attr);
	return -r;
}
