/* SPDX-License-Identifier: MIT */
/* Deadlines: a heap, the earliest first, and one timer for it. */
#include <sys/timerfd.h>
#include <unistd.h>

#include "queue_p.h"

static void put(struct qrt_block_queue *queue, uint32_t place, struct qrt_block_p_op *op)
{
	queue->heap[place] = op;
	op->heap_index = place;
}

static void rise(struct qrt_block_queue *queue, uint32_t place, struct qrt_block_p_op *op)
{
	while (place && queue->heap[(place - 1) / 2]->deadline_ns > op->deadline_ns) {
		put(queue, place, queue->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(queue, place, op);
}

static void sink(struct qrt_block_queue *queue, uint32_t place, struct qrt_block_p_op *op)
{
	uint32_t child;

	while ((child = 2 * place + 1) < queue->heap_count) {
		if (child + 1 < queue->heap_count &&
		    queue->heap[child + 1]->deadline_ns < queue->heap[child]->deadline_ns)
			child++;
		if (queue->heap[child]->deadline_ns >= op->deadline_ns)
			break;
		put(queue, place, queue->heap[child]);
		place = child;
	}
	put(queue, place, op);
}

void qrt_block_p_heap_add(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	if (op->deadline_ns)
		rise(queue, queue->heap_count++, op);
}

void qrt_block_p_heap_remove(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	uint32_t place = op->heap_index;
	struct qrt_block_p_op *last;

	if (place == QRT_BLOCK_P_NOT_IN_HEAP)
		return;
	op->heap_index = QRT_BLOCK_P_NOT_IN_HEAP;
	last = queue->heap[--queue->heap_count];
	if (last == op)
		return;
	if (place && queue->heap[(place - 1) / 2]->deadline_ns > last->deadline_ns)
		rise(queue, place, last);
	else
		sink(queue, place, last);
}

/* ---- the timer ---- */

static uint64_t next_due(const struct qrt_block_queue *queue)
{
	const struct qrt_block_p_engine *engine = queue->engine;
	uint64_t due = engine->type->get_due ? engine->type->get_due(engine) : 0;

	if (queue->heap_count && (!due || queue->heap[0]->deadline_ns < due))
		due = queue->heap[0]->deadline_ns;
	if (queue->throttled_ns && (!due || queue->throttled_ns < due))
		due = queue->throttled_ns;
	if (queue->guard_ns && (!due || queue->guard_ns < due))
		due = queue->guard_ns;
	return due;
}

/* One that is armed too early is left: it wakes for nothing once, which costs less than to set it each time.
 */
void qrt_block_p_timer_arm(struct qrt_block_queue *queue)
{
	uint64_t due = next_due(queue);
	struct itimerspec when = {0};

	if (!due || (queue->armed_ns && queue->armed_ns <= due))
		return;
	when.it_value.tv_sec = (time_t)(due / 1000000000u);
	when.it_value.tv_nsec = (long)(due % 1000000000u);
	if (timerfd_settime(queue->timer, TFD_TIMER_ABSTIME, &when, NULL) >= 0)
		queue->armed_ns = due;
}

void qrt_block_p_timer_quiet(struct qrt_block_queue *queue, uint64_t now)
{
	uint64_t count;

	if (queue->armed_ns && queue->armed_ns <= now && read(queue->timer, &count, sizeof(count)) > 0)
		queue->armed_ns = 0;
}
