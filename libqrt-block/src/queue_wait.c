/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>

#include "queue_p.h"

/* Not for the bell: what is ready is no reason to wake. */
static int wait_for_more(const struct qrt_block_queue *queue, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = queue->mailbox->event, .events = POLLIN},
		{.fd = queue->engine->event, .events = POLLIN},
		{.fd = queue->timer, .events = POLLIN},
	};

	return poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms);
}

/* The kernel's own bells are left as they are: to turn them off and on costs more than they do. */
int qrt_block_queue_enable_fd(struct qrt_block_queue *queue, int is_enabled)
{
	queue->is_silent = !is_enabled;
	qrt_block_p_mailbox_set_silent(queue->mailbox, queue->is_silent);
	return 0;
}

/* What is left, in whole milliseconds; at least one as long as there is any. */
static int left(uint64_t end, uint64_t now)
{
	return now >= end ? 0 : (int)((end - now + 999999) / 1000000);
}

int qrt_block_queue_drain(struct qrt_block_queue *queue, int timeout_ms)
{
	uint64_t end = qrt_block_p_now() + (timeout_ms > 0 ? (uint64_t)timeout_ms * 1000000u : 0);
	int rc = 0;

	qrt_block_p_mailbox_set_silent(queue->mailbox, 0);
	for (;;) {
		int wait = timeout_ms < 0 ? -1 : left(end, qrt_block_p_now());

		qrt_block_p_queue_progress(queue);
		if (!queue->inside && !queue->waiting_count)
			break;
		if (!wait) {
			rc = -ETIMEDOUT;
			break;
		}
		wait_for_more(queue, wait);
	}
	qrt_block_p_mailbox_set_silent(queue->mailbox, queue->is_silent);
	qrt_block_p_queue_ring(queue);
	return rc;
}
