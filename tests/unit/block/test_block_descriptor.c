/* SPDX-License-Identifier: MIT */
/* What the descriptor says, and what it need not say to those who look anyway. */
#include <poll.h>
#include <stdlib.h>

#include "block_help.h"

#define SIZE        MIB
#define TIMES       20
#define PATIENCE_NS 20000000000u

static void for_each(uint32_t queue_flags, void (*test)(struct block *block))
{
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		block.queue_config.flags |= queue_flags;
		if (!block_begin(&block))
			continue;
		test(&block);
		block_end(&block);
	}
}

static int is_readable(const struct block *block, int timeout_ms)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(block->queue), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

/* Reads, which an engine may do at once, and flushes, which are the workers' in most of them. */
static void submit(struct block *block, char *memory, int turn)
{
	struct qrt_block_request request = {.kind = turn % 2 ? QRT_BLOCK_FLUSH : QRT_BLOCK_READ};

	if (!(turn % 2)) {
		request.buffer = memory;
		request.length = 4096;
		request.offset = (uint64_t)turn % 16 * 4096;
	}
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, &request, 1), 1);
}

/* Without waiting for the descriptor. */
static int look_until_it_is_there(struct block *block)
{
	struct qrt_block_completion done;
	uint64_t end = block_now() + PATIENCE_NS;
	int count;

	do {
		count = qrt_block_queue_harvest(block->queue, &done, 1);
	} while (!count && block_now() < end);
	return count == 1 && done.result >= 0;
}

/* A timer of the queue's own may still wake, once, for nothing. */
static int becomes_quiet(struct block *block)
{
	struct qrt_block_completion done;
	uint64_t end = block_now() + PATIENCE_NS;

	while (is_readable(block, 0) && block_now() < end)
		CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, &done, 1), 0);
	return !is_readable(block, 0);
}

/* ---- after each submit ---- */

static void harvest_after_submit(struct block *block)
{
	struct qrt_block_completion done[2];
	char *memory = block_memory(4096);
	int i;

	for (i = 0; i < TIMES; i++) {
		submit(block, memory, i);
		if (block->variant->engine == QRT_BLOCK_ENGINE_MEMORY)
			CU_ASSERT(!is_readable(block, 0));
		CU_ASSERT(look_until_it_is_there(block));
	}
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, done, 2), 0);
	CU_ASSERT(becomes_quiet(block));
	free(memory);
}

static void who_harvests_after_each_submit_is_not_told(void)
{
	for_each(QRT_BLOCK_QUEUE_HARVESTED, harvest_after_submit);
}

static void harvest_some(struct block *block)
{
	struct qrt_block_completion done[3];
	char *memory = block_memory(4096);
	int i;

	for (i = 0; i < 3; i++)
		submit(block, memory, 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, -1), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, done, 2), 2);
	CU_ASSERT(is_readable(block, 0));
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, done, 3), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, done, 3), 0);
	CU_ASSERT(becomes_quiet(block));
	free(memory);
}

static void what_a_harvest_left_is_told(void)
{
	for_each(QRT_BLOCK_QUEUE_HARVESTED, harvest_some);
}

/* ---- off ---- */

static void be_off(struct block *block)
{
	char *memory = block_memory(4096);
	int i;

	CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(block->queue, 0), 0);
	for (i = 0; i < TIMES; i++) {
		submit(block, memory, i);
		CU_ASSERT(look_until_it_is_there(block));
		if (block->variant->engine == QRT_BLOCK_ENGINE_THREADS)
			CU_ASSERT(!is_readable(block, 0));
	}
	CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(block->queue, 1), 0);
	free(memory);
}

static void off_it_does_not_say_what_workers_did(void)
{
	for_each(QRT_BLOCK_QUEUE_HARVESTED, be_off);
}

static void go_on(struct block *block)
{
	struct qrt_block_completion done;
	char *memory = block_memory(4096);
	int i, count = 0;

	for (i = 0; i < TIMES; i++) {
		CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(block->queue, 0), 0);
		submit(block, memory, i);
		CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(block->queue, 1), 0);
		count = qrt_block_queue_harvest(block->queue, &done, 1);
		while (!count && is_readable(block, 20000))
			count = qrt_block_queue_harvest(block->queue, &done, 1);
		CU_ASSERT_EQUAL(count, 1);
	}
	free(memory);
}

static void nothing_is_lost_when_it_is_on_again(void)
{
	for_each(0, go_on);
}

static void drain_while_off(struct block *block)
{
	struct qrt_block_completion done[2];
	char *memory = block_memory(4096);

	CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(block->queue, 0), 0);
	submit(block, memory, 0);
	submit(block, memory, 1);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 20000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, done, 2), 2);
	free(memory);
}

static void drain_and_close_wait_all_the_same(void)
{
	for_each(0, drain_while_off);
}

static const struct tap_test tests[] = {
	{"who harvests after each submit is not told", who_harvests_after_each_submit_is_not_told},
	{"what a harvest left is told", what_a_harvest_left_is_told},
	{"off it does not say what workers did", off_it_does_not_say_what_workers_did},
	{"nothing is lost when it is on again", nothing_is_lost_when_it_is_on_again},
	{"drain and close wait all the same", drain_and_close_wait_all_the_same},
};

TAP_MAIN("block descriptor", tests)
