/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/eventfd.h>

#include "queue_p.h"
#include "throttle_p.h"
#include "urgency_p.h"

#define RETRIES_MAX 16u

/* What a worker left without a ring is seen after that at the latest. Shorter, it would cost who looks more
 * than the rings that it saves. */
#define GUARD_NS 500000u

static struct qrt_block_priority_statistics *counts_of(struct qrt_block_queue *queue,
						       const struct qrt_block_p_op *op)
{
	return &queue->statistics.priorities[op->priority];
}

/* ---- to be harvested ---- */

void qrt_block_p_queue_ready(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	op->is_ready = 1;
	op->next_ready = NULL;
	if (queue->ready_last)
		queue->ready_last->next_ready = op;
	else
		queue->ready_first = op;
	queue->ready_last = op;
}

void qrt_block_p_queue_ring(struct qrt_block_queue *queue)
{
	if (queue->ready_first && !queue->is_rung)
		queue->is_rung = eventfd_write(queue->bell, 1) >= 0;
}

void qrt_block_p_queue_silence(struct qrt_block_queue *queue)
{
	eventfd_t count;

	if (queue->is_rung && !queue->ready_first)
		queue->is_rung = eventfd_read(queue->bell, &count) < 0;
}

/* ---- to the engine ---- */

static void wait_again(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	op->is_waiting = 1;
	queue->waiting_count++;
	counts_of(queue, op)->queued++;
	qrt_block_p_list_add_first(&queue->waiting[qrt_block_p_rank_of(op->priority)], op);
}

static void leave_waiting(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	op->is_waiting = 0;
	queue->waiting_count--;
	counts_of(queue, op)->queued--;
	qrt_block_p_list_remove(&queue->waiting[qrt_block_p_rank_of(op->priority)], op);
}

/* 1: all throttles let it go; 0: one does not yet, and the others have back what they took. */
static int pay(struct qrt_block_queue *queue, struct qrt_block_p_op *op, uint64_t now)
{
	struct qrt_block_throttle *const *throttles = queue->device->throttles;
	struct qrt_block_p_cost cost = qrt_block_p_cost_of(op);

	if (op->is_paid || (!throttles[0] && !throttles[1]))
		return 1;
	if (throttles[0])
		queue->throttled_ns = qrt_block_p_throttle_take(throttles[0], &cost, now);
	if (queue->throttled_ns)
		return 0;
	if (throttles[1])
		queue->throttled_ns = qrt_block_p_throttle_take(throttles[1], &cost, now);
	if (queue->throttled_ns && throttles[0])
		qrt_block_p_throttle_give_back(throttles[0], &cost);
	op->is_paid = !queue->throttled_ns;
	return op->is_paid;
}

static int may_go_on(struct qrt_block_queue *queue, struct qrt_block_p_op *op, uint64_t now)
{
	return counts_of(queue, op)->in_flight < queue->bounds[op->priority] && pay(queue, op, now) &&
	       qrt_block_p_window_begin(queue, op) && qrt_block_p_range_begin(queue, op);
}

/* The device was made shorter since it was submitted: to write there would make it longer again. */
static int is_past_the_end(const struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	return op->offset + op->length > atomic_load_explicit(&queue->device->capacity, memory_order_relaxed);
}

/* 0: it has to wait, and those behind it, too. What is late already is not begun. */
static int hand_on(struct qrt_block_queue *queue, struct qrt_block_p_op *op, uint64_t now)
{
	if (op->deadline_ns && op->deadline_ns <= now) {
		qrt_block_p_queue_end(queue, op, -ETIME, QRT_BLOCK_DETAIL_DEADLINE, now);
		return 1;
	}
	if (is_past_the_end(queue, op)) {
		qrt_block_p_queue_end(queue, op, -EIO, QRT_BLOCK_DETAIL_TRUNCATED, now);
		return 1;
	}
	if (!may_go_on(queue, op, now))
		return 0;
	leave_waiting(queue, op);
	op->answered_ns = 0;
	if (queue->engine->type->submit(queue->engine, op) < 0) {
		wait_again(queue, op);
		return 0;
	}
	/* A worker says what it is at by itself. */
	if (queue->engine->event >= 0)
		qrt_block_p_urgency_meet(&queue->device->pool, op);
	op->is_inside = 1;
	op->started_ns = op->started_ns ? op->started_ns : now;
	queue->inside++;
	counts_of(queue, op)->in_flight++;
	return 1;
}

