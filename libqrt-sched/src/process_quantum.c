/* SPDX-License-Identifier: MIT */
/* Quanta of the plan's own: a thread whose role has one makes its slices itself. */
#include "placer_p.h"
#include "process_p.h"
#include "quantum_p.h"

/* FIFO without an end of slices would keep its own level waiting for ever. */
static int refuse(struct qrt_sched_process *process, int rc, const char *message)
{
	qrt_sched_p_placer_refuse_quanta(process->placer);
	if (!atomic_exchange(&process->said_quantum, 1))
		qrt_sched_p_process_say(process, "threads have the kernel's round-robin slice: %s", message);
	return rc;
}

static int start(struct qrt_sched_process *process, uint64_t quantum_ns)
{
	struct qrt_sched_quantum *quantum;
	struct qrt_sched_error error;
	int rc = qrt_sched_quantum_start(quantum_ns, &quantum, &error);

	if (rc < 0)
		return refuse(process, rc, error.message);
	return 0;
}

int qrt_sched_p_process_follow_quantum(struct qrt_sched_process *process)
{
	int64_t quantum_ns = qrt_sched_placer_get_quantum(process->placer);

	if (quantum_ns <= 0)
		qrt_sched_quantum_stop(qrt_sched_p_quantum_own);
	else if (!qrt_sched_p_quantum_own)
		return start(process, (uint64_t)quantum_ns);
	else
		qrt_sched_quantum_set(qrt_sched_p_quantum_own, (uint64_t)quantum_ns);
	return 0;
}
