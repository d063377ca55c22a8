/* SPDX-License-Identifier: MIT */
/* Requests for parts of blocks, of devices that take whole ones only: what is around them stays. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "device_p.h"

#define SIZE     (1u << 18)
#define BLOCK    4096u
#define STUCK_NS 500000000u

/* Where the engine would take anything it is told not to. */
static int begin(struct block *block, const struct variant *variant,
		 const struct qrt_block_fault_config *fault)
{
	block_prepare(block, variant, SIZE);
	block->config.fault = fault;
	block->queue_config.bounce_bytes = 2 * BLOCK;
	if (!block_begin(block))
		return 0;
	if (block->device->alignment == 1)
		block->device->alignment = block->device->memory_alignment = BLOCK;
	return 1;
}

static void for_each(void (*test)(struct block *block))
{
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		if (!begin(&block, &variants[i], NULL))
			continue;
		test(&block);
		block_end(&block);
	}
}

/* ---- one after the other ---- */

static const struct {
	uint64_t offset, length;
} ranges[] = {
	{0, 1},        {1, 4095},    {4095, 1},     {4095, 2},     {5000, 100},         {100, 8000},
	{8191, 4098},  {4096, 5000}, {3, 4096},     {1, 8192},     {4000, 12288},       {1, 60000},
	{8192, 50001}, {77, 100000}, {SIZE - 1, 1}, {SIZE - 9, 9}, {SIZE - 4097, 4097},
};
#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

/* All of the device is as `wanted` says, read by ranges that are cut, too. */
static void check_all(struct block *block, const char *wanted)
{
	char *in = malloc(SIZE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	CU_ASSERT_EQUAL(block_read(block, 0, in, 99999), 99999);
	CU_ASSERT_EQUAL(block_read(block, 99999, in + 99999, SIZE - 99999), SIZE - 99999);
	CU_ASSERT_EQUAL(memcmp(in, wanted, SIZE), 0);
	free(in);
}

static char *fill_all(struct block *block)
{
	char *all = block_memory(SIZE);

	block_fill(all, SIZE, 1);
	CU_ASSERT_EQUAL(block_write(block, 0, all, SIZE), SIZE);
	return all;
}

static void write_each(struct block *block)
{
	char *all = fill_all(block);
	size_t i;

	for (i = 0; i < RANGES; i++) {
		block_fill(all + ranges[i].offset, ranges[i].length, i + 2);
		CU_ASSERT_EQUAL(
			block_write(block, ranges[i].offset, all + ranges[i].offset, ranges[i].length),
			(int64_t)ranges[i].length);
		check_all(block, all);
	}
	free(all);
}

static void what_is_around_a_write_stays(void)
{
	for_each(write_each);
}

static void zero_each(struct block *block)
{
	char *all = fill_all(block);
	size_t i;

	for (i = 0; i < RANGES; i++) {
		struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE_ZEROES,
						    .flags = i % 2 ? QRT_BLOCK_UNMAP : QRT_BLOCK_FUA,
						    .offset = ranges[i].offset,
						    .length = ranges[i].length};

		memset(all + ranges[i].offset, 0, ranges[i].length);
		CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0);
		check_all(block, all);
	}
	free(all);
}

static void what_is_around_zeroes_stays(void)
{
	for_each(zero_each);
}

/* What is discarded reads as before or as zeroes, and is no more than was asked for. */
static void discard_some(struct block *block)
{
	uint64_t step = block->device->alignment, i, wrong = 0;
	char *all = fill_all(block), *in = block_memory(SIZE);
	struct qrt_block_request request = {.kind = QRT_BLOCK_DISCARD, .offset = step - 1, .length = step};

	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0); /* no whole block */
	check_all(block, all);
	request.length = 20 * step;
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0);
	CU_ASSERT_EQUAL(block_read(block, 0, in, SIZE), SIZE);
	for (i = 0; i < SIZE; i++)
		wrong += in[i] != all[i] && (in[i] || i < step || i >= 20 * step);
	CU_ASSERT_EQUAL(wrong, 0);
	free(all);
	free(in);
}

static void a_discard_touches_whole_blocks_alone(void)
{
	for_each(discard_some);
}

