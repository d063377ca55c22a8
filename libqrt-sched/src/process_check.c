/* SPDX-License-Identifier: MIT */
/* A plan against the host, where there is no supervisor that has done that; and against the one of before. */
#include <errno.h>
#include <string.h>

#include "error_p.h"
#include "process_p.h"

#define FINDINGS 16

static int judge(struct qrt_sched_process *process, const struct qrt_sched_finding *finding,
		 struct qrt_sched_error *reterr)
{
	if (finding->severity == QRT_SCHED_FAULT)
		return qrt_sched_p_error(reterr, -EINVAL, "%s; %s", finding->message, finding->remedy);
	if (finding->severity == QRT_SCHED_WARNING)
		qrt_sched_p_process_say(process, "%s; %s", finding->message, finding->remedy);
	return 0;
}

int qrt_sched_p_process_check(struct qrt_sched_process *process, const struct qrt_sched_plan *plan,
			      struct qrt_sched_error *reterr)
{
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_finding findings[FINDINGS];
	int i, count, rc;

	if (process->is_supervised || !(process->flags & QRT_SCHED_PROCESS_CHECK))
		return 0;
	rc = qrt_sched_plan_supported(plan, reterr);
	if (rc >= 0)
		rc = qrt_sched_host_read(&host, reterr);
	if (rc < 0)
		return rc;
	count = qrt_sched_plan_lint(plan, &host, NULL, findings, FINDINGS);
	for (i = 0; i < count && i < FINDINGS && rc >= 0; i++)
		rc = judge(process, &findings[i], reterr);
	return rc;
}

static int is_same_of_process(const struct qrt_sched_globals *a, const struct qrt_sched_globals *b)
{
	return a->mlock == b->mlock && a->pi_mutexes == b->pi_mutexes && a->pvsched == b->pvsched &&
	       a->advance_us == b->advance_us && a->preempt_lock_us == b->preempt_lock_us;
}

static int is_same_of_host(const struct qrt_sched_globals *a, const struct qrt_sched_globals *b)
{
	return a->pool_min == b->pool_min && a->set == b->set && a->weight == b->weight &&
	       a->cstate_us == b->cstate_us && a->haltpoll_ns == b->haltpoll_ns &&
	       a->timer_priority == b->timer_priority && a->hugepages == b->hugepages &&
	       a->shield == b->shield && a->shield_parts == b->shield_parts &&
	       memcmp(&a->numa_nodes, &b->numa_nodes, sizeof(a->numa_nodes)) == 0;
}

/* Where a plan comes from (maxprio, defaulted) is no matter: what that did is in its roles. */
int qrt_sched_p_process_is_same_vm(const struct qrt_sched_process *process, const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	qrt_sched_plan_get_globals(plan, &globals);
	return is_same_of_process(&globals, &process->globals) &&
	       is_same_of_host(&globals, &process->globals);
}
