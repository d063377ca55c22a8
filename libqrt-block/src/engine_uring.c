/* SPDX-License-Identifier: MIT */
/* The engine of io_uring. Its ring's own descriptor says that there is something, and what is there is taken
 * without a system call. The file is not registered: a ring whose process was killed keeps what is
 * registered, and the file's locks with it, for as long as the kernel takes to finish the ring. So a request
 * has the file, and nothing else: it is locked while the kernel may still write to it, and no longer. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine_p.h"

#define BESIDE    64u /* entries for cancels */
#define IO_WQ_MAX 4u  /* threads of the kernel's for what it cannot do without waiting */

#define AGAIN_NS 1000000u

/* Of a queue of one thread: what the kernel leaves to that thread is done when it is in the kernel anyway.
 * Where others may look instead, they would wait for it, which may compute: there the kernel interrupts it.
 */
#define COOPERATE (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG)
/* The thread is the one that turns the ring on. */
#define SINGLE (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED)

struct uring {
	struct qrt_block_p_engine engine;
	struct io_uring ring;
	struct qrt_block_p_buffers buffers;
	uint32_t is_open;
	uint32_t is_off; /* until its thread submits */
};

static struct uring *uring_of(struct qrt_block_p_engine *engine)
{
	return (struct uring *)engine;
}

static struct io_uring_sqe *have_entry(struct uring *uring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&uring->ring);

	if (entry)
		return entry;
	io_uring_submit(&uring->ring);
	return io_uring_get_sqe(&uring->ring);
}

/* Memory that is at hand needs no pinning for this request. */
static int prepare_fixed(const struct uring *uring, struct io_uring_sqe *entry,
			 const struct qrt_block_p_op *op)
{
	int fd = uring->engine.device->fd, index;

	if (!uring->buffers.count || op->run_count != 1)
		return 0;
	index = qrt_block_p_buffers_find(&uring->buffers, op->run);
	if (index < 0)
		return 0;
	if (qrt_block_p_op_is_read(op))
		io_uring_prep_read_fixed(entry, fd, op->run->iov_base, (unsigned)op->run->iov_len, op->offset,
					 index);
	else
		io_uring_prep_write_fixed(entry, fd, op->run->iov_base, (unsigned)op->run->iov_len,
					  op->offset, index);
	return 1;
}

static void prepare(const struct uring *uring, struct io_uring_sqe *entry, struct qrt_block_p_op *op)
{
	int fd = uring->engine.device->fd;

	if (!prepare_fixed(uring, entry, op)) {
		if (qrt_block_p_op_is_read(op))
			io_uring_prep_readv(entry, fd, op->run, op->run_count, op->offset);
		else
			io_uring_prep_writev(entry, fd, op->run, op->run_count, op->offset);
	}
	if (op->flags & QRT_BLOCK_FUA)
		entry->rw_flags = RWF_DSYNC;
	entry->ioprio = (uint16_t)qrt_block_p_ioprio_of(op->priority);
	io_uring_sqe_set_data(entry, op);
}

/* What would go to threads of the kernel's, which have no role: flushes, long copies from or to the page
 * cache, and writes to it where the filesystem may wait. */
static int is_for_workers(struct qrt_block_p_engine *engine, const struct qrt_block_p_op *op)
{
	if (!qrt_block_p_op_has_data(op))
		return 1;
	if (engine->device->flags & QRT_BLOCK_DEVICE_DIRECT)
		return 0;
	if (op->length > QRT_BLOCK_P_CACHED_MAX)
		return 1;
	return !qrt_block_p_op_is_read(op) &&
	       atomic_load_explicit(&engine->device->at_once[1], memory_order_relaxed) == QRT_BLOCK_P_HAS_NOT;
}

/* The first writes find out whether the filesystem may wait. */
static int try_write(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	return !qrt_block_p_op_is_read(op) &&
	       atomic_load_explicit(&engine->device->at_once[1], memory_order_relaxed) ==
		       QRT_BLOCK_P_UNTRIED &&
	       qrt_block_p_engine_do_cached(engine, op);
}

