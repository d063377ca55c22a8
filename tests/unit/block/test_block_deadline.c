/* SPDX-License-Identifier: MIT */
/* Deadlines and cancels: the request ends, and its memory is the library's until nobody writes to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "queue_p.h"

#define SIZE MIB
#define MS   1000000ull

static struct qrt_block_fault_config stuck(uint64_t ns)
{
	return (struct qrt_block_fault_config){.size = sizeof(struct qrt_block_fault_config),
					       .delay_rate = 1000,
					       .delay_min_ns = ns,
					       .delay_max_ns = ns};
}

static int begin(struct block *block, const struct variant *variant,
		 const struct qrt_block_fault_config *fault)
{
	block_prepare(block, variant, SIZE);
	block->config.fault = fault;
	return block_begin(block);
}

static void expect_late(const struct qrt_block_completion *done, uint64_t deadline_ns, uint32_t flags)
{
	CU_ASSERT_EQUAL(done->kind, QRT_BLOCK_DONE);
	CU_ASSERT_EQUAL(done->result, -ETIME);
	CU_ASSERT_EQUAL(done->detail, QRT_BLOCK_DETAIL_DEADLINE);
	CU_ASSERT_EQUAL(done->flags, flags);
	CU_ASSERT(done->done_ns >= deadline_ns);
	CU_ASSERT(done->done_ns < deadline_ns + 400 * MS); /* long before the device has it */
	tap_note("late by %llu us", (unsigned long long)(done->done_ns - deadline_ns) / 1000);
}

/* When the device has it. */
static void expect_released(struct block *block, const struct qrt_block_request *request)
{
	struct qrt_block_completion done;

	CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, &done, 1), request->flags ? 0 : 1);
	if (request->flags)
		return;
	CU_ASSERT_EQUAL(done.kind, QRT_BLOCK_RELEASED);
	CU_ASSERT_EQUAL(done.id, request->id);
	CU_ASSERT_EQUAL(done.result, 4096); /* what became of it */
	CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_NONE);
}

/* A device that takes 500 ms, a deadline after 20. 0: it took so long to look that the device may have had it
 * before: by this thread's fault on a busy machine, or the library's, which shows every time. */
static int ends_long_before(struct block *block, struct qrt_block_request *request)
{
	unsigned char *memory = request->buffer;
	struct qrt_block_completion done;
	int count = 0, cancelled, drained, is_in_time, byte;

	memset(memory, 7, 4096);
	request->deadline_ns = block_now() + 20 * MS;
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block->queue, request, 1), 1);
	while (!count)
		count = block_await(block, &done, 1, 60000);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	byte = memory[0];
	cancelled = qrt_block_queue_cancel(block->queue, request->id);
	drained = qrt_block_queue_drain(block->queue, 0);
	is_in_time = block_now() < request->deadline_ns + 400 * MS;
	if (!is_in_time) {
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 60000), 0);
		qrt_block_queue_harvest(block->queue, &done, 1);
		return 0;
	}
	expect_late(&done, request->deadline_ns, request->flags ? 0 : QRT_BLOCK_HELD);
	CU_ASSERT_EQUAL(byte, 7);
	CU_ASSERT_EQUAL(cancelled, -ENOENT);
	CU_ASSERT_EQUAL(drained, -ETIMEDOUT);
	expect_released(block, request);
	CU_ASSERT_EQUAL(memory[0], request->flags ? 7 : 0);
	return 1;
}

static void read_from_stuck(const struct variant *variant, uint32_t flags)
{
	const struct qrt_block_fault_config fault = stuck(500 * MS);
	struct qrt_block_request request = {
		.kind = QRT_BLOCK_READ, .flags = flags, .buffer = block_memory(4096), .length = 4096};
	struct block block;
	int tries = 0;

	if (begin(&block, variant, &fault)) {
		while (tries < 10 && !ends_long_before(&block, &request))
			tries++;
		CU_ASSERT(tries < 10);
		block_end(&block);
	}
	free(request.buffer);
}

static void a_stuck_device_does_not_hold_up_its_user(void)
{
	size_t i;

	for (i = 0; i < variants_count; i++)
		read_from_stuck(&variants[i], 0);
}

/* The device has nothing of it, and its memory is free. */
static void what_is_late_already_is_not_begun(void)
{
	const struct qrt_block_fault_config fault = stuck(500 * MS);
	struct qrt_block_completion done;
	struct block block;
	char byte = 7;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		struct qrt_block_request request = {
			.kind = QRT_BLOCK_WRITE, .buffer = &byte, .length = 1, .deadline_ns = block_now()};

		if (variants[i].flags || !begin(&block, &variants[i], &fault))
			continue;
		CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
		CU_ASSERT_EQUAL(block_await(&block, &done, 1, 0), 1);
		CU_ASSERT(done.id == request.id && done.result == -ETIME && done.flags == 0);
		CU_ASSERT(done.kind == QRT_BLOCK_DONE && done.started_ns == 0);
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 0), 0);
		block_end(&block);
	}
}

