/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "queue_p.h"
#include "urgency_p.h"

/* Who waits says so before he tries for the last time: what was given back after that rings for him. */
static void await_range(struct qrt_block_queue *queue)
{
	if (!atomic_exchange(&queue->mailbox->awaits_range, 1))
		atomic_fetch_add(&queue->device->ranges.waiting, 1);
}

static void wake_all(struct qrt_block_device *device)
{
	uint32_t i;

	for (i = 0; atomic_load(&device->ranges.waiting) && i < device->mailboxes_count; i++) {
		if (!atomic_exchange(&device->mailboxes[i].awaits_range, 0))
			continue;
		atomic_fetch_sub(&device->ranges.waiting, 1);
		qrt_block_p_mailbox_ring(&device->mailboxes[i]);
	}
}

/* Workers that have it are as urgent as who waits for it. */
static void hurry(struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	const struct qrt_block_p_op change = {.kind = QRT_BLOCK_WRITE,
					      .priority = op->priority,
					      .offset = op->claim_of_range.offset,
					      .length = op->claim_of_range.length};

	qrt_block_p_urgency_meet(&queue->device->pool, &change);
}

static int try_once(struct qrt_block_device *device, struct qrt_block_p_op *op)
{
	int rc = qrt_block_p_ranges_take(&device->ranges, &op->claim_of_range);

	if (rc == -EAGAIN)
		wake_all(device);
	return rc > 0;
}

int qrt_block_p_range_begin(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	if (try_once(queue->device, op))
		return 1;
	await_range(queue);
	if (try_once(queue->device, op))
		return 1;
	hurry(queue, op);
	return 0;
}

void qrt_block_p_range_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	if (qrt_block_p_ranges_give(&queue->device->ranges, &op->claim_of_range))
		wake_all(queue->device);
}
