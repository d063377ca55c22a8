/* SPDX-License-Identifier: MIT */
/* What is urgent does not wait for what is not: neither behind others in its queue, nor for a buffer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"

#define MS    1000000ull
#define LOWS  40
#define BOUND 2

static const struct qrt_block_fault_config slow = {
	.size = sizeof(slow), .delay_rate = 1000, .delay_min_ns = 5 * MS, .delay_max_ns = 5 * MS};

static uint64_t in_flight(const struct block *block, uint32_t priority)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};

	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block->queue, &statistics), 0);
	return statistics.priorities[priority].in_flight;
}

static uint64_t queued(const struct block *block, uint32_t priority)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};

	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block->queue, &statistics), 0);
	return statistics.priorities[priority].queued;
}

/* Every request takes 5 ms, of low ones BOUND at a time. */
static int begin(struct block *block, const struct variant *variant, char *memory)
{
	struct qrt_block_request requests[LOWS];
	int i;

	block_prepare(block, variant, MIB);
	block->config.fault = &slow;
	block->queue_config.bounds[QRT_BLOCK_LOW] = BOUND;
	if (!block_begin(block))
		return 0;
	for (i = 0; i < LOWS; i++)
		requests[i] = (struct qrt_block_request){
			.priority = QRT_BLOCK_LOW, .buffer = memory + (size_t)i * 4096, .length = 4096};
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block->queue, requests, LOWS), LOWS);
	CU_ASSERT_EQUAL(in_flight(block, QRT_BLOCK_LOW), BOUND);
	CU_ASSERT_EQUAL(queued(block, QRT_BLOCK_LOW), LOWS - BOUND);
	return 1;
}

/* Waits until the urgent one, if any, is done. Returns how many low ones were done before it, and adds all of
 * them to *lows. */
static int take_until(struct block *block, const char *urgent, int *lows)
{
	struct qrt_block_completion done[LOWS + 1];
	int i, before = 0, is_over = 0;

	while (!is_over && (urgent || *lows < LOWS)) {
		int count = block_await(block, done, LOWS + 1, 10000);

		CU_ASSERT_FATAL(count >= 0);
		CU_ASSERT(in_flight(block, QRT_BLOCK_LOW) <= BOUND);
		for (i = 0; i < count; i++) {
			CU_ASSERT_EQUAL(done[i].result, 4096);
			is_over |= urgent && done[i].user == urgent;
			before += !is_over;
			*lows += done[i].priority == QRT_BLOCK_LOW;
		}
	}
	return before;
}

/* Over memory, which does what is due in the order of its coming, the order is exact; over others workers and
 * the kernel may let what came later overtake. */
static void urgent_ones_wait_for_no_more_than_the_bound(void)
{
	char *memory = block_memory((LOWS + 1) * 4096), *own = memory + (size_t)LOWS * 4096;
	struct qrt_block_request request = {
		.priority = QRT_BLOCK_URGENT, .buffer = own, .length = 4096, .user = own};
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		int round, before, lows = 0;

		if (!begin(&block, &variants[i], memory))
			continue;
		for (round = 0; round < 5; round++) {
			CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
			CU_ASSERT_EQUAL(in_flight(&block, QRT_BLOCK_URGENT), 1);
			before = take_until(&block, own, &lows);
			CU_ASSERT(variants[i].engine != QRT_BLOCK_ENGINE_MEMORY || before <= BOUND);
		}
		take_until(&block, NULL, &lows);
		CU_ASSERT_EQUAL(lows, LOWS);
		block_end(&block);
	}
	free(memory);
}

/* In one call, the urgent one last. */
static void the_order_of_submission_does_not_count(void)
{
	static const uint32_t given[] = {QRT_BLOCK_LOW, QRT_BLOCK_NORMAL, QRT_BLOCK_LOW, QRT_BLOCK_NORMAL,
					 QRT_BLOCK_URGENT};
	static const uint32_t wanted[] = {QRT_BLOCK_URGENT, QRT_BLOCK_NORMAL, QRT_BLOCK_NORMAL, QRT_BLOCK_LOW,
					  QRT_BLOCK_LOW};
	struct qrt_block_request requests[5];
	struct qrt_block_completion done[5];
	char byte[5];
	struct block block;
	size_t i;

	for (i = 0; i < 5; i++)
		requests[i] =
			(struct qrt_block_request){.priority = given[i], .buffer = &byte[i], .length = 1};
	block_prepare(&block, &variants[0], MIB);
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 5), 5);
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_harvest(block.queue, done, 5), 5);
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(done[i].priority, wanted[i]);
	block_end(&block);
}

/* Bounce buffers are taken by low ones that the device holds up: one is left. */
static void a_buffer_is_kept_for_what_is_urgent(void)
{
	struct qrt_block_request requests[3],
		urgent = {.flags = QRT_BLOCK_BOUNCE, .priority = QRT_BLOCK_URGENT, .length = 4096};
	struct qrt_block_completion done[4];
	char *memory = block_memory(4096);
	struct block block;
	int i, count = 0;

	urgent.buffer = memory;
	for (i = 0; i < 3; i++)
		requests[i] = (struct qrt_block_request){.flags = QRT_BLOCK_BOUNCE,
							 .priority = i ? QRT_BLOCK_LOW : QRT_BLOCK_NORMAL,
							 .buffer = memory,
							 .length = 4096};
	block_prepare(&block, &variants[0], MIB);
	block.config.fault = &slow;
	block.queue_config.bounces = 2;
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 3), 3);
	CU_ASSERT_EQUAL(in_flight(&block, QRT_BLOCK_NORMAL), 1);
	CU_ASSERT_EQUAL(in_flight(&block, QRT_BLOCK_LOW), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &urgent, 1), 1);
	CU_ASSERT_EQUAL(in_flight(&block, QRT_BLOCK_URGENT), 1);
	while (count < 4)
		count += block_await(&block, done, 4, 10000);
	block_end(&block);
	free(memory);
}

/* Who has one only gives it to all. */
static void a_single_buffer_is_everybodys(void)
{
	struct qrt_block_request request = {
		.flags = QRT_BLOCK_BOUNCE, .priority = QRT_BLOCK_LOW, .length = 4096};
	char *memory = block_memory(4096);
	struct block block;

	request.buffer = memory;
	block_prepare(&block, &variants[0], MIB);
	block.queue_config.bounces = 1;
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(block_do(&block, &request, NULL), 4096);
	block_end(&block);
	free(memory);
}

static const struct tap_test tests[] = {
	{"urgent ones wait for no more than the bound", urgent_ones_wait_for_no_more_than_the_bound},
	{"the order of submission does not count", the_order_of_submission_does_not_count},
	{"a buffer is kept for what is urgent", a_buffer_is_kept_for_what_is_urgent},
	{"a single buffer is everybody's", a_single_buffer_is_everybodys},
};

TAP_MAIN("block priority", tests)
