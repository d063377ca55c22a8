/* SPDX-License-Identifier: MIT */
/* How often libaio's engine calls the kernel: a device that is idle is not kept waiting, one that is busy not
 * disturbed, and who only looks asks for nothing. */
#include <libaio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "block_help.h"

#define CALLS_MAX   16
#define PATIENCE_NS 20000000000u

/* What each call handed over. */
static struct {
	unsigned count;
	long sizes[CALLS_MAX];
} calls;

static struct {
	unsigned calls;
	uint64_t heard;
} bell;

static void note(long size)
{
	if (calls.count < CALLS_MAX)
		calls.sizes[calls.count] = size;
	calls.count++;
}

int __real_io_submit(io_context_t context, long count, struct iocb *blocks[]);
int __wrap_io_submit(io_context_t context, long count, struct iocb *blocks[]);
int __real_eventfd_read(int fd, eventfd_t *value);
int __wrap_eventfd_read(int fd, eventfd_t *value);

int __wrap_io_submit(io_context_t context, long count, struct iocb *blocks[])
{
	note(count);
	return __real_io_submit(context, count, blocks);
}

int __wrap_eventfd_read(int fd, eventfd_t *value)
{
	int rc = __real_eventfd_read(fd, value);

	bell.calls++;
	bell.heard += rc < 0 ? 0 : *value;
	return rc;
}

/* ---- on their way ---- */

static void submit(struct block *block, char *memory, unsigned count)
{
	struct qrt_block_request requests[8] = {0};
	unsigned i;

	for (i = 0; i < count; i++) {
		requests[i].buffer = memory + i * 4096;
		requests[i].length = 4096;
		requests[i].offset = i * 4096;
	}
	calls.count = 0;
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, count), (int)count);
}

static int begin(struct block *block)
{
	static const struct variant direct = {"libaio direct", QRT_BLOCK_ENGINE_LIBAIO,
					      QRT_BLOCK_DEVICE_DIRECT, 0};

	block_prepare(block, &direct, MIB);
	return block_begin(block);
}

static void an_idle_device_does_not_wait_for_a_whole_batch(void)
{
	static const long idle[] = {1, 4, 3};
	char *memory = block_memory(8 * 4096);
	struct block block;
	unsigned i;

	if (begin(&block)) {
		submit(&block, memory, 8);
		CU_ASSERT_EQUAL(calls.count, 3);
		for (i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(calls.sizes[i], idle[i]);
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 20000), 0);
		block_end(&block);
	}
	free(memory);
}

/* As far as one knows without a look at what is done, which a harvest is. */
static void a_busy_one_gets_it_at_once(void)
{
	char *memory = block_memory(8 * 4096);
	struct block block;

	if (begin(&block)) {
		submit(&block, memory, 8);
		submit(&block, memory, 4);
		CU_ASSERT_EQUAL(calls.count, 1);
		CU_ASSERT_EQUAL(calls.sizes[0], 4);
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 20000), 0);
		block_end(&block);
	}
	free(memory);
}

/* ---- looks ---- */

static unsigned look(struct block *block)
{
	struct qrt_block_completion done[8];

	return (unsigned)qrt_block_queue_harvest(block->queue, done, 8);
}

static void who_only_looks_asks_for_nothing(void)
{
	uint64_t end = block_now() + PATIENCE_NS;
	char *memory = block_memory(8 * 4096);
	unsigned seen = 0, before, i;
	struct block block;

	if (begin(&block)) {
		bell.heard = 0;
		submit(&block, memory, 8);
		while ((seen < 8 || bell.heard < 8) && block_now() < end)
			seen += look(&block);
		CU_ASSERT_EQUAL(bell.heard, 8);
		before = bell.calls;
		for (i = 0; i < 10; i++)
			CU_ASSERT_EQUAL(look(&block), 0);
		CU_ASSERT_EQUAL(bell.calls, before);
		block_end(&block);
	}
	free(memory);
}

static const struct tap_test tests[] = {
	{"an idle device does not wait for a whole batch", an_idle_device_does_not_wait_for_a_whole_batch},
	{"a busy one gets it at once", a_busy_one_gets_it_at_once},
	{"who only looks asks for nothing", who_only_looks_asks_for_nothing},
};

TAP_MAIN("block calls", tests)
