/* SPDX-License-Identifier: MIT */
/* What a worker does with what it took: a group, or one op. */
#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute_p.h"
#include "group_p.h"
#include "pool_p.h"
#include "urgency_p.h"

#define TOGETHER    8u
#define TOGETHER_NS 20000u

/* ---- to give back ---- */

void qrt_block_p_worker_ring(struct qrt_block_p_worker *worker)
{
	if (worker->unrung)
		qrt_block_p_mailbox_ring(worker->unrung);
	worker->unrung = NULL;
	worker->unrung_count = 0;
}

/* A copy to the page cache takes less than to wake who waits for it. As long as they are short, and more are
 * there, some are left together. The next one may take long, though, in a filesystem that waits for its
 * device: so only where the queue looks soon by itself. */
static int may_ring_later(struct qrt_block_p_worker *worker, uint32_t priority, uint64_t now)
{
	return worker->lane == QRT_BLOCK_P_NARROW && priority != QRT_BLOCK_URGENT &&
	       worker->unrung_count < TOGETHER && now - worker->unrung_ns < TOGETHER_NS &&
	       qrt_block_p_lanes_has_narrow(&worker->pool->lanes) &&
	       qrt_block_p_mailbox_is_on_guard(worker->unrung);
}

/* All of a group are of one queue. */
static void give_back(struct qrt_block_p_worker *worker, struct qrt_block_p_op *const *ops, uint32_t count)
{
	struct qrt_block_p_mailbox *mailbox = ops[0]->mailbox;
	uint32_t i, priority = ops[0]->priority;
	uint64_t now = qrt_block_p_now();

	if (worker->unrung != mailbox)
		qrt_block_p_worker_ring(worker);
	if (!worker->unrung)
		worker->unrung_ns = worker->begun_ns;
	worker->unrung = mailbox;
	worker->unrung_count += count;
	for (i = 0; i < count; i++)
		qrt_block_p_mailbox_leave(mailbox, ops[i]);
	if (!may_ring_later(worker, priority, now))
		qrt_block_p_worker_ring(worker);
}

/* ---- to do it ---- */

static void set_ioprio(struct qrt_block_p_worker *worker, uint32_t priority)
{
	if (worker->ioprio == priority)
		return;
	worker->ioprio = priority;
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, qrt_block_p_ioprio_of(priority));
}

static void execute_one(struct qrt_block_p_worker *worker, struct qrt_block_p_op *op)
{
	qrt_block_p_urgency_begin(worker, op, qrt_block_p_rank_of(op->priority));
	set_ioprio(worker, op->priority);
	op->answer = qrt_block_p_execute(worker->pool->device, op);
	op->answered_ns = qrt_block_p_now();
	qrt_block_p_urgency_end(worker);
	give_back(worker, &op, 1);
}

static int execute_together(struct qrt_block_p_worker *worker, struct qrt_block_p_op *const *ops,
			    uint32_t count)
{
	struct qrt_block_p_op all = {.kind = ops[0]->kind, .offset = ops[0]->offset};
	int is_done;

	all.length = ops[count - 1]->offset + ops[count - 1]->length - all.offset;
	qrt_block_p_urgency_begin(worker, &all, qrt_block_p_rank_of(ops[0]->priority));
	set_ioprio(worker, ops[0]->priority);
	is_done = qrt_block_p_group_execute(worker->pool->device, ops, count);
	qrt_block_p_urgency_end(worker);
	if (is_done)
		give_back(worker, ops, count);
	return is_done;
}

/* What is done is not kept until the next one is. */
static void execute(struct qrt_block_p_worker *worker, struct qrt_block_p_op *const *ops, uint32_t count)
{
	uint32_t i;

	if (count > 1 && execute_together(worker, ops, count))
		return;
	for (i = 0; i < count; i++)
		execute_one(worker, ops[i]);
}

/* Those of the group that were dropped meanwhile are left out, and what is on both sides of them is not side
 * by side. Returns how many of them are given back. */
static uint32_t do_some(struct qrt_block_p_worker *worker, struct qrt_block_p_op *const *ops, uint32_t all)
{
	uint32_t count, unclaimed;

	for (count = 0; count < all; count++) {
		unclaimed = QRT_BLOCK_P_UNCLAIMED;
		if (!atomic_compare_exchange_strong(&ops[count]->claim, &unclaimed, QRT_BLOCK_P_RUNS))
			break;
	}
	if (count)
		execute(worker, ops, count);
	if (count == all)
		return count;
	give_back(worker, ops + count, 1);
	return count + 1;
}

void qrt_block_p_worker_do(struct qrt_block_p_worker *worker, struct qrt_block_p_op *op)
{
	struct qrt_block_p_op *ops[QRT_BLOCK_P_GROUP_OPS];
	uint32_t count = 0, done;

	worker->begun_ns = qrt_block_p_now();
	for (; op; op = op->next)
		ops[count++] = op;
	for (done = 0; done < count; done += do_some(worker, ops + done, count - done))
		;
}