static void move_parts(struct block *block)
{
	char *all = fill_all(block), *in = block_memory(32768);
	struct iovec parts[] = {{all + 7000, 3}, {NULL, 0}, {all + 9000, 9001}, {all + 1, 511}};
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITEV,
					    .flags = QRT_BLOCK_FUA,
					    .iov = parts,
					    .iov_count = 4,
					    .offset = 12345};
	char wanted[3 + 9001 + 511];

	memcpy(wanted, all + 7000, 3);
	memcpy(wanted + 3, all + 9000, 9001);
	memcpy(wanted + 3 + 9001, all + 1, 511);
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), sizeof(wanted));
	memcpy(all + 12345, wanted, sizeof(wanted));
	check_all(block, all);
	parts[0].iov_base = in;
	parts[2].iov_base = in + 3;
	parts[3].iov_base = in + 3 + 9001;
	request.kind = QRT_BLOCK_READV;
	request.flags = 0;
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), sizeof(wanted));
	CU_ASSERT_EQUAL(memcmp(in, wanted, sizeof(wanted)), 0);
	free(all);
	free(in);
}

static void parts_are_any(void)
{
	for_each(move_parts);
}

/* ---- at the same time ---- */

#define PIECES 16u
#define PIECE  700u

static void await_all(struct block *block, int wanted)
{
	struct qrt_block_completion done[8];
	int count = 0, rc = 0, i;

	while (count < wanted && (rc = block_await(block, done, 8, 60000)) >= 0) {
		for (i = 0; i < rc; i++)
			CU_ASSERT(done[i].result >= 0 && !done[i].flags);
		count += rc;
	}
	CU_ASSERT_EQUAL(count, wanted);
}

/* Some in one block, others across two, all submitted at once, and whole blocks among them. */
static void write_neighbours(struct block *block)
{
	struct qrt_block_request requests[PIECES + 1] = {0};
	char *all = fill_all(block), *whole = block_memory(BLOCK);
	uint32_t i, round;

	for (round = 0; round < 20; round++) {
		block_fill(all, PIECES * PIECE, round + 9);
		block_fill(whole, BLOCK, round + 99);
		for (i = 0; i < PIECES; i++)
			requests[i] =
				(struct qrt_block_request){.kind = QRT_BLOCK_WRITE,
							   .priority = (i + round) % QRT_BLOCK_PRIORITIES,
							   .offset = (uint64_t)i * PIECE,
							   .length = PIECE,
							   .buffer = all + (size_t)i * PIECE};
		requests[PIECES] = (struct qrt_block_request){
			.kind = QRT_BLOCK_WRITE, .offset = 3 * BLOCK, .length = BLOCK, .buffer = whole};
		memcpy(all + 3 * BLOCK, whole, BLOCK);
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, PIECES + 1), PIECES + 1);
		await_all(block, PIECES + 1);
		check_all(block, all);
	}
	free(all);
	free(whole);
}

static void neighbours_in_a_block_lose_nothing(void)
{
	for_each(write_neighbours);
}

/* A whole block, and a part of it: the rest is the whole one's, whoever is first. */
static void write_whole_and_part(struct block *block)
{
	char *whole = block_memory(BLOCK), *in = block_memory(BLOCK), part[100];
	struct qrt_block_request requests[] = {
		{.kind = QRT_BLOCK_WRITE, .offset = BLOCK, .length = BLOCK, .buffer = whole},
		{.kind = QRT_BLOCK_WRITE, .offset = BLOCK + 1000, .length = sizeof(part), .buffer = part}};
	uint32_t round;

	for (round = 0; round < 50; round++) {
		struct qrt_block_request first = requests[round % 2], second = requests[!(round % 2)];

		memset(whole, (int)round + 1, BLOCK);
		memset(part, (int)round + 101, sizeof(part));
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, &first, 1), 1);
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, &second, 1), 1);
		await_all(block, 2);
		CU_ASSERT_EQUAL(block_read(block, BLOCK, in, BLOCK), BLOCK);
		CU_ASSERT_EQUAL(memcmp(in, whole, 1000), 0);
		CU_ASSERT_EQUAL(memcmp(in + 1100, whole + 1100, BLOCK - 1100), 0);
		CU_ASSERT(memcmp(in + 1000, whole, 100) == 0 || memcmp(in + 1000, part, 100) == 0);
	}
	free(whole);
	free(in);
}

static void a_whole_block_is_not_undone_by_a_part(void)
{
	for_each(write_whole_and_part);
}

/* ---- by several queues ---- */

#define THREADS 3u
#define TURNS   150u

struct writer {
	struct block block; /* of it the queue is its own */
	uint32_t index;
	char last[PIECE];
};

/* Every piece is cut by its neighbours', which are other threads'. */
static void *write_own(void *argument)
{
	struct writer *writer = argument;
	uint32_t i;

	for (i = 0; i < TURNS; i++) {
		block_fill(writer->last, PIECE, (uint64_t)i * THREADS + writer->index);
		if (block_write(&writer->block, (uint64_t)writer->index * PIECE, writer->last, PIECE) !=
		    PIECE)
			return NULL;
	}
	return writer;
}

