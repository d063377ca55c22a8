/* SPDX-License-Identifier: MIT */
/* What takes long without a file: zeroes, and clusters that are compressed. */
#include <errno.h>
#include <string.h>

#include "qcow2_queue_p.h"

struct iovec qrt_block_p_qcow2_cursor_next(struct qrt_block_p_qcow2_cursor *cursor, uint64_t max)
{
	struct iovec next = {(char *)cursor->part->iov_base + cursor->inside,
			     cursor->part->iov_len - cursor->inside};

	if (next.iov_len > max) {
		next.iov_len = max;
		cursor->inside += max;
	} else {
		cursor->part++;
		cursor->inside = 0;
	}
	return next;
}

void qrt_block_p_qcow2_fill(struct qrt_block_p_qcow2_cursor cursor, const uint8_t *from, uint64_t length)
{
	while (length) {
		struct iovec part = qrt_block_p_qcow2_cursor_next(&cursor, length);

		if (from) {
			memcpy(part.iov_base, from, part.iov_len);
			from += part.iov_len;
		} else {
			memset(part.iov_base, 0, part.iov_len);
		}
		length -= part.iov_len;
	}
}

static int inflate_cluster(struct qrt_block_p_qcow2_scratch *scratch)
{
	int rc;

	if (scratch->is_full)
		return 0;
	rc = qrt_block_p_qcow2_inflate(scratch->inflaters[scratch->compression],
				       scratch->in + scratch->before, scratch->in_length, scratch->out,
				       scratch->cluster);
	scratch->is_full = rc >= 0;
	return rc;
}

int64_t qrt_block_p_qcow2_execute(struct qrt_block_p_op *op)
{
	struct qrt_block_p_qcow2_task *task = (struct qrt_block_p_qcow2_task *)op;
	int rc = task->scratch ? inflate_cluster(task->scratch) : 0;

	if (rc >= 0)
		qrt_block_p_qcow2_fill(task->cursor, task->scratch ? task->scratch->out + task->from : NULL,
				       task->length);
	return rc;
}
