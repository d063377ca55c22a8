/* SPDX-License-Identifier: MIT */
#include "worker_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES (256u << 10)
#define STRIP       16u /* rows that are read between two looks whether that is still wanted */

/* ---- one chunk ---- */

static const uint8_t *row_of(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y)
{
	return (const uint8_t *)surface->pixels + (int64_t)y * surface->stride +
	       (size_t)x * (surface->bits / 8);
}

/* 0: it is not wanted any more. */
static int read_surface(struct qrt_vnc_p_worker *worker, const struct qrt_vnc_p_chunk *chunk)
{
	const struct qrt_vnc_p_crew *crew = worker->crew;
	const struct qrt_vnc_rectangle *area = &chunk->rectangle;
	uint32_t y;

	for (y = 0; y < area->height; y++) {
		if (y % STRIP == 0 && !atomic_load_explicit(&crew->is_open, memory_order_relaxed))
			return 0;
		qrt_vnc_p_convert_row(chunk->convert, row_of(&crew->surface, area->x, area->y + y),
				      area->width, worker->scratch.pixels + (size_t)y * area->width);
	}
	return 1;
}

/* Takes a chunk, and its pixels off the surface. 0: there is none, or nobody wants it any more. */
static int take(struct qrt_vnc_p_worker *worker, struct qrt_vnc_p_chunk **ret_chunk)
{
	struct qrt_vnc_p_crew *crew = worker->crew;
	struct qrt_vnc_p_chunk *chunk;
	uint32_t index;

	if (!atomic_load(&crew->is_open))
		return 0;
	index = atomic_fetch_add(&crew->next, 1);
	if (index >= crew->chunks_count)
		return 0;
	chunk = crew->chunks[index];
	if (!read_surface(worker, chunk))
		return 0;
	atomic_store(&chunk->state, QRT_VNC_P_CHUNK_TAKEN);
	*ret_chunk = chunk;
	return 1;
}

/* Of what is not open any more nothing is counted. */
static void count(struct qrt_vnc_p_crew *crew, int is_open, int has_failed)
{
	if (!is_open)
		return;
	if (has_failed)
		atomic_store(&crew->has_failed, 1);
	if (atomic_fetch_sub(&crew->left, 1) == 1)
		eventfd_write(crew->event, 1);
}

/* Who cancels waits for the end of this, too: a chunk that he finds done is not counted among those of the
 * next update. Whether it is open is asked first: one that is TAKEN still is of this one then. */
static void finish(struct qrt_vnc_p_worker *worker, struct qrt_vnc_p_chunk *chunk, int has_failed)
{
	uint32_t taken = QRT_VNC_P_CHUNK_TAKEN;
	int is_open;

	pthread_mutex_lock(&worker->reading);
	is_open = atomic_load(&worker->crew->is_open) != 0;
	if (atomic_compare_exchange_strong(&chunk->state, &taken, QRT_VNC_P_CHUNK_DONE))
		count(worker->crew, is_open, has_failed);
	else
		atomic_store_explicit(&chunk->state, QRT_VNC_P_CHUNK_LEFT, memory_order_release);
	pthread_mutex_unlock(&worker->reading);
}

/* From here on the surface is not needed. */
static int encode(struct qrt_vnc_p_worker *worker, struct qrt_vnc_p_chunk *chunk)
{
	struct qrt_vnc_p_made made = qrt_vnc_p_encode(&worker->scratch, &chunk->wanted, &chunk->rectangle);

	return made.size ? qrt_vnc_p_chunk_fill(chunk, &made, worker->scratch.out) : -EIO;
}

static int work(struct qrt_vnc_p_worker *worker)
{
	struct qrt_vnc_p_chunk *chunk;
	int is_there;

	pthread_mutex_lock(&worker->reading);
	is_there = take(worker, &chunk);
	pthread_mutex_unlock(&worker->reading);
	if (is_there)
		finish(worker, chunk, encode(worker, chunk) < 0);
	return is_there;
}

static void *run(void *argument)
{
	struct qrt_vnc_p_worker *worker = argument;

	while (!atomic_load(&worker->crew->is_stopping)) {
		if (sem_wait(&worker->crew->calls) < 0)
			continue;
		while (work(worker))
			;
	}
	return NULL;
}

