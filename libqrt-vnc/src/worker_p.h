/* SPDX-License-Identifier: MIT */
/* Who encodes the chunks of what is posted. */
#ifndef QRT_VNC_WORKER_P_H
#define QRT_VNC_WORKER_P_H

#include <pthread.h>
#include <semaphore.h>

#include "chunk_p.h"

struct qrt_vnc_p_crew;

struct qrt_vnc_p_worker {
	struct qrt_vnc_p_crew *crew;
	void *thread;
	/* Is held while the worker looks for a chunk and reads the surface, and while it says that one is
	 * done. Inherits priority: who cancels waits for it. */
	pthread_mutex_t reading;
	struct qrt_vnc_p_scratch scratch;
};

struct qrt_vnc_p_crew {
	struct qrt_vnc_p_worker *workers;
	uint32_t count;   /* of workers, one at least */
	uint32_t threads; /* of them that have one */
	struct qrt_vnc_thread_operations operations;
	sem_t calls;
	int event; /* is written when nothing is left */
	_Atomic uint32_t is_stopping;
	/* What is posted, while it is open. It changes only when it is not, and every worker has seen that.
	 */
	_Atomic uint32_t is_open;
	_Atomic uint32_t next; /* the chunk to be taken */
	_Atomic uint32_t left; /* chunks that are not done */
	_Atomic uint32_t has_failed;
	uint32_t chunks_count;
	struct qrt_vnc_p_chunk **chunks;
	struct qrt_vnc_surface surface;
};

/* `threads` workers, or one without a thread. -ENOMEM, -EMFILE; what creating a thread says. */
int qrt_vnc_p_crew_init(struct qrt_vnc_p_crew *crew, uint32_t threads,
			const struct qrt_vnc_thread_operations *operations);
/* Nothing is posted. One that was never started is fine. */
void qrt_vnc_p_crew_finish(struct qrt_vnc_p_crew *crew);

/* With chunks, their number and the surface set; does it all where there are no threads. */
void qrt_vnc_p_crew_post(struct qrt_vnc_p_crew *crew);
/* No worker reads the surface from here on, or takes a chunk. */
void qrt_vnc_p_crew_close(struct qrt_vnc_p_crew *crew);

#endif
