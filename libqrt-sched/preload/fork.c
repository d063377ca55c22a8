/* SPDX-License-Identifier: MIT */
/* Nothing of a role leaks into the processes that the program starts. */
#include <unistd.h>

#include "placer_p.h"
#include "preload_p.h"

void preload_give_back(void)
{
	if (preload_process.origin.set)
		qrt_sched_setting_apply(0, &preload_process.origin, NULL);
}

static void start_child(void)
{
	if (preload_process.globals.pi_mutexes)
		preload_inherit_mutexes();
	if (atomic_load(&preload_process.state) != PRELOAD_ON)
		return;
	preload_give_back();
	/* Its lock may be held by a thread that this process does not have: left as it is. */
	qrt_sched_p_placer_forget(preload_process.placer);
	preload_forget_births();
	preload_forget_vcpus();
	preload_end_quantum();
	preload_forget_locks();
	atomic_store(&preload_process.state, PRELOAD_FORKED);
}

void preload_prepare_forks(void)
{
	pthread_atfork(preload_remember_forker, NULL, start_child);
}