static void what_is_bounced_is_free_at_once(void)
{
	read_from_stuck(&variants[0], QRT_BLOCK_BOUNCE);
}

#define CHANGES 4

/* 1: each was HELD, and RELEASED when the device had had it; 0: this thread took so long that it had before.
 */
static int is_told_when_it_is_over(struct block *block, struct qrt_block_request *changes, uint64_t stuck_ns)
{
	struct qrt_block_completion done[2 * CHANGES];
	uint64_t begin_ns = block_now();
	int i, count, held = 0, released = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block->queue, changes, CHANGES), CHANGES);
	for (i = 0; i < CHANGES; i++)
		qrt_block_queue_cancel(block->queue, changes[i].id);
	count = qrt_block_queue_harvest(block->queue, done, 2 * CHANGES);
	if (block_now() >= begin_ns + stuck_ns) {
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 60000), 0);
		qrt_block_queue_harvest(block->queue, done, 2 * CHANGES);
		return 0;
	}
	CU_ASSERT_EQUAL(count, CHANGES);
	for (i = 0; i < count; i++)
		held += done[i].result == -ECANCELED && done[i].flags == QRT_BLOCK_HELD;
	CU_ASSERT_EQUAL(held, CHANGES);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 60000), 0);
	count = qrt_block_queue_harvest(block->queue, done, 2 * CHANGES);
	for (i = 0; i < count; i++)
		released += done[i].kind == QRT_BLOCK_RELEASED && done[i].detail == QRT_BLOCK_DETAIL_NONE &&
			    done[i].result == (int64_t)(uintptr_t)done[i].user;
	CU_ASSERT_EQUAL(released, CHANGES);
	return 1;
}

/* It may come over what is written there after it was DONE: also where it has no memory, or a bounce buffer.
 */
static void a_change_that_may_still_land_is_held(void)
{
	const struct qrt_block_fault_config fault = stuck(500 * MS);
	char *memory = block_memory(4096);
	struct qrt_block_request changes[CHANGES] = {
		{.kind = QRT_BLOCK_WRITE, .flags = QRT_BLOCK_BOUNCE, .length = 4096},
		{.kind = QRT_BLOCK_WRITE, .flags = QRT_BLOCK_BOUNCE, .offset = 8192, .length = 512},
		{.kind = QRT_BLOCK_WRITE_ZEROES, .offset = 16384, .length = 4096},
		{.kind = QRT_BLOCK_DISCARD, .offset = 32768, .length = 4096},
	};
	struct block block;
	int tries = 0, i;

	memset(memory, 7, 4096);
	for (i = 0; i < CHANGES; i++) {
		changes[i].buffer = changes[i].kind == QRT_BLOCK_WRITE ? memory : NULL;
		changes[i].user = changes[i].buffer ? (void *)(uintptr_t)changes[i].length : NULL;
	}
	CU_ASSERT_FATAL(begin(&block, &variants[0], &fault));
	while (tries < 10 && !is_told_when_it_is_over(&block, changes, 500 * MS))
		tries++;
	CU_ASSERT(tries < 10);
	CU_ASSERT_EQUAL(block_read(&block, 0, memory, 4096), 4096);
	CU_ASSERT_EQUAL(memory[0], 7); /* it has landed, after its DONE */
	block_end(&block);
	free(memory);
}

/* DONE and the end of the kernel's use before anybody looked: one word is enough. */
static void nobody_is_told_to_wait_for_what_is_over(void)
{
	const struct qrt_block_fault_config fault = stuck(2000 * MS);
	char *memory = block_memory(4096);
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096};
	struct qrt_block_completion done[2];
	struct block block;

	CU_ASSERT_FATAL(begin(&block, &variants[0], &fault));
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, request.id), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, done, 2), 1);
	CU_ASSERT_EQUAL(done[0].result, -ECANCELED);
	CU_ASSERT_EQUAL(done[0].flags, 0);
	block_end(&block);
	free(memory);
}

static void what_waits_is_cancelled_for_good(void)
{
	const struct qrt_block_fault_config fault = stuck(2000 * MS);
	char *memory = block_memory(4096);
	struct qrt_block_request requests[2] = {
		{.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096},
		{.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096},
	};
	struct qrt_block_completion done[2];
	struct block block;

	block_prepare(&block, &variants[0], SIZE);
	block.config.fault = &fault;
	block.queue_config.bounds[QRT_BLOCK_NORMAL] = 1;
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 2), 2);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, requests[1].id), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, requests[1].id), -ENOENT);
	CU_ASSERT_EQUAL(block_await(&block, done, 2, 0), 1);
	CU_ASSERT_EQUAL(done[0].id, requests[1].id);
	CU_ASSERT(done[0].result == -ECANCELED && done[0].flags == 0 && done[0].started_ns == 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, done, 2), 1);
	CU_ASSERT(done[0].id == requests[0].id && done[0].result == 4096);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, 12345), -ENOENT);
	block_end(&block);
	free(memory);
}

