/* SPDX-License-Identifier: MIT */
/* Children of fork: they have none of the placed threads, and one of them may be the process that stays. */
#include <pthread.h>
#include <unistd.h>

#include "placer_p.h"
#include "process_p.h"
#include "quantum_p.h"

static void remember_forker(void)
{
	qrt_sched_p_process_remember_forker();
}

/* CPUs are not a sandbox's to choose: at least the urgency goes. */
static void give_up_role(const struct qrt_sched_setting *origin)
{
	struct qrt_sched_setting less = *origin;

	if (!origin->set || qrt_sched_setting_apply(0, origin, NULL) >= 0)
		return;
	less.set &= ~QRT_SCHED_SET_CPUS;
	qrt_sched_setting_apply(0, &less, NULL);
}

static void start_child(void)
{
	struct qrt_sched_process *process = qrt_sched_p_process_there();

	qrt_sched_p_process_inherit_mutexes();
	if (!process)
		return;
	give_up_role(&process->origin);
	/* Its lock may be held by a thread that this process does not have: left as it is. */
	if (process->placer) {
		process->plan = process->placer->plan;
		qrt_sched_p_placer_forget(process->placer);
	}
	process->placer = NULL;
	process->is_supervised = 0;
	qrt_sched_quantum_stop(qrt_sched_p_quantum_own);
	qrt_sched_p_process_forget_locks(process);
	qrt_sched_p_process_forget_vcpus();
}

int qrt_sched_p_process_watch_forks(void)
{
	static _Atomic int is_done;

	return atomic_exchange(&is_done, 1) ? 0 : -pthread_atfork(remember_forker, NULL, start_child);
}

/* A child of fork, by the handler above, has nothing of what the process had. */
static int resume(struct qrt_sched_process *process, struct qrt_sched_error *reterr)
{
	int rc = process->placer ? 0 : qrt_sched_p_process_open_placer(process, -1, reterr);

	if (rc < 0)
		return rc;
	process->placer->first_origin = process->origin;
	qrt_sched_p_process_prepare_locks(process, -1);
	atomic_store(&process->pid, getpid());
	qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
	return 1;
}

int qrt_sched_process_stay(struct qrt_sched_process *process, struct qrt_sched_error *reterr)
{
	int rc = atomic_load(&process->pid) == getpid() ? 0 : resume(process, reterr);

	if (rc >= 0)
		qrt_sched_p_process_lock_memory(process);
	return rc;
}
