/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_p.h"

int qrt_block_p_memory_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			    struct qrt_block_error *reterr)
{
	if (config->path || !config->capacity || config->flags)
		return qrt_block_p_error(reterr, -EINVAL,
					 "memory has a capacity, and neither a path nor flags");
	device->memory = mmap(NULL, config->capacity, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (device->memory == MAP_FAILED) {
		device->memory = NULL;
		return qrt_block_p_error(reterr, -ENOMEM, "memory: %s", strerror(errno));
	}
	atomic_store(&device->capacity, config->capacity);
	device->alignment = device->memory_alignment = 1;
	return 0;
}

void qrt_block_p_memory_close(struct qrt_block_device *device)
{
	if (device->memory)
		munmap(device->memory, atomic_load(&device->capacity));
	device->memory = NULL;
}

int qrt_block_p_device_peek(const struct qrt_block_device *device, uint64_t offset, void *bytes,
			    uint64_t length)
{
	ssize_t got;

	if (device->memory) {
		memcpy(bytes, (const char *)device->memory + offset, length);
		return 0;
	}
	got = pread(device->fd, bytes, length, (off_t)offset);
	if (got < 0)
		return -errno;
	return (uint64_t)got == length ? 0 : -EIO;
}

int qrt_block_p_device_poke(struct qrt_block_device *device, uint64_t offset, const void *bytes,
			    uint64_t length)
{
	ssize_t put;

	if (device->memory) {
		memcpy((char *)device->memory + offset, bytes, length);
		return 0;
	}
	put = pwrite(device->fd, bytes, length, (off_t)offset);
	if (put < 0)
		return -errno;
	return (uint64_t)put == length ? 0 : -EIO;
}