/* A queue that goes while things are out takes the kernel's answers first. */
static void a_queue_is_closed_with_requests_out(void)
{
	const struct qrt_block_fault_config fault = stuck(20 * MS);
	char *memory = block_memory(4096);
	struct qrt_block_request requests[4] = {0};
	struct block block;
	size_t i, j;

	for (i = 0; i < variants_count; i++) {
		if (!begin(&block, &variants[i], &fault))
			continue;
		for (j = 0; j < 4; j++)
			requests[j] = (struct qrt_block_request){
				.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096};
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 4), 4);
		block_end(&block);
	}
	free(memory);
}

#define LONG (256u * MIB)

/* 1: it ended by its deadline, while it was copied; 0: this thread, or who copies, was held up for so long
 * that the copy was done before, or had not begun. */
static int ends_late(struct block *block, struct qrt_block_request *request)
{
	struct qrt_block_completion done;
	uint64_t begin_ns = block_now(), submitted_ns;
	int count = 0, is_held;

	request->deadline_ns = begin_ns + MS;
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(block->queue, request, 1), 1);
	submitted_ns = block_now() - begin_ns;
	while (!count)
		count = block_await(block, &done, 1, 60000);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	is_held = done.flags == QRT_BLOCK_HELD;
	CU_ASSERT(done.result == -ETIME || (done.result == LONG && !is_held));
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block->queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block->queue, &done, 1), is_held);
	tap_note("%s: %llu us in submit, %llu us in all", block->variant->name,
		 (unsigned long long)submitted_ns / 1000,
		 (unsigned long long)(block_now() - begin_ns) / 1000);
	return is_held && submitted_ns < (block_now() - begin_ns) / 2;
}

/* The kernel can copy what is cached at once: not while somebody waits in submit. */
static void submit_a_long_copy(const struct variant *variant, uint32_t kind, char *memory)
{
	struct qrt_block_request request = {.kind = kind, .buffer = memory, .length = LONG};
	struct block block;
	int tries = 0;

	block_prepare(&block, variant, LONG);
	if (!block_begin(&block))
		return;
	CU_ASSERT_EQUAL_FATAL(block_read(&block, 0, memory, LONG), LONG);
	while (tries < 20 && !ends_late(&block, &request))
		tries++;
	CU_ASSERT(tries < 20);
	block_end(&block);
}

static void a_long_copy_does_not_hold_up_who_submits_it(void)
{
	static const struct variant cached[] = {
		{"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0},
		{"io_uring", QRT_BLOCK_ENGINE_IO_URING, 0, 0},
		{"io_uring, one thread", QRT_BLOCK_ENGINE_IO_URING, 0, QRT_BLOCK_QUEUE_ONE_THREAD},
	};
	char *memory = block_memory(LONG);
	size_t i;

	for (i = 0; i < sizeof(cached) / sizeof(cached[0]); i++) {
		submit_a_long_copy(&cached[i], QRT_BLOCK_READ, memory);
		submit_a_long_copy(&cached[i], QRT_BLOCK_WRITE, memory);
	}
	free(memory);
}

/* The heap alone, against looking through all. */
static void the_earliest_is_on_top(void)
{
	struct qrt_block_p_op ops[64] = {0}, *heap[64] = {NULL};
	struct qrt_block_queue queue = {.heap = heap};
	uint64_t seed = 5;
	uint32_t i, round;

	for (i = 0; i < 64; i++)
		ops[i].heap_index = QRT_BLOCK_P_NOT_IN_HEAP;
	for (round = 0; round < 20000; round++) {
		struct qrt_block_p_op *op;
		uint64_t earliest = UINT64_MAX;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		op = &ops[seed >> 58];
		if (op->heap_index == QRT_BLOCK_P_NOT_IN_HEAP) {
			op->deadline_ns = 1 + (seed >> 20) % 1000;
			qrt_block_p_heap_add(&queue, op);
		} else {
			qrt_block_p_heap_remove(&queue, op);
		}
		for (i = 0; i < 64; i++) {
			if (ops[i].heap_index != QRT_BLOCK_P_NOT_IN_HEAP && ops[i].deadline_ns < earliest)
				earliest = ops[i].deadline_ns;
		}
		if (queue.heap_count ? heap[0]->deadline_ns != earliest : earliest != UINT64_MAX)
			break;
	}
	CU_ASSERT_EQUAL(round, 20000);
}

static const struct tap_test tests[] = {
	{"a stuck device does not hold up its user", a_stuck_device_does_not_hold_up_its_user},
	{"what is late already is not begun", what_is_late_already_is_not_begun},
	{"what is bounced is free at once", what_is_bounced_is_free_at_once},
	{"a change that may still land is held", a_change_that_may_still_land_is_held},
	{"nobody is told to wait for what is over", nobody_is_told_to_wait_for_what_is_over},
	{"what waits is cancelled for good", what_waits_is_cancelled_for_good},
	{"a queue is closed with requests out", a_queue_is_closed_with_requests_out},
	{"a long copy does not hold up who submits it", a_long_copy_does_not_hold_up_who_submits_it},
	{"the earliest is on top", the_earliest_is_on_top},
};

TAP_MAIN("block deadline", tests)
