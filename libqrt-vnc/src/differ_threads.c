/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "differ_p.h"
#include "error_p.h"

#define STACK_BYTES (128u << 10)

void qrt_vnc_p_wait(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		;
}

/* Who posts wakes one, which wakes the next: waking takes longer than all else that post does. */
static void call_next(struct qrt_vnc_differ *differ)
{
	uint32_t count = atomic_load(&differ->to_call);

	while (count) {
		if (atomic_compare_exchange_weak(&differ->to_call, &count, count - 1)) {
			sem_post(&differ->calls);
			return;
		}
	}
}

/* One that comes late finds nothing left, or helps with the next run. */
static void *run(void *argument)
{
	struct qrt_vnc_differ *differ = argument;

	for (;;) {
		qrt_vnc_p_wait(&differ->calls);
		if (atomic_load(&differ->is_ending))
			return NULL;
		call_next(differ);
		qrt_vnc_p_run_work(differ);
	}
}

void qrt_vnc_p_threads_call(struct qrt_vnc_differ *differ, uint32_t count)
{
	if (!count)
		return;
	atomic_store(&differ->to_call, count);
	call_next(differ);
}

int qrt_vnc_p_threads_start(struct qrt_vnc_differ *differ, uint32_t count, struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_thread thread = {
		.role = QRT_VNC_ROLE_DIFFER, .run = run, .argument = differ, .stack_bytes = STACK_BYTES};
	int rc;

	for (; thread.index < count; thread.index++) {
		rc = differ->operations.create(differ->operations.data, &thread,
					       &differ->threads[thread.index]);
		if (rc < 0)
			return qrt_vnc_p_error(reterr, rc, "thread %u of %u cannot be started: %s",
					       thread.index + 1, count, strerror(-rc));
		differ->threads_count++;
	}
	return 0;
}

void qrt_vnc_p_threads_end(struct qrt_vnc_differ *differ)
{
	uint32_t i;

	atomic_store(&differ->is_ending, 1);
	for (i = 0; i < differ->threads_count; i++)
		sem_post(&differ->calls);
	for (i = 0; i < differ->threads_count; i++)
		differ->operations.join(differ->operations.data, differ->threads[i]);
	differ->threads_count = 0;
}
