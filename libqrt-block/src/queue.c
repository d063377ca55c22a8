/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "queue_p.h"

#define DEPTH_MAX        4096u
#define IOV              64u
#define IOV_MAX_OF_QUEUE 1024u
#define BOUNCES          8u
#define BOUNCES_MAX      1024u
#define BOUNCE_BYTES     (1u << 20)
#define BOUNCE_MAX       (64u << 20)
#define KNOWN_FLAGS      (QRT_BLOCK_QUEUE_ONE_THREAD | QRT_BLOCK_QUEUE_BLOCKING | QRT_BLOCK_QUEUE_HARVESTED)

static uint32_t or_usual(uint32_t value, uint32_t usual)
{
	return value ? value : usual;
}

static int check(const struct qrt_block_queue_config *config, struct qrt_block_error *reterr)
{
	if (config->flags & ~KNOWN_FLAGS || config->reserved)
		return qrt_block_p_error(reterr, -EINVAL, "a queue with unknown flags");
	if (config->depth > DEPTH_MAX || config->iov_max > IOV_MAX_OF_QUEUE ||
	    config->bounces > BOUNCES_MAX || config->bounce_bytes > BOUNCE_MAX ||
	    config->bounce_bytes % QRT_BLOCK_P_PAGE)
		return qrt_block_p_error(
			reterr, -EINVAL,
			"a queue has at most %u requests of %u parts and %u bounce buffers of "
			"%u bytes, which are whole pages",
			DEPTH_MAX, IOV_MAX_OF_QUEUE, BOUNCES_MAX, BOUNCE_MAX);
	return 0;
}

/* ---- its memory ---- */

static void fill_tables(struct qrt_block_queue *queue)
{
	uint32_t i;

	for (i = 0; i < queue->depth; i++) {
		queue->ops[i].index = i;
		queue->ops[i].heap_index = QRT_BLOCK_P_NOT_IN_HEAP;
		queue->ops[i].iov = queue->parts + (size_t)i * queue->iov_max;
		qrt_block_p_list_add(&queue->free, &queue->ops[i]);
	}
	for (i = 0; i < queue->bounces_count; i++)
		queue->bounces[i] = queue->bounce_memory + (size_t)i * queue->bounce_bytes;
	queue->bounces_free = queue->bounces_count;
	/* Its pages are there before the first request. */
	memset(queue->bounce_memory, 0, (size_t)queue->bounces_count * queue->bounce_bytes);
}

static int have_tables(struct qrt_block_queue *queue, const struct qrt_block_queue_config *config)
{
	uint32_t block = queue->device->alignment, i;

	queue->depth = or_usual(config->depth, QRT_BLOCK_P_DEPTH);
	queue->iov_max = or_usual(config->iov_max, IOV);
	queue->bounces_count = or_usual(config->bounces, BOUNCES);
	queue->bounce_bytes = or_usual(config->bounce_bytes, BOUNCE_BYTES) + block - 1;
	queue->bounce_bytes -= queue->bounce_bytes % block;
	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++)
		queue->bounds[i] = or_usual(config->bounds[i], queue->depth);
	queue->ops = calloc(queue->depth, sizeof(*queue->ops));
	queue->heap = calloc(queue->depth, sizeof(struct qrt_block_p_op *));
	queue->parts = calloc((size_t)queue->depth * queue->iov_max, sizeof(*queue->parts));
	queue->bounces = calloc(queue->bounces_count, sizeof(void *));
	queue->bounce_memory = aligned_alloc(QRT_BLOCK_P_PAGE,
					     (size_t)queue->bounces_count * queue->bounce_bytes);
	if (!queue->ops || !queue->heap || !queue->parts || !queue->bounces || !queue->bounce_memory)
		return -ENOMEM;
	fill_tables(queue);
	return 0;
}

/* ---- its share of the device ---- */

static int have_room(struct qrt_block_queue *queue, uint32_t depth)
{
	struct qrt_block_device *device = queue->device;
	uint32_t i;
	int rc = -EBUSY;

	if (atomic_fetch_add(&device->requests, depth) + depth > device->requests_max) {
		atomic_fetch_sub(&device->requests, depth);
		return -ENOSPC;
	}
	for (i = 0; i < device->mailboxes_count && rc == -EBUSY; i++)
		rc = qrt_block_p_mailbox_begin(&device->mailboxes[i]);
	if (rc < 0) {
		atomic_fetch_sub(&device->requests, depth);
		return rc == -EBUSY ? -ENOSPC : rc;
	}
	queue->mailbox = &device->mailboxes[i - 1];
	return 0;
}