/* As io_uring_enable_rings(), which the shared library of liburing 2.3 does not have. */
static void turn_on(struct uring *uring)
{
	if (uring->is_off)
		syscall(__NR_io_uring_register, uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	uring->is_off = 0;
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct io_uring_sqe *entry;

	if (try_write(engine, op))
		return 0;
	if (is_for_workers(engine, op)) {
		qrt_block_p_engine_delegate(engine, op);
		return 0;
	}
	entry = have_entry(uring_of(engine));
	if (!entry)
		return -EAGAIN;
	turn_on(uring_of(engine));
	op->mailbox = NULL;
	prepare(uring_of(engine), entry, op);
	return 0;
}

static void take_answers(struct uring *uring)
{
	struct io_uring_cqe *answer;
	unsigned head, count = 0;

	io_uring_for_each_cqe(&uring->ring, head, answer)
	{
		struct qrt_block_p_op *op = io_uring_cqe_get_data(answer);

		if (op)
			qrt_block_p_engine_answer(&uring->engine, op, answer->res);
		count++;
	}
	if (count)
		io_uring_cq_advance(&uring->ring, count);
}

/* What is cached is answered at once. What the kernel did not take stays in the ring, for the next time. */
static void push(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);

	qrt_block_p_engine_hand_over(engine);
	if (!io_uring_sq_ready(&uring->ring))
		return;
	io_uring_submit(&uring->ring);
	take_answers(uring);
}

/* Answers that wait for this thread to come into the kernel. */
static int are_held_back(const struct uring *uring)
{
	return (IO_URING_READ_ONCE(*uring->ring.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) !=
	       0;
}

static void reap(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);

	push(engine);
	qrt_block_p_mailbox_take(engine->mailbox, &engine->done);
	if (are_held_back(uring))
		io_uring_get_events(&uring->ring);
	take_answers(uring);
}

/* Asks the kernel, which may or may not give it back sooner. */
static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct uring *uring = uring_of(engine);
	struct io_uring_sqe *entry;

	if (op->mailbox)
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

static int set_buffers(struct qrt_block_p_engine *engine, struct qrt_block_p_buffers *buffers)
{
	struct uring *uring = uring_of(engine);
	int rc = 0;

	if (uring->buffers.count)
		io_uring_unregister_buffers(&uring->ring);
	qrt_block_p_buffers_finish(&uring->buffers);
	if (buffers->count)
		rc = io_uring_register_buffers(&uring->ring, buffers->pieces, buffers->count);
	if (rc < 0)
		return rc;
	uring->buffers = *buffers;
	*buffers = (struct qrt_block_p_buffers){NULL, 0};
	return 0;
}

/* Buffers are unregistered first: the kernel finishes a ring later, and would keep their pages until then. */
static void finish(struct qrt_block_p_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (uring->buffers.count)
		io_uring_unregister_buffers(&uring->ring);
	qrt_block_p_buffers_finish(&uring->buffers);
	if (uring->is_open) {
		atomic_fetch_sub(&engine->device->rings, 1);
		io_uring_queue_exit(&uring->ring);
	}
	free(uring);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit,
	.push = push,
	.reap = reap,
	.cancel = cancel,
	.get_due = get_due,
	.set_buffers = set_buffers,
	.close = finish,
};

/* With what the kernel knows: newer flags first. */
static int open_ring(struct uring *uring, uint32_t entries, int is_of_one_thread)
{
	static const uint32_t flags[] = {COOPERATE | SINGLE, COOPERATE, 0};
	uint32_t i = is_of_one_thread ? 0 : 2;
	int rc;

	do {
		rc = io_uring_queue_init(entries, &uring->ring, IORING_SETUP_CLAMP | flags[i]);
		uring->is_off = (flags[i] & IORING_SETUP_R_DISABLED) != 0;
	} while (rc == -EINVAL && ++i < sizeof(flags) / sizeof(flags[0]));
	uring->is_open = rc >= 0;
	if (rc >= 0) {
		uring->engine.event = uring->ring.ring_fd;
		atomic_fetch_add(&uring->engine.device->rings, 1);
	}
	return rc;
}

static int set_up(struct uring *uring, const struct qrt_block_p_engine_config *config)
{
	unsigned threads[2] = {IO_WQ_MAX, IO_WQ_MAX};
	int rc = open_ring(uring, config->depth + BESIDE, config->is_of_one_thread);

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

int qrt_block_p_uring_probe(uint32_t depth)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(depth + BESIDE, &ring, IORING_SETUP_CLAMP);

	if (rc >= 0)
		io_uring_queue_exit(&ring);
	return rc;
}
