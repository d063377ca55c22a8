/* SPDX-License-Identifier: MIT */
/* Nothing of a role leaks into the processes that the program starts. */
#include <unistd.h>

#include "preload_p.h"

void preload_give_back(void)
{
	if (preload_process.origin.set)
		qrt_sched_setting_apply(0, &preload_process.origin, NULL);
}

/* What is the library's it has done before, by a handler of its own. */
static void start_child(void)
{
	if (atomic_load(&preload_process.state) != PRELOAD_ON)
		return;
	preload_forget_births();
	atomic_store(&preload_process.state, PRELOAD_FORKED);
}

void preload_prepare_forks(void)
{
	pthread_atfork(NULL, NULL, start_child);
}
