/* SPDX-License-Identifier: MIT */
/* Where memory that may be locked is short: some kernels count rings as such. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block_help.h"
#include "engine_p.h"

#define QUEUES 4

enum { NOT_HERE = 77, NOT_OPENED = 1, NOT_DONE, NOT_SAID, WRONG_ENGINE, NOT_REFUSED };

static const struct variant any = {"auto", QRT_BLOCK_ENGINE_AUTO, 0, 0};

static int says_why(const struct qrt_block_device *device)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	return qrt_block_device_get_info(device, &info) >= 0 && strstr(info.reason, "ulimit -l");
}

static int does_requests(struct block *block)
{
	static char bytes[4096], others[4096];

	block_fill(bytes, sizeof(bytes), 1);
	return block_write(block, 0, bytes, sizeof(bytes)) == sizeof(bytes) &&
	       block_read(block, 0, others, sizeof(others)) == sizeof(others) &&
	       memcmp(bytes, others, sizeof(bytes)) == 0;
}

/* No room for one ring, for a kernel that counts them. */
static int without_any(struct block *block)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	if (qrt_block_device_open(&block->config, &block->device, NULL) < 0 ||
	    qrt_block_queue_open(block->device, &block->queue_config, &block->queue, NULL) < 0)
		return NOT_OPENED;
	if (!does_requests(block))
		return NOT_DONE;
	qrt_block_device_get_info(block->device, &info);
	if (info.engine != QRT_BLOCK_ENGINE_THREADS)
		return WRONG_ENGINE;
	return says_why(block->device) ? 0 : NOT_SAID;
}

/* Who asked for io_uring gets that or a remedy. */
static int asked_for(struct block *block)
{
	block->config.engine = QRT_BLOCK_ENGINE_IO_URING;
	if (qrt_block_device_open(&block->config, &block->device, &block->error) >= 0 &&
	    qrt_block_queue_open(block->device, &block->queue_config, &block->queue, &block->error) >= 0)
		return NOT_REFUSED;
	return strstr(block->error.message, "ulimit -l): raise that limit") ? 0 : NOT_SAID;
}

/* Room for one or the other ring: the next queues do without. */
static int with_few(struct block *block)
{
	int i;

	if (qrt_block_device_open(&block->config, &block->device, NULL) < 0)
		return NOT_OPENED;
	for (i = 0; i < QUEUES; i++) {
		if (qrt_block_queue_open(block->device, &block->queue_config, &block->queue, NULL) < 0)
			return NOT_OPENED;
		if (!does_requests(block))
			return NOT_DONE;
	}
	return says_why(block->device) ? 0 : NOT_SAID;
}

/* A long ring is more than any of these limits. */
static int rings_are_counted(void)
{
	return qrt_block_p_uring_probe(4096) < 0;
}

/* In a process of its own, of a user without privileges; it has the file as a descriptor. */
static void run(int (*part)(struct block *block), rlim_t bytes, uint32_t flags)
{
	const struct rlimit limit = {bytes, bytes};
	struct block block;
	int status = -1;
	pid_t child;

	block_prepare(&block, &any, MIB);
	CU_ASSERT_FATAL(block_begin(&block));
	block.queue = qrt_block_queue_close(block.queue);
	block.device = qrt_block_device_close(block.device);
	child = fork();
	if (child == 0) {
		block.config.fd = open(block.path, O_RDWR | O_CLOEXEC | (flags ? O_DIRECT : 0));
		block.config.path = NULL;
		block.config.flags = 0;
		block.config.capacity = 0;
		if (block.config.fd < 0 || setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
		    (geteuid() == 0 && setuid(65534) < 0))
			_exit(NOT_HERE);
		_exit(rings_are_counted() ? part(&block) : NOT_HERE);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_FATAL(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_HERE)
		tap_note("rings are not counted here");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	block_end(&block);
}

static void auto_takes_what_works(void)
{
	run(without_any, 8192, 0);
}

static void who_asked_for_a_ring_is_told(void)
{
	run(asked_for, 8192, 0);
}

static void queues_without_a_ring_work(void)
{
	run(with_few, 40960, 0);
	run(with_few, 40960, QRT_BLOCK_DEVICE_DIRECT);
}

static const struct tap_test tests[] = {
	{"auto takes what works", auto_takes_what_works},
	{"who asked for a ring is told of the limit", who_asked_for_a_ring_is_told},
	{"queues without a ring work", queues_without_a_ring_work},
};

TAP_MAIN("block locked memory", tests)
