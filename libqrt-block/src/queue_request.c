/* SPDX-License-Identifier: MIT */
#include "queue_p.h"

/* ---- what is wrong with it ---- */

static int is_known(const struct qrt_block_request *request)
{
	int has_data = request->kind <= QRT_BLOCK_WRITEV;
	int is_read = request->kind == QRT_BLOCK_READ || request->kind == QRT_BLOCK_READV;

	if (request->kind >= QRT_BLOCK_KINDS || request->priority >= QRT_BLOCK_PRIORITIES)
		return 0;
	if (request->flags & ~(QRT_BLOCK_FUA | QRT_BLOCK_BOUNCE | QRT_BLOCK_UNMAP) || request->reserved[0] ||
	    request->reserved[1])
		return 0;
	if (request->flags & QRT_BLOCK_UNMAP && request->kind != QRT_BLOCK_WRITE_ZEROES)
		return 0;
	if (request->flags & QRT_BLOCK_FUA && (is_read || request->kind == QRT_BLOCK_FLUSH))
		return 0;
	return has_data || !(request->flags & QRT_BLOCK_BOUNCE);
}

static uint32_t take_parts(const struct qrt_block_queue *queue, struct qrt_block_p_op *op,
			   const struct qrt_block_request *request)
{
	uint64_t sum = 0;
	uint32_t i;

	if (!request->iov || !request->iov_count || request->iov_count > queue->iov_max)
		return QRT_BLOCK_DETAIL_IOV;
	for (i = 0; i < request->iov_count; i++) {
		const struct iovec *part = &request->iov[i];

		if (!part->iov_len)
			continue;
		if (!part->iov_base)
			return QRT_BLOCK_DETAIL_IOV;
		if (__builtin_add_overflow(sum, part->iov_len, &sum))
			return QRT_BLOCK_DETAIL_LENGTH;
		op->iov[op->iov_count++] = *part;
	}
	if (request->length && request->length != sum)
		return QRT_BLOCK_DETAIL_LENGTH;
	op->length = sum;
	return QRT_BLOCK_DETAIL_NONE;
}

static uint32_t take_memory(const struct qrt_block_queue *queue, struct qrt_block_p_op *op,
			    const struct qrt_block_request *request)
{
	op->iov_count = 0;
	op->length = request->length;
	if (request->kind == QRT_BLOCK_READV || request->kind == QRT_BLOCK_WRITEV)
		return take_parts(queue, op, request);
	if (!qrt_block_p_op_has_data(op) || !request->length)
		return QRT_BLOCK_DETAIL_NONE;
	if (!request->buffer)
		return QRT_BLOCK_DETAIL_IOV;
	op->iov[0].iov_base = request->buffer;
	op->iov[0].iov_len = request->length;
	op->iov_count = 1;
	return QRT_BLOCK_DETAIL_NONE;
}

static uint32_t check_range(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	if (!op->length)
		return QRT_BLOCK_DETAIL_EMPTY;
	if (op->length > INT64_MAX || op->offset > INT64_MAX - op->length)
		return QRT_BLOCK_DETAIL_OFFSET;
	if (qrt_block_p_op_has_data(op) && op->length > QRT_BLOCK_P_LENGTH_MAX)
		return QRT_BLOCK_DETAIL_LENGTH;
	if (op->offset + op->length > atomic_load_explicit(&device->capacity, memory_order_relaxed))
		return QRT_BLOCK_DETAIL_END;
	if (qrt_block_p_op_is_change(op) && device->flags & QRT_BLOCK_DEVICE_READ_ONLY)
		return QRT_BLOCK_DETAIL_READ_ONLY;
	return QRT_BLOCK_DETAIL_NONE;
}

/* ---- all of it ---- */

uint32_t qrt_block_p_request_take(struct qrt_block_queue *queue, struct qrt_block_p_op *op,
				  const struct qrt_block_request *request)
{
	uint32_t detail;

	op->user = request->user;
	op->priority = request->priority < QRT_BLOCK_PRIORITIES ? request->priority : QRT_BLOCK_NORMAL;
	if (!is_known(request))
		return QRT_BLOCK_DETAIL_KIND;
	op->kind = request->kind;
	op->flags = request->flags;
	op->offset = request->offset;
	op->deadline_ns = request->deadline_ns;
	if (op->kind == QRT_BLOCK_FLUSH) {
		op->offset = op->length = op->total = op->iov_count = 0;
		op->run_count = 0;
		return QRT_BLOCK_DETAIL_NONE;
	}
	detail = take_memory(queue, op, request);
	if (!detail)
		detail = check_range(queue->device, op);
	op->run = op->iov;
	op->run_count = op->iov_count;
	if (!detail)
		qrt_block_p_window_plan(queue, op);
	return detail;
}