/* THREADS: one for each request, where the configuration says nothing else. */
static int have_workers(const struct qrt_block_queue *queue)
{
	struct qrt_block_device *device = queue->device;
	uint32_t wanted = atomic_load(&device->requests);

	if (wanted > device->workers_max)
		wanted = device->workers_max;
	return wanted ? qrt_block_p_pool_grow(&device->pool, wanted) : 0;
}

static void give_room_back(struct qrt_block_queue *queue)
{
	if (!queue->mailbox)
		return;
	atomic_fetch_sub(&queue->device->requests, queue->depth);
	qrt_block_p_mailbox_end(queue->mailbox);
}

/* ---- its descriptors ---- */

static int watch(const struct qrt_block_queue *queue, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return fd >= 0 && epoll_ctl(queue->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int have_descriptors(struct qrt_block_queue *queue)
{
	int rc;

	queue->epoll = epoll_create1(EPOLL_CLOEXEC);
	queue->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	queue->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->epoll < 0 || queue->timer < 0 || queue->bell < 0)
		return -EMFILE;
	rc = watch(queue, queue->timer);
	if (rc >= 0)
		rc = watch(queue, queue->bell);
	if (rc >= 0)
		rc = watch(queue, queue->mailbox->event);
	if (rc >= 0)
		rc = watch(queue, queue->engine->event);
	return rc;
}

/* ---- life ---- */

static int fill(struct qrt_block_queue *queue, const struct qrt_block_queue_config *config)
{
	struct qrt_block_p_engine_config engine = {.device = queue->device,
						   .is_blocking = config->flags & QRT_BLOCK_QUEUE_BLOCKING,
						   .is_of_one_thread = config->flags &
								       QRT_BLOCK_QUEUE_ONE_THREAD};
	int rc = have_tables(queue, config);

	if (rc >= 0)
		rc = have_room(queue, queue->depth);
	if (rc >= 0)
		rc = have_workers(queue);
	engine.mailbox = queue->mailbox;
	engine.depth = queue->depth;
	if (rc >= 0)
		rc = qrt_block_p_engine_open(&engine, &queue->engine);
	if (rc >= 0)
		rc = have_descriptors(queue);
	return rc;
}

static int refuse(const struct qrt_block_queue *queue, int rc, struct qrt_block_error *reterr)
{
	if (rc == -ENOSPC)
		return qrt_block_p_error(reterr, rc,
					 "a queue: the device has no room for another one of that depth");
	if (rc == -ENOMEM && queue->device->engine == QRT_BLOCK_ENGINE_IO_URING)
		return qrt_block_p_error(reterr, rc,
					 "a queue: " QRT_BLOCK_P_LOCKED_WORDS
					 ", or there is none: raise that limit, or take another engine");
	return qrt_block_p_error(reterr, rc, "a queue: %s", strerror(-rc));
}

int qrt_block_queue_open(struct qrt_block_device *device, const struct qrt_block_queue_config *config,
			 struct qrt_block_queue **ret_queue, struct qrt_block_error *reterr)
{
	struct qrt_block_queue_config own;
	struct qrt_block_queue *queue;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0)
		return qrt_block_p_error(reterr, rc, "a queue's config is of another version");
	rc = check(&own, reterr);
	if (rc < 0)
		return rc;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	queue->epoll = queue->timer = queue->bell = -1;
	queue->device = device;
	queue->is_harvested = own.flags & QRT_BLOCK_QUEUE_HARVESTED;
	rc = fill(queue, &own);
	if (rc < 0) {
		refuse(queue, rc, reterr);
		qrt_block_queue_close(queue);
		return rc;
	}
	*ret_queue = queue;
	return 0;
}

static void drop_waiting(struct qrt_block_queue *queue)
{
	uint32_t rank;

	for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++) {
		while (queue->waiting[rank].first)
			qrt_block_p_queue_end(queue, queue->waiting[rank].first, -ECANCELED,
					      QRT_BLOCK_DETAIL_CANCELLED, qrt_block_p_now());
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct qrt_block_queue *qrt_block_queue_close(struct qrt_block_queue *queue)
{
	if (!queue)
		return NULL;
	if (queue->engine) {
		drop_waiting(queue);
		qrt_block_queue_drain(queue, -1);
		queue->engine->type->close(queue->engine);
	}
	give_room_back(queue);
	close_fd(queue->epoll);
	close_fd(queue->timer);
	close_fd(queue->bell);
	free(queue->ops);
	free(queue->heap);
	free(queue->parts);
	free(queue->bounces);
	free(queue->bounce_memory);
	free(queue);
	return NULL;
}

int qrt_block_queue_get_fd(const struct qrt_block_queue *queue)
{
	return queue->epoll;
}
