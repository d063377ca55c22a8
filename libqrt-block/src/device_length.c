/* SPDX-License-Identifier: MIT */
/* How long a device is, and what of it is there. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device_p.h"
#include "qcow2_chain_p.h"

int qrt_block_device_resize(struct qrt_block_device *device, uint64_t capacity,
			    struct qrt_block_error *reterr)
{
	if (device->qcow2)
		return qrt_block_p_error(reterr, -EOPNOTSUPP, "an image of qcow2 keeps its length here");
	if (device->memory || device->is_block_device || device->power)
		return qrt_block_p_error(reterr, -EOPNOTSUPP,
					 device->power ? "a device whose power can be cut keeps its length"
						       : "it is no file: only files are resized");
	if (device->flags & QRT_BLOCK_DEVICE_READ_ONLY)
		return qrt_block_p_error(reterr, -EROFS, "it was opened for reading only");
	if (capacity > INT64_MAX || capacity % device->alignment)
		return qrt_block_p_error(reterr, -EINVAL, "the length must be a multiple of %u below 2^63",
					 device->alignment);
	if (ftruncate(device->fd, (off_t)capacity) < 0)
		return qrt_block_p_error(reterr, -errno, "resizing: %s", strerror(errno));
	atomic_store(&device->capacity, capacity);
	return 0;
}

int qrt_block_device_refresh(struct qrt_block_device *device, struct qrt_block_error *reterr)
{
	int64_t length;

	if (device->memory || device->power || device->qcow2)
		return 0;
	length = qrt_block_p_file_length(device);
	if (length < 0)
		return qrt_block_p_error(reterr, (int)length, "its length: %s", strerror((int)-length));
	/* A rest that cannot be reached is no part of it. */
	atomic_store(&device->capacity, (uint64_t)length - (uint64_t)length % device->alignment);
	return 0;
}

/* The end of what begins at offset, which is data or hole; a filesystem that does not know says data. */
static int find(const struct qrt_block_device *device, uint64_t offset, uint64_t end,
		struct qrt_block_extent *ret_extent)
{
	off_t data = device->memory ? (off_t)offset : lseek(device->fd, (off_t)offset, SEEK_DATA), next;

	if (data < 0 && errno != ENXIO && errno != EINVAL && errno != EOPNOTSUPP)
		return -errno;
	ret_extent->offset = offset;
	ret_extent->reserved = 0;
	if (data < 0 && errno == ENXIO)
		data = (off_t)end;
	ret_extent->is_hole = data > (off_t)offset;
	if (ret_extent->is_hole) {
		next = data;
	} else {
		next = device->memory ? -1 : lseek(device->fd, (off_t)offset, SEEK_HOLE);
		if (next <= (off_t)offset)
			next = (off_t)end;
	}
	ret_extent->length = ((uint64_t)next < end ? (uint64_t)next : end) - offset;
	return 0;
}

int qrt_block_device_list_extents(const struct qrt_block_device *device, uint64_t offset, uint64_t length,
				  struct qrt_block_extent *ret_extents, size_t max)
{
	uint64_t capacity = atomic_load(&device->capacity), end = offset + length;
	size_t count = 0;
	int rc;

	if (offset > capacity || length > capacity - offset)
		return -EINVAL;
	if (device->qcow2)
		return qrt_block_p_qcow2_list_extents(device->qcow2, offset, length, ret_extents, max);
	for (; offset < end && count < max && count < INT32_MAX; count++) {
		rc = find(device, offset, end, &ret_extents[count]);
		if (rc < 0)
			return rc;
		offset += ret_extents[count].length;
	}
	return (int)count;
}
