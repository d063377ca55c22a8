/* SPDX-License-Identifier: MIT */
#include "queue_p.h"

/* Two for each power of two. */
uint32_t qrt_block_p_latency_index(uint64_t ns)
{
	uint32_t power, index;

	if (ns < 2)
		return 0;
	power = 63u - (uint32_t)__builtin_clzll(ns);
	index = 2 * power + (uint32_t)(ns >> (power - 1) & 1);
	return index < QRT_BLOCK_LATENCIES ? index : QRT_BLOCK_LATENCIES - 1;
}

void qrt_block_p_queue_count(struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	struct qrt_block_priority_statistics *counts = &queue->statistics.priorities[op->priority];

	switch (op->detail) {
	case QRT_BLOCK_DETAIL_NONE:
		counts->done++;
		counts->latency[qrt_block_p_latency_index(op->done_ns - op->submitted_ns)]++;
		break;
	case QRT_BLOCK_DETAIL_DEADLINE:
		counts->late++;
		break;
	case QRT_BLOCK_DETAIL_CANCELLED:
		counts->cancelled++;
		break;
	case QRT_BLOCK_DETAIL_TRUNCATED:
	case QRT_BLOCK_DETAIL_SPACE:
	case QRT_BLOCK_DETAIL_GONE:
	case QRT_BLOCK_DETAIL_DEVICE:
	case QRT_BLOCK_DETAIL_DAMAGED:
		counts->failed++;
		break;
	default:
		counts->refused++;
		break;
	}
}

int qrt_block_queue_get_statistics(const struct qrt_block_queue *queue,
				   struct qrt_block_queue_statistics *ret_statistics)
{
	return qrt_p_struct_give(ret_statistics, &queue->statistics, sizeof(queue->statistics));
}
