/* SPDX-License-Identifier: MIT */
#include "op_p.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <time.h>

int qrt_block_p_op_is_read(const struct qrt_block_p_op *op)
{
	return op->kind == QRT_BLOCK_READ || op->kind == QRT_BLOCK_READV;
}

int qrt_block_p_op_has_data(const struct qrt_block_p_op *op)
{
	return op->kind <= QRT_BLOCK_WRITEV;
}

int qrt_block_p_op_is_change(const struct qrt_block_p_op *op)
{
	return !qrt_block_p_op_is_read(op) && op->kind != QRT_BLOCK_FLUSH;
}

void qrt_block_p_op_advance(struct qrt_block_p_op *op, uint64_t bytes)
{
	op->offset += bytes;
	op->length -= bytes;
	while (bytes && op->run_count) {
		uint64_t step = bytes < op->run->iov_len ? bytes : op->run->iov_len;

		op->run->iov_base = (char *)op->run->iov_base + step;
		op->run->iov_len -= step;
		bytes -= step;
		if (!op->run->iov_len) {
			op->run++;
			op->run_count--;
		}
	}
}

void qrt_block_p_op_cut(struct qrt_block_p_op *op, uint64_t bytes)
{
	uint32_t i = 0;

	op->cut_count = op->run_count;
	op->whole_length = op->length;
	op->length = bytes;
	while (bytes > op->run[i].iov_len)
		bytes -= op->run[i++].iov_len;
	op->cut_length = op->run[i].iov_len;
	op->run[i].iov_len = bytes;
	op->run_count = i + 1;
}

void qrt_block_p_op_uncut(struct qrt_block_p_op *op)
{
	op->run[op->run_count - 1].iov_len = op->cut_length;
	op->run_count = op->cut_count;
	op->length = op->whole_length;
}

static const uint32_t by_rank[QRT_BLOCK_PRIORITIES] = {QRT_BLOCK_URGENT, QRT_BLOCK_NORMAL, QRT_BLOCK_LOW};
static const uint32_t ranks[QRT_BLOCK_PRIORITIES] = {
	[QRT_BLOCK_NORMAL] = 1, [QRT_BLOCK_URGENT] = 0, [QRT_BLOCK_LOW] = 2};

uint32_t qrt_block_p_rank_of(uint32_t priority)
{
	return ranks[priority];
}

uint32_t qrt_block_p_priority_of(uint32_t rank)
{
	return by_rank[rank];
}

int qrt_block_p_ioprio_of(uint32_t priority)
{
	if (priority == QRT_BLOCK_NORMAL)
		return 0;
	return IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, priority == QRT_BLOCK_URGENT ? 0 : 7);
}

uint32_t qrt_block_p_detail_of(int64_t code)
{
	switch (code) {
	case -ENOSPC:
	case -EDQUOT:
		return QRT_BLOCK_DETAIL_SPACE;
	case -ENXIO:
	case -ENODEV:
	case -ENOTCONN: /* these are filesystems' whose server has gone */
	case -ECONNABORTED:
	case -ESTALE:
		return QRT_BLOCK_DETAIL_GONE;
	case -EUCLEAN:
		return QRT_BLOCK_DETAIL_DAMAGED;
	default:
		return QRT_BLOCK_DETAIL_DEVICE;
	}
}

static const char *const texts[QRT_BLOCK_DETAILS] = {
	[QRT_BLOCK_DETAIL_NONE] = "nothing is wrong",
	[QRT_BLOCK_DETAIL_KIND] = "there is no such kind of request, flag or priority",
	[QRT_BLOCK_DETAIL_EMPTY] = "a request of 0 bytes",
	[QRT_BLOCK_DETAIL_LENGTH] = "its length is above the limit, or is not the sum of its parts",
	[QRT_BLOCK_DETAIL_OFFSET] = "it ends past 2^63 bytes",
	[QRT_BLOCK_DETAIL_END] = "it ends past the end of the device",
	[QRT_BLOCK_DETAIL_IOV] = "it has too many parts or none, or one without memory",
	[QRT_BLOCK_DETAIL_READ_ONLY] = "the device was opened for reading only",
	[QRT_BLOCK_DETAIL_DEADLINE] = "its deadline passed",
	[QRT_BLOCK_DETAIL_CANCELLED] = "it was cancelled",
	[QRT_BLOCK_DETAIL_TRUNCATED] = "the file is shorter than it was",
	[QRT_BLOCK_DETAIL_SPACE] = "the filesystem is full",
	[QRT_BLOCK_DETAIL_GONE] = "the device, or the server of its filesystem, is gone",
	[QRT_BLOCK_DETAIL_DEVICE] = "the device or filesystem failed",
	[QRT_BLOCK_DETAIL_DAMAGED] = "the image's own tables, or the filesystem's, are damaged",
};

const char *qrt_block_detail_text(uint32_t detail)
{
	return detail < QRT_BLOCK_DETAILS ? texts[detail] : NULL;
}

uint64_t qrt_block_p_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