static void hand_on_all(struct qrt_block_queue *queue, uint64_t now)
{
	uint32_t rank;

	/* What is throttled is not overtaken by what is smaller and less urgent. */
	queue->throttled_ns = 0;
	for (rank = 0; rank < QRT_BLOCK_PRIORITIES && !queue->throttled_ns; rank++) {
		while (queue->waiting[rank].first && hand_on(queue, queue->waiting[rank].first, now))
			;
	}
	queue->engine->type->push(queue->engine);
}

/* ---- back from it ---- */

static void give_up_what_it_has(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	qrt_block_p_window_end(queue, op);
	qrt_block_p_range_end(queue, op);
}

static void finish(struct qrt_block_queue *queue, struct qrt_block_p_op *op, int64_t result, uint32_t detail)
{
	qrt_block_p_heap_remove(queue, op);
	give_up_what_it_has(queue, op);
	op->result = result;
	op->detail = detail;
	op->done_ns = op->answered_ns;
	qrt_block_p_queue_count(queue, op);
	qrt_block_p_queue_ready(queue, op);
}

/* Of several turns the bytes of all. */
static int64_t what_became_of(const struct qrt_block_p_op *op)
{
	if (op->answer >= 0 && op->is_by_window)
		return qrt_block_p_window_result(op);
	if (op->answer < 0 || !qrt_block_p_op_has_data(op))
		return op->answer;
	return (int64_t)(op->total - op->length) + op->answer;
}

/* Its DONE was said, or is about to be: what became of it is said only where somebody waits for that. */
static void release(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	give_up_what_it_has(queue, op);
	if (op->is_ready) {
		op->is_held = 0; /* so no RELEASED is needed */
	} else if (op->is_held) {
		op->is_released = 1;
		op->result = what_became_of(op);
		op->detail = op->result < 0 ? qrt_block_p_detail_of(op->result) : QRT_BLOCK_DETAIL_NONE;
		qrt_block_p_queue_ready(queue, op);
	} else {
		op->is_used = 0;
		qrt_block_p_list_add_first(&queue->free, op);
	}
}

/* Codes that a kernel gives for reasons of its own. -ECANCELED of one that nobody cancelled: a cancel that
 * came too late for the one before it in its slot. */
static int is_passing(const struct qrt_block_p_op *op)
{
	return (op->answer == -EAGAIN || op->answer == -EINTR || op->answer == -ECANCELED) &&
	       op->retries < RETRIES_MAX;
}

/* What it was to do in this turn is done, or a part of it. */
static void take_answer(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	if (qrt_block_p_op_has_data(op))
		qrt_block_p_op_advance(op, (uint64_t)op->answer);
	else
		op->length = 0;
	if (op->length || qrt_block_p_window_go_on(queue, op))
		wait_again(queue, op);
	else
		finish(queue, op, qrt_block_p_op_has_data(op) ? (int64_t)op->total : 0,
		       QRT_BLOCK_DETAIL_NONE);
}

static void take_back(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	op->is_inside = 0;
	queue->inside--;
	counts_of(queue, op)->in_flight--;
	if (op->is_ended) {
		release(queue, op);
	} else if (op->answer < 0 && is_passing(op)) {
		op->retries++;
		wait_again(queue, op);
	} else if (op->answer < 0) {
		finish(queue, op, op->answer, qrt_block_p_detail_of(op->answer));
	} else if (!op->answer && qrt_block_p_op_has_data(op)) {
		finish(queue, op, -EIO,
		       qrt_block_p_op_is_read(op) ? QRT_BLOCK_DETAIL_TRUNCATED : QRT_BLOCK_DETAIL_DEVICE);
	} else {
		take_answer(queue, op);
	}
}

