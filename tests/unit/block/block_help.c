/* SPDX-License-Identifier: MIT */
#include "block_help.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct variant variants[] = {
	{"memory", QRT_BLOCK_ENGINE_MEMORY, 0, 0},
	{"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0},
	{"threads direct", QRT_BLOCK_ENGINE_THREADS, QRT_BLOCK_DEVICE_DIRECT, 0},
	{"libaio direct", QRT_BLOCK_ENGINE_LIBAIO, QRT_BLOCK_DEVICE_DIRECT, 0},
	{"io_uring", QRT_BLOCK_ENGINE_IO_URING, 0, 0},
	{"io_uring direct", QRT_BLOCK_ENGINE_IO_URING, QRT_BLOCK_DEVICE_DIRECT, 0},
	{"io_uring direct, one thread", QRT_BLOCK_ENGINE_IO_URING, QRT_BLOCK_DEVICE_DIRECT,
	 QRT_BLOCK_QUEUE_ONE_THREAD},
	{"blocking", QRT_BLOCK_ENGINE_THREADS, 0, QRT_BLOCK_QUEUE_BLOCKING},
	{"blocking direct", QRT_BLOCK_ENGINE_THREADS, QRT_BLOCK_DEVICE_DIRECT, QRT_BLOCK_QUEUE_BLOCKING},
};
const size_t variants_count = sizeof(variants) / sizeof(variants[0]);

void block_prepare(struct block *block, const struct variant *variant, uint64_t capacity)
{
	static unsigned number;

	memset(block, 0, sizeof(*block));
	block->variant = variant;
	snprintf(block->path, sizeof(block->path), "qrt-block-%d-%u.img", getpid(), number++);
	block->config.size = sizeof(block->config);
	block->config.engine = variant->engine;
	block->config.flags = variant->flags;
	block->config.capacity = capacity;
	if (variant->engine != QRT_BLOCK_ENGINE_MEMORY) {
		block->config.flags |= QRT_BLOCK_DEVICE_CREATE;
		block->config.path = block->path;
	}
	block->queue_config.size = sizeof(block->queue_config);
	block->queue_config.flags = variant->queue_flags;
}

/* What a container or an old kernel may not have. */
static int is_absent(const struct block *block)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	if (!block->device)
		return block->error.code == -EOPNOTSUPP || block->error.code == -EPERM ||
		       block->error.code == -ENOSYS ||
		       (block->variant->engine == QRT_BLOCK_ENGINE_LIBAIO && block->error.code == -EINVAL);
	return qrt_block_device_get_info(block->device, &info) >= 0 &&
	       (info.flags & block->variant->flags) != block->variant->flags;
}

int block_begin(struct block *block)
{
	int rc = qrt_block_device_open(&block->config, &block->device, &block->error);

	if (is_absent(block)) {
		tap_note("%s: not here: %s", block->variant->name, block->error.message);
		block_end(block);
		return 0;
	}
	if (rc >= 0)
		rc = qrt_block_queue_open(block->device, &block->queue_config, &block->queue, &block->error);
	if (rc < 0)
		tap_note("%s: %s", block->variant->name, block->error.message);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return 1;
}

void block_end(struct block *block)
{
	block->queue = qrt_block_queue_close(block->queue);
	block->device = qrt_block_device_close(block->device);
	unlink(block->path);
}

int block_await(struct block *block, struct qrt_block_completion *ret, size_t max, int timeout_ms)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(block->queue), .events = POLLIN};

	if (poll(&fd, 1, timeout_ms) <= 0)
		return -ETIMEDOUT;
	return qrt_block_queue_harvest(block->queue, ret, max);
}

int64_t block_do(struct block *block, struct qrt_block_request *request, struct qrt_block_completion *ret)
{
	struct qrt_block_completion done = {0};
	int count = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block->queue, request, 1), 1);
	while (!count)
		count = block_await(block, &done, 1, 60000);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CU_ASSERT_EQUAL(done.id, request->id);
	if (ret)
		*ret = done;
	return done.result;
}

int64_t block_read(struct block *block, uint64_t offset, void *buffer, uint64_t length)
{
	struct qrt_block_request request = {
		.kind = QRT_BLOCK_READ, .offset = offset, .length = length, .buffer = buffer};

	return block_do(block, &request, NULL);
}

int64_t block_write(struct block *block, uint64_t offset, void *buffer, uint64_t length)
{
	struct qrt_block_request request = {
		.kind = QRT_BLOCK_WRITE, .offset = offset, .length = length, .buffer = buffer};

	return block_do(block, &request, NULL);
}

char *block_memory(uint64_t length)
{
	char *memory = aligned_alloc(4096, (length + 4095) / 4096 * 4096);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	return memory;
}

void block_fill(char *memory, uint64_t length, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < length; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		memory[i] = (char)(seed >> 56);
	}
}

uint64_t block_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
