/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "queue_p.h"

static uint64_t id_of(const struct qrt_block_p_op *op)
{
	return (uint64_t)op->generation << 32 | op->index;
}

static int64_t result_of(uint32_t detail)
{
	if (detail == QRT_BLOCK_DETAIL_NONE)
		return 0;
	return detail == QRT_BLOCK_DETAIL_READ_ONLY ? -EROFS : -EINVAL;
}

/* It is refused, or there is nothing to do. */
static void answer(struct qrt_block_queue *queue, struct qrt_block_p_op *op, uint32_t detail)
{
	op->result = result_of(detail);
	op->detail = detail;
	op->done_ns = op->submitted_ns;
	qrt_block_p_queue_count(queue, op);
	qrt_block_p_queue_ready(queue, op);
}

static void take(struct qrt_block_queue *queue, struct qrt_block_request *request, uint64_t now)
{
	struct qrt_block_p_op *op = qrt_block_p_list_take(&queue->free);
	uint32_t detail;

	op->generation++;
	op->is_used = 1;
	op->is_waiting = op->is_inside = op->is_ready = op->is_ended = op->is_held = op->is_released =
		op->is_paid = 0;
	op->is_by_window = op->turn = op->retries = 0;
	op->claim_of_range = (struct qrt_block_p_range_claim){0};
	op->submitted_ns = now;
	op->started_ns = 0;
	op->deadline_ns = 0;
	request->id = id_of(op);
	detail = qrt_block_p_request_take(queue, op, request);
	if (detail || (op->kind == QRT_BLOCK_DISCARD && !op->length)) {
		answer(queue, op, detail);
		return;
	}
	op->is_waiting = 1;
	queue->waiting_count++;
	queue->statistics.priorities[op->priority].queued++;
	qrt_block_p_list_add(&queue->waiting[qrt_block_p_rank_of(op->priority)], op);
	qrt_block_p_heap_add(queue, op);
}

int qrt_block_queue_submit(struct qrt_block_queue *queue, struct qrt_block_request *requests, size_t count)
{
	uint64_t now = qrt_block_p_now();
	size_t i;

	for (i = 0; i < count && queue->free.first; i++)
		take(queue, &requests[i], now);
	if (!i)
		return count ? -EAGAIN : 0;
	qrt_block_p_queue_dispatch(queue, now);
	qrt_block_p_timer_arm(queue);
	if (!queue->is_harvested)
		qrt_block_p_queue_ring(queue);
	return (int)i;
}

int qrt_block_queue_cancel(struct qrt_block_queue *queue, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	struct qrt_block_p_op *op;

	if (index >= queue->depth)
		return -ENOENT;
	op = &queue->ops[index];
	if (!op->is_used || op->generation != id >> 32 || op->is_ended || op->is_ready)
		return -ENOENT;
	qrt_block_p_queue_end(queue, op, -ECANCELED, QRT_BLOCK_DETAIL_CANCELLED, qrt_block_p_now());
	qrt_block_p_queue_ring(queue);
	return 0;
}

/* ---- harvest ---- */

static void fill(const struct qrt_block_p_op *op, struct qrt_block_completion *ret)
{
	*ret = (struct qrt_block_completion){
		.id = id_of(op),
		.user = op->user,
		.result = op->result,
		.kind = op->is_released ? QRT_BLOCK_RELEASED : QRT_BLOCK_DONE,
		.flags = op->is_held && !op->is_released ? QRT_BLOCK_HELD : 0,
		.detail = op->detail,
		.priority = op->priority,
		.submitted_ns = op->submitted_ns,
		.started_ns = op->started_ns,
		.done_ns = op->done_ns,
	};
}

static void harvest_one(struct qrt_block_queue *queue, struct qrt_block_completion *ret)
{
	struct qrt_block_p_op *op = queue->ready_first;

	queue->ready_first = op->next_ready;
	if (!queue->ready_first)
		queue->ready_last = NULL;
	op->is_ready = 0;
	fill(op, ret);
	if (op->is_inside)
		return;
	op->is_used = 0;
	qrt_block_p_list_add_first(&queue->free, op);
}

int qrt_block_queue_harvest(struct qrt_block_queue *queue, struct qrt_block_completion *ret_completions,
			    size_t max)
{
	size_t count = 0;

	qrt_block_p_queue_progress(queue);
	while (count < max && count < INT32_MAX && queue->ready_first)
		harvest_one(queue, &ret_completions[count++]);
	if (count)
		qrt_block_p_queue_ring(queue);
	else
		qrt_block_p_queue_silence(queue);
	return (int)count;
}