/* ---- what is posted ---- */

void qrt_vnc_p_crew_post(struct qrt_vnc_p_crew *crew)
{
	uint32_t i;

	atomic_store(&crew->next, 0);
	atomic_store(&crew->left, crew->chunks_count);
	atomic_store(&crew->has_failed, 0);
	atomic_store(&crew->is_open, 1);
	if (!crew->chunks_count)
		eventfd_write(crew->event, 1);
	for (i = 0; i < crew->threads && i < crew->chunks_count; i++)
		sem_post(&crew->calls);
	while (!crew->threads && work(&crew->workers[0]))
		;
}

void qrt_vnc_p_crew_close(struct qrt_vnc_p_crew *crew)
{
	uint32_t i;

	atomic_store(&crew->is_open, 0);
	for (i = 0; i < crew->count; i++) {
		pthread_mutex_lock(&crew->workers[i].reading);
		pthread_mutex_unlock(&crew->workers[i].reading);
	}
}

/* ---- the crew ---- */

static int init_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;
	int rc = -pthread_mutexattr_init(&attributes);

	if (rc < 0)
		return rc;
	rc = -pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	if (rc >= 0)
		rc = -pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return rc;
}

static int init_worker(struct qrt_vnc_p_crew *crew, struct qrt_vnc_p_worker *worker)
{
	int rc = qrt_vnc_p_scratch_init(&worker->scratch);

	if (rc < 0)
		return rc;
	rc = init_mutex(&worker->reading);
	if (rc < 0)
		qrt_vnc_p_scratch_finish(&worker->scratch);
	worker->crew = crew;
	return rc;
}

static int init_workers(struct qrt_vnc_p_crew *crew, uint32_t count)
{
	int rc = 0;

	crew->workers = calloc(count, sizeof(*crew->workers));
	if (!crew->workers)
		return -ENOMEM;
	while (rc >= 0 && crew->count < count) {
		rc = init_worker(crew, &crew->workers[crew->count]);
		crew->count += rc >= 0;
	}
	return rc;
}

static int start(struct qrt_vnc_p_crew *crew, uint32_t threads)
{
	int rc = 0;

	while (rc >= 0 && crew->threads < threads) {
		struct qrt_vnc_p_worker *worker = &crew->workers[crew->threads];
		const struct qrt_vnc_thread thread = {.role = QRT_VNC_ROLE_ENCODER,
						      .index = crew->threads,
						      .run = run,
						      .argument = worker,
						      .stack_bytes = STACK_BYTES};

		rc = crew->operations.create(crew->operations.data, &thread, &worker->thread);
		crew->threads += rc >= 0;
	}
	return rc;
}

int qrt_vnc_p_crew_init(struct qrt_vnc_p_crew *crew, uint32_t threads,
			const struct qrt_vnc_thread_operations *operations)
{
	int rc;

	crew->operations = *operations;
	crew->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (crew->event < 0)
		return -EMFILE;
	if (sem_init(&crew->calls, 0, 0) < 0) {
		close(crew->event);
		return -ENOMEM;
	}
	rc = init_workers(crew, threads ? threads : 1);
	if (rc >= 0)
		rc = start(crew, threads);
	if (rc < 0)
		qrt_vnc_p_crew_finish(crew);
	return rc;
}

void qrt_vnc_p_crew_finish(struct qrt_vnc_p_crew *crew)
{
	uint32_t i;

	atomic_store(&crew->is_stopping, 1);
	for (i = 0; i < crew->threads; i++)
		sem_post(&crew->calls);
	for (i = 0; i < crew->threads; i++)
		crew->operations.join(crew->operations.data, crew->workers[i].thread);
	for (i = 0; i < crew->count; i++) {
		pthread_mutex_destroy(&crew->workers[i].reading);
		qrt_vnc_p_scratch_finish(&crew->workers[i].scratch);
	}
	free(crew->workers);
	sem_destroy(&crew->calls);
	close(crew->event);
	crew->workers = NULL;
	crew->count = crew->threads = 0;
}
