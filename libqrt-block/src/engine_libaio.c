/* SPDX-License-Identifier: MIT */
/* The engine of the kernel's asynchronous I/O, which does not wait with O_DIRECT only. What it cannot do, and
 * what a filesystem answers with EINVAL (a flush, on some), is the workers'. */
#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine_p.h"

#define EVENTS       64
#define EARLY        3u
#define EVENTS_MAGIC 0xa10a10a1u

/* What an io_context_t points to, as the kernel has it since 2.6. */
struct events {
	uint32_t id, room;
	_Atomic uint32_t head, tail; /* of who takes, and of the kernel */
	uint32_t magic, compatible, incompatible, header_bytes;
	struct io_event events[];
};

struct aio {
	struct qrt_block_p_engine engine;
	io_context_t context;
	uint32_t depth, count, in_kernel;
	int64_t unheard;     /* taken, and the kernel's ring for it was not; less than 0: it was before */
	struct iocb *blocks; /* one for each op of the queue */
	struct iocb **batch; /* those that the kernel does not have yet */
	uint32_t no_flush;
};

static struct aio *aio_of(struct qrt_block_p_engine *engine)
{
	return (struct aio *)engine;
}

static void prepare(struct aio *aio, struct iocb *block, struct qrt_block_p_op *op)
{
	int fd = aio->engine.device->fd;

	memset(block, 0, sizeof(*block));
	if (op->kind == QRT_BLOCK_FLUSH)
		io_prep_fdsync(block, fd);
	else if (qrt_block_p_op_is_read(op))
		io_prep_preadv(block, fd, op->run, (int)op->run_count, (long long)op->offset);
	else
		io_prep_pwritev(block, fd, op->run, (int)op->run_count, (long long)op->offset);
	if (op->kind != QRT_BLOCK_FLUSH) {
		if (op->flags & QRT_BLOCK_FUA && !qrt_block_p_op_is_read(op))
			block->aio_rw_flags = RWF_DSYNC;
		block->aio_reqprio = (short)qrt_block_p_ioprio_of(op->priority);
	}
	io_set_eventfd(block, aio->engine.event);
	if (block->aio_reqprio)
		block->u.c.flags |= 1u << 1; /* IOCB_FLAG_IOPRIO, which libaio.h does not have */
	block->data = op;
}

/* The first one of the batch is what the kernel does not like. */
static void refuse(struct aio *aio, int rc)
{
	struct qrt_block_p_op *op = aio->batch[0]->data;

	if (op->kind == QRT_BLOCK_FLUSH && rc == -EINVAL) {
		aio->no_flush = 1;
		qrt_block_p_engine_delegate(&aio->engine, op);
	} else {
		qrt_block_p_engine_answer(&aio->engine, op, rc);
	}
}

/* How many of the batch are away; 0: the kernel has no room, and will have it when something comes back. */
static uint32_t push_some(struct aio *aio)
{
	int rc = io_submit(aio->context, aio->count, aio->batch);

	if (rc > 0) {
		aio->in_kernel += (uint32_t)rc;
		return (uint32_t)rc;
	}
	if (rc == -EAGAIN && aio->in_kernel)
		return 0;
	refuse(aio, rc < 0 ? rc : -EIO);
	return 1;
}

static void push_all(struct aio *aio)
{
	while (aio->count) {
		uint32_t done = push_some(aio);

		if (!done)
			break;
		aio->count -= done;
		memmove(aio->batch, aio->batch + done, aio->count * sizeof(struct iocb *));
	}
}

static void push(struct qrt_block_p_engine *engine)
{
	push_all(aio_of(engine));
	qrt_block_p_engine_hand_over(engine);
}

/* A device that has nothing to do begins with the first one, and has something to do for as long as the
 * kernel looks at some more than it has: the batch need not be whole. */
static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct aio *aio = aio_of(engine);

	atomic_store(&op->claim, QRT_BLOCK_P_RUNS);
	if (!qrt_block_p_op_has_data(op) && (op->kind != QRT_BLOCK_FLUSH || aio->no_flush)) {
		qrt_block_p_engine_delegate(engine, op);
		return 0;
	}
	prepare(aio, &aio->blocks[op->index], op);
	aio->batch[aio->count++] = &aio->blocks[op->index];
	if (aio->count > EARLY * aio->in_kernel)
		push_all(aio);
	return 0;
}

