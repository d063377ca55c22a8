/* SPDX-License-Identifier: MIT */
/* The engine of io_uring. Its ring rings an eventfd: the ring's own descriptor says nothing with
 * IORING_SETUP_DEFER_TASKRUN as long as nobody enters the kernel. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine_p.h"

#define BESIDE    64u /* entries for cancels */
#define IO_WQ_MAX 4u  /* threads of the kernel's for what it cannot do without waiting */

#define AGAIN_NS 1000000u

#define SHARED_FLAGS (IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN)
#define ONE_THREAD_FLAGS                                                                                     \
	(IORING_SETUP_CLAMP | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |                      \
	 IORING_SETUP_R_DISABLED)

struct uring {
	struct qrt_block_p_engine engine;
	struct io_uring ring;
	uint32_t in_kernel; /* ops that it has not answered */
	uint32_t is_open, is_deferred, is_disabled, has_fd, has_event;
};

static struct uring *uring_of(struct qrt_block_p_engine *engine)
{
	return (struct uring *)engine;
}

/* The thread that comes first is the one that the ring knows. By the system call: liburing 2.3 declares a
 * function for it and does not export it. */
static void enable(struct uring *uring)
{
	if (uring->is_disabled &&
	    syscall(SYS_io_uring_register, uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) >= 0)
		uring->is_disabled = 0;
}

static struct io_uring_sqe *have_entry(struct uring *uring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&uring->ring);

	if (entry)
		return entry;
	io_uring_submit(&uring->ring);
	return io_uring_get_sqe(&uring->ring);
}

static void prepare(struct io_uring_sqe *entry, const struct qrt_block_p_op *op)
{
	if (op->kind == QRT_BLOCK_FLUSH)
		io_uring_prep_fsync(entry, 0, IORING_FSYNC_DATASYNC);
	else if (qrt_block_p_op_is_read(op))
		io_uring_prep_readv(entry, 0, op->run, op->run_count, op->offset);
	else
		io_uring_prep_writev2(entry, 0, op->run, op->run_count, op->offset,
				      op->flags & QRT_BLOCK_FUA ? RWF_DSYNC : 0);
	if (op->kind != QRT_BLOCK_FLUSH)
		entry->ioprio = (uint16_t)qrt_block_p_ioprio_of(op->priority);
}

/* What the kernel can copy from or to the page cache it does at once, in the call of who submits. */
static unsigned entry_flags(const struct uring *uring, const struct qrt_block_p_op *op)
{
	int is_long_copy = !(uring->engine.device->flags & QRT_BLOCK_DEVICE_DIRECT) &&
			   op->kind != QRT_BLOCK_FLUSH && op->length > QRT_BLOCK_P_CACHED_MAX;

	return IOSQE_FIXED_FILE | (is_long_copy ? IOSQE_ASYNC : 0);
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct uring *uring = uring_of(engine);
	struct io_uring_sqe *entry;

	atomic_store(&op->claim, QRT_BLOCK_P_RUNS);
	if (!qrt_block_p_op_has_data(op) && op->kind != QRT_BLOCK_FLUSH) {
		qrt_block_p_engine_delegate(engine, op);
		return 0;
	}
	enable(uring);
	entry = have_entry(uring);
	if (!entry)
		return -EAGAIN;
	prepare(entry, op);
	io_uring_sqe_set_flags(entry, entry_flags(uring, op));
	io_uring_sqe_set_data(entry, op);
	uring->in_kernel++;
	return 0;
}

/* How many ops. */
static unsigned take_answers(struct uring *uring)
{
	struct io_uring_cqe *answer;
	unsigned head, count = 0, ops = 0;

	io_uring_for_each_cqe(&uring->ring, head, answer)
	{
		struct qrt_block_p_op *op = io_uring_cqe_get_data(answer);

		if (op)
			qrt_block_p_engine_answer(&uring->engine, op, answer->res);
		ops += op != NULL;
		count++;
	}
	io_uring_cq_advance(&uring->ring, count);
	uring->in_kernel -= ops;
	return ops;
}

/* What is cached is answered at once. What the kernel did not take stays in the ring, for the next time. */
static void push(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (!io_uring_sq_ready(&uring->ring))
		return;
	io_uring_submit(&uring->ring);
	take_answers(uring);
}

