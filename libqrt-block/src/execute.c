/* SPDX-License-Identifier: MIT */
#include "execute_p.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "device_p.h"
#include "qcow2_chain_p.h"

#define ZEROES_PARTS 16

static int64_t transfer(const struct qrt_block_device *device, const struct qrt_block_p_op *op, int flags)
{
	ssize_t bytes;

	do {
		bytes = qrt_block_p_op_is_read(op)
				? preadv2(device->fd, op->run, (int)op->run_count, (off_t)op->offset, flags)
				: pwritev2(device->fd, op->run, (int)op->run_count, (off_t)op->offset, flags);
	} while (bytes < 0 && errno == EINTR);
	return bytes < 0 ? -errno : bytes;
}

int64_t qrt_block_p_execute_cached(struct qrt_block_device *device, struct qrt_block_p_op *op)
{
	return transfer(device, op, RWF_NOWAIT);
}

static int sync_data(const struct qrt_block_device *device)
{
	int rc;

	do {
		rc = fdatasync(device->fd);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int allocate(const struct qrt_block_device *device, const struct qrt_block_p_op *op, int mode)
{
	int rc;

	do {
		rc = fallocate(device->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)op->offset, (off_t)op->length);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* Where the filesystem cannot: as plain writes. */
static int write_zeroes(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	uint64_t offset = op->offset, end = op->offset + op->length;

	while (offset < end) {
		struct iovec parts[ZEROES_PARTS];
		int count = 0;
		uint64_t at = offset;
		ssize_t bytes;

		for (; count < ZEROES_PARTS && at < end; count++) {
			parts[count].iov_base = device->zeroes;
			parts[count].iov_len = end - at < QRT_BLOCK_P_ZEROES ? end - at : QRT_BLOCK_P_ZEROES;
			at += parts[count].iov_len;
		}
		bytes = pwritev(device->fd, parts, count, (off_t)offset);
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0)
			return bytes < 0 ? -errno : -EIO;
		offset += (uint64_t)bytes;
	}
	return 0;
}

static int is_unsupported(int rc)
{
	return rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -ENODEV || rc == -EINVAL;
}

static int zero(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	int is_unmap = !!(op->flags & QRT_BLOCK_UNMAP);
	int rc = allocate(device, op, is_unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);

	if (is_unsupported(rc))
		rc = allocate(device, op, is_unmap ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
	if (is_unsupported(rc))
		rc = write_zeroes(device, op);
	if (rc >= 0 && (op->flags & QRT_BLOCK_FUA))
		rc = sync_data(device);
	return rc;
}

/* A hint: who cannot take it has it done. */
static int discard(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	int rc = allocate(device, op, FALLOC_FL_PUNCH_HOLE);

	if (is_unsupported(rc))
		rc = 0;
	if (rc >= 0 && (op->flags & QRT_BLOCK_FUA))
		rc = sync_data(device);
	return rc;
}

int64_t qrt_block_p_execute(struct qrt_block_device *device, struct qrt_block_p_op *op)
{
	if (device->qcow2)
		return qrt_block_p_qcow2_execute(op);
	switch (op->kind) {
	case QRT_BLOCK_FLUSH:
		return sync_data(device);
	case QRT_BLOCK_WRITE_ZEROES:
		return zero(device, op);
	case QRT_BLOCK_DISCARD:
		return discard(device, op);
	default:
		return transfer(device, op,
				op->flags & QRT_BLOCK_FUA && !qrt_block_p_op_is_read(op) ? RWF_DSYNC : 0);
	}
}