static int collect(struct qrt_block_queue *queue)
{
	struct qrt_block_p_op *op;
	uint64_t now = 0;
	int count = 0;

	for (; (op = qrt_block_p_list_take(&queue->engine->done)); count++) {
		now = now || op->answered_ns ? now : qrt_block_p_now();
		op->answered_ns = op->answered_ns ? op->answered_ns : now;
		take_back(queue, op);
	}
	return count;
}

/* Engines that do it at once make room at once. */
void qrt_block_p_queue_dispatch(struct qrt_block_queue *queue, uint64_t now)
{
	do {
		hand_on_all(queue, now);
	} while (collect(queue) && queue->waiting_count);
}

/* ---- before its time ---- */

/* The engine has it, and will touch the caller's memory, or what later requests may change, too. */
static int is_to_be_waited_for(const struct qrt_block_p_op *op)
{
	return qrt_block_p_op_is_change(op) || (qrt_block_p_op_has_data(op) && !op->bounce);
}

void qrt_block_p_queue_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op, int64_t result,
			   uint32_t detail, uint64_t now)
{
	op->is_ended = 1;
	op->result = result;
	op->detail = detail;
	op->done_ns = now;
	qrt_block_p_heap_remove(queue, op);
	if (op->is_waiting) {
		leave_waiting(queue, op);
		give_up_what_it_has(queue, op);
	} else if (!queue->engine->type->cancel(queue->engine, op)) {
		op->is_held = is_to_be_waited_for(op);
	}
	qrt_block_p_queue_count(queue, op);
	qrt_block_p_queue_ready(queue, op);
}

static void end_late(struct qrt_block_queue *queue, uint64_t now)
{
	while (queue->heap_count && queue->heap[0]->deadline_ns <= now)
		qrt_block_p_queue_end(queue, queue->heap[0], -ETIME, QRT_BLOCK_DETAIL_DEADLINE, now);
}

static void take_in(struct qrt_block_queue *queue)
{
	queue->engine->type->reap(queue->engine);
	collect(queue);
}

static void set_guard(struct qrt_block_queue *queue, uint64_t until)
{
	/* The timer is set again, if at all: it is not to wake for nothing. */
	if (queue->armed_ns == queue->guard_ns)
		queue->armed_ns = 0;
	queue->guard_ns = until;
	qrt_block_p_mailbox_set_guard(queue->mailbox, until != 0);
}

/* A worker asks for it when it could save rings. As long as it does, and this comes by now and then, it costs
 * that the timer is put off; where requests take long nobody asks. What was left until now is taken in, or
 * was by who calls. */
static void keep_guard(struct qrt_block_queue *queue, uint64_t now)
{
	int is_wanted = queue->inside && qrt_block_p_mailbox_wants_guard(queue->mailbox);
	int is_over = queue->guard_ns && queue->guard_ns <= now;

	if (is_wanted && queue->guard_ns <= now + GUARD_NS / 2)
		set_guard(queue, now + GUARD_NS);
	else if (is_over)
		set_guard(queue, 0);
	if (is_over)
		take_in(queue);
}

void qrt_block_p_queue_progress(struct qrt_block_queue *queue)
{
	uint64_t now;

	take_in(queue);
	now = qrt_block_p_now();
	qrt_block_p_timer_quiet(queue, now);
	keep_guard(queue, now);
	end_late(queue, now);
	queue->throttled_ns = 0;
	if (queue->waiting_count)
		qrt_block_p_queue_dispatch(queue, now);
	qrt_block_p_timer_arm(queue);
}