/* The bell is taken down before the look. Where all is answered already it is left, and taken down by the
 * next one, which finds nothing: who submits again and again saves the calls. */
static void reap(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);
	eventfd_t rung;

	push(engine);
	qrt_block_p_mailbox_take(engine->mailbox, &engine->done);
	if ((take_answers(uring) || engine->done.first) && !uring->in_kernel)
		return;
	eventfd_read(engine->event, &rung);
	if (!uring->is_disabled && (uring->is_deferred || io_uring_cq_has_overflow(&uring->ring)))
		io_uring_get_events(&uring->ring);
	take_answers(uring);
}

/* Asks the kernel, which may or may not give it back sooner. */
static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct uring *uring = uring_of(engine);
	struct io_uring_sqe *entry;

	if (!qrt_block_p_op_has_data(op) && op->kind != QRT_BLOCK_FLUSH)
		return qrt_block_p_pool_drop(op);
	entry = have_entry(uring);
	if (entry) {
		io_uring_prep_cancel(entry, op, 0);
		io_uring_sqe_set_data(entry, NULL);
		io_uring_submit(&uring->ring);
	}
	return 0;
}

/* What the kernel did not take now is offered again soon: nothing else may wake for it. */
static uint64_t get_due(const struct qrt_block_p_engine *engine)
{
	const struct uring *uring = (const struct uring *)engine;

	return io_uring_sq_ready(&uring->ring) ? qrt_block_p_now() + AGAIN_NS : 0;
}

/* What is registered is unregistered first: the end of a ring is finished by the kernel later, and would keep
 * the file, and its locks, open until then. */
static void finish(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (uring->has_event)
		io_uring_unregister_eventfd(&uring->ring);
	if (uring->has_fd)
		io_uring_unregister_files(&uring->ring);
	if (uring->is_open) {
		atomic_fetch_sub(&engine->device->rings, 1);
		io_uring_queue_exit(&uring->ring);
	}
	if (engine->event >= 0)
		close(engine->event);
	free(uring);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit, .push = push, .reap = reap, .cancel = cancel, .get_due = get_due, .close = finish};

/* With what the kernel knows: newer flags first. */
static int open_ring(struct uring *uring, uint32_t entries, uint32_t is_one_thread)
{
	int rc = -EINVAL;

	if (is_one_thread) {
		rc = io_uring_queue_init(entries, &uring->ring, ONE_THREAD_FLAGS);
		uring->is_deferred = uring->is_disabled = rc >= 0;
	}
	if (rc == -EINVAL)
		rc = io_uring_queue_init(entries, &uring->ring, SHARED_FLAGS);
	if (rc == -EINVAL)
		rc = io_uring_queue_init(entries, &uring->ring, IORING_SETUP_CLAMP);
	uring->is_open = rc >= 0;
	if (rc >= 0)
		atomic_fetch_add(&uring->engine.device->rings, 1);
	return rc;
}

static int set_up(struct uring *uring, const struct qrt_block_p_engine_config *config)
{
	unsigned threads[2] = {IO_WQ_MAX, IO_WQ_MAX};
	int rc = open_ring(uring, config->depth + BESIDE, config->is_one_thread);

	if (rc >= 0) {
		uring->engine.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = uring->engine.event < 0 ? -errno : 0;
	}
	if (rc >= 0) {
		rc = io_uring_register_eventfd(&uring->ring, uring->engine.event);
		uring->has_event = rc >= 0;
	}
	if (rc >= 0) {
		rc = io_uring_register_files(&uring->ring, &config->device->fd, 1);
		uring->has_fd = rc >= 0;
	}
	if (rc >= 0)
		io_uring_register_iowq_max_workers(&uring->ring, threads); /* since 5.15 */
	return rc;
}

int qrt_block_p_uring_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine **ret_engine)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int rc;

	if (!uring)
		return -ENOMEM;
	qrt_block_p_engine_begin(&uring->engine, &type, config);
	rc = set_up(uring, config);
	if (rc < 0) {
		finish(&uring->engine);
		return rc;
	}
	*ret_engine = &uring->engine;
	return 0;
}

int qrt_block_p_uring_probe(void)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(2, &ring, 0);

	if (rc >= 0)
		io_uring_queue_exit(&ring);
	return rc;
}