/* The kernel's ring is in this process's memory: what it has there is taken without a system call. */
static struct events *events_of(const struct aio *aio)
{
	struct events *events = (struct events *)aio->context;

	return events->magic == EVENTS_MAGIC && !events->incompatible ? events : NULL;
}

static uint32_t take_events(struct aio *aio, struct events *events)
{
	uint32_t head = atomic_load_explicit(&events->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&events->tail, memory_order_acquire), count = 0;

	for (; head != tail; count++) {
		const struct io_event *event = &events->events[head];

		qrt_block_p_engine_answer(&aio->engine, event->data, (int64_t)event->res);
		head = (head + 1) % events->room;
	}
	if (count)
		atomic_store_explicit(&events->head, head, memory_order_release);
	return count;
}

static uint32_t ask_for_events(struct aio *aio)
{
	struct timespec now = {0};
	struct io_event events[EVENTS];
	int i, count = io_getevents(aio->context, 0, EVENTS, events, &now);

	for (i = 0; i < count; i++)
		qrt_block_p_engine_answer(&aio->engine, events[i].data, (int64_t)events[i].res);
	return count > 0 ? (uint32_t)count : 0;
}

static uint32_t reap_some(struct aio *aio)
{
	struct events *events = events_of(aio);
	uint32_t some, count = 0;

	if (events) {
		count = take_events(aio, events);
	} else {
		do {
			some = ask_for_events(aio);
			count += some;
		} while (some == EVENTS);
	}
	aio->in_kernel -= count;
	aio->unheard += count;
	return count;
}

/* The kernel rings once for each: where all were heard there is nothing to ask for. */
static int silence(struct aio *aio)
{
	eventfd_t rung;

	if (aio->unheard <= 0 || eventfd_read(aio->engine.event, &rung) < 0)
		return 0;
	aio->unheard -= (int64_t)rung;
	return 1;
}

/* As long as something comes the bell is left. It is taken down before one more look. */
static void reap(struct qrt_block_p_engine *engine)
{
	struct aio *aio = aio_of(engine);

	if (!reap_some(aio) && silence(aio))
		reap_some(aio);
	qrt_block_p_mailbox_take(engine->mailbox, &engine->done);
	push(engine);
}

/* One that is still in the batch is taken out of it; the kernel gives nothing back of files. */
static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct aio *aio = aio_of(engine);
	uint32_t i;

	for (i = 0; i < aio->count; i++) {
		if (aio->batch[i]->data != op)
			continue;
		aio->count--;
		memmove(aio->batch + i, aio->batch + i + 1, (aio->count - i) * sizeof(struct iocb *));
		qrt_block_p_engine_answer(engine, op, -ECANCELED);
		return 1;
	}
	return qrt_block_p_pool_drop(op);
}

static void finish(struct qrt_block_p_engine *engine)
{
	struct aio *aio = aio_of(engine);

	if (aio->context)
		io_destroy(aio->context);
	if (engine->event >= 0)
		close(engine->event);
	free(aio->blocks);
	free(aio->batch);
	free(aio);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit, .push = push, .reap = reap, .cancel = cancel, .close = finish};

int qrt_block_p_libaio_engine_open(const struct qrt_block_p_engine_config *config,
				   struct qrt_block_p_engine **ret_engine)
{
	struct aio *aio = calloc(1, sizeof(*aio));
	int rc = -ENOMEM;

	if (!aio)
		return -ENOMEM;
	qrt_block_p_engine_begin(&aio->engine, &type, config);
	aio->blocks = calloc(config->depth, sizeof(*aio->blocks));
	aio->batch = calloc(config->depth, sizeof(struct iocb *));
	if (aio->blocks && aio->batch) {
		aio->engine.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = aio->engine.event < 0 ? -errno : io_setup((int)config->depth, &aio->context);
	}
	if (rc < 0) {
		finish(&aio->engine);
		return rc;
	}
	*ret_engine = &aio->engine;
	return 0;
}

int qrt_block_p_libaio_probe(void)
{
	io_context_t context = NULL;
	int rc = io_setup(1, &context);

	if (rc >= 0)
		io_destroy(context);
	return rc;
}