static void write_by_threads(struct block *block)
{
	struct writer *writers = calloc(THREADS, sizeof(*writers));
	pthread_t ids[THREADS];
	char in[PIECE];
	void *is_good;
	uint32_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(writers);
	for (i = 0; i < THREADS; i++) {
		writers[i].index = i;
		CU_ASSERT_EQUAL_FATAL(qrt_block_queue_open(block->device, &block->queue_config,
							   &writers[i].block.queue, NULL),
				      0);
		pthread_create(&ids[i], NULL, write_own, &writers[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(ids[i], &is_good);
		CU_ASSERT_PTR_NOT_NULL(is_good);
		qrt_block_queue_close(writers[i].block.queue);
	}
	for (i = 0; i < THREADS; i++) {
		CU_ASSERT_EQUAL(block_read(block, (uint64_t)i * PIECE, in, PIECE), PIECE);
		CU_ASSERT_EQUAL(memcmp(in, writers[i].last, PIECE), 0);
	}
	free(writers);
}

static void queues_in_a_block_lose_nothing(void)
{
	for_each(write_by_threads);
}

/* ---- what does not get on ---- */

static const struct variant threads = {"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0};

/* Its first block is stuck: it ends in time, its memory is the caller's, and the next one gets on when the
 * device does. */
static void a_deadline_holds_for_each_turn(void)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault),
					       .delay_rate = 1000,
					       .delay_min_ns = STUCK_NS,
					       .delay_max_ns = STUCK_NS};
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE, .offset = 10, .length = 20};
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};
	struct qrt_block_completion done;
	struct block block;
	char bytes[20];

	memset(bytes, 7, sizeof(bytes));
	request.buffer = bytes;
	CU_ASSERT_FATAL(begin(&block, &threads, &fault));
	request.deadline_ns = block_now() + 20000000;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -ETIME);
	CU_ASSERT_EQUAL(done.flags, 0);
	CU_ASSERT(done.done_ns - done.submitted_ns < STUCK_NS);
	request.deadline_ns = 0;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), sizeof(bytes));
	/* Both of its turns were as slow, and the first one waited for the one before. */
	CU_ASSERT(done.done_ns - done.submitted_ns >= 2ull * STUCK_NS);
	memset(bytes, 0, sizeof(bytes));
	CU_ASSERT_EQUAL(block_read(&block, 10, bytes, sizeof(bytes)), sizeof(bytes));
	CU_ASSERT(bytes[0] == 7 && memcmp(bytes, bytes + 1, sizeof(bytes) - 1) == 0);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block.queue, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_NORMAL].in_flight, 0);
	block_end(&block);
}

/* Another queue has the range, for a thread that has not harvested yet. */
static void who_waits_for_another_queue_is_told(void)
{
	struct qrt_block_request whole = {.kind = QRT_BLOCK_WRITE, .length = BLOCK};
	struct qrt_block_request part = {.kind = QRT_BLOCK_WRITE, .offset = 10, .length = 20};
	struct qrt_block_request cancelled = part;
	struct qrt_block_completion done[2];
	struct qrt_block_queue *other;
	struct block block;
	char *bytes = block_memory(BLOCK);

	memset(bytes, 7, BLOCK);
	whole.buffer = part.buffer = cancelled.buffer = bytes;
	CU_ASSERT_FATAL(begin(&block, &threads, NULL));
	atomic_store(&block.device->at_once[1], QRT_BLOCK_P_HAS_NOT); /* so it is not done in submit */
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_open(block.device, &block.queue_config, &other, NULL), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(other, &whole, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &part, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &cancelled, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, cancelled.id), 0);
	CU_ASSERT_EQUAL(block_await(&block, done, 2, 0), 1);
	CU_ASSERT_EQUAL(done[0].result, -ECANCELED);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 50), -ETIMEDOUT);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(other, 60000), 0);
	await_all(&block, 1);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(other, done, 2), 1);
	qrt_block_queue_close(other);
	block_end(&block);
	free(bytes);
}

static const struct tap_test tests[] = {
	{"what is around a write stays", what_is_around_a_write_stays},
	{"what is around zeroes stays", what_is_around_zeroes_stays},
	{"a discard touches whole blocks alone", a_discard_touches_whole_blocks_alone},
	{"parts are any", parts_are_any},
	{"neighbours in a block lose nothing", neighbours_in_a_block_lose_nothing},
	{"a whole block is not undone by a part", a_whole_block_is_not_undone_by_a_part},
	{"queues in a block lose nothing", queues_in_a_block_lose_nothing},
	{"a deadline holds for each turn", a_deadline_holds_for_each_turn},
	{"who waits for another queue is told", who_waits_for_another_queue_is_told},
};

TAP_MAIN("block cut", tests)
