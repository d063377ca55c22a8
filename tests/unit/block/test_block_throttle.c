/* SPDX-License-Identifier: MIT */
/* Throttles: so much a second and no less, with a clock of the test's; and in queues, with the real one. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "throttle_p.h"

#define SECOND 1000000000ull

static struct qrt_block_throttle *open_with(uint64_t requests, uint64_t requests_burst, uint64_t bytes,
					    uint64_t bytes_burst)
{
	const struct qrt_block_throttle_config config = {.size = sizeof(config),
							 .requests = requests,
							 .requests_burst = requests_burst,
							 .bytes = bytes,
							 .bytes_burst = bytes_burst};
	struct qrt_block_throttle *throttle = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_block_throttle_open(&config, &throttle, NULL), 0);
	return throttle;
}

/* How many of a size go in a time, for one who always comes when he is told to. */
static uint64_t count_for(struct qrt_block_throttle *throttle, uint64_t bytes, uint64_t ns)
{
	const struct qrt_block_p_cost cost = {{1, bytes}};
	uint64_t start = 1000 * SECOND, now = start, count = 0, due;

	while (now < start + ns) {
		due = qrt_block_p_throttle_take(throttle, &cost, now);
		if (!due)
			count++;
		CU_ASSERT_FATAL(!due || due > now);
		now = due ? due : now;
	}
	return count;
}

static void so_much_a_second_after_a_burst(void)
{
	struct qrt_block_throttle *throttle = open_with(1000, 50, 0, 0);
	uint64_t count = count_for(throttle, 1, 10 * SECOND);

	CU_ASSERT(count >= 10049 && count <= 10050);
	throttle = qrt_block_throttle_close(throttle);
	CU_ASSERT_PTR_NULL(qrt_block_throttle_close(throttle));
	throttle = open_with(0, 0, 1000000, 10000);
	count = count_for(throttle, 4096, 10 * SECOND);
	CU_ASSERT(count * 4096 >= 10000000 - 4096 && count * 4096 <= 10010000 + 4096);
	qrt_block_throttle_close(throttle);
}

static void what_is_larger_than_the_burst_gets_through(void)
{
	struct qrt_block_throttle *throttle = open_with(0, 0, 1000000, 1000);
	uint64_t count = count_for(throttle, 500000, 10 * SECOND);

	CU_ASSERT_EQUAL(count, 21); /* the last one as soon as less than the burst is left */
	qrt_block_throttle_close(throttle);
}

/* Of two who always come when they are told to; of those who come at the same time by chance. */
static void the_large_and_the_small_get_on_beside_each_other(void)
{
	struct qrt_block_throttle *throttle = open_with(0, 0, 10000000, 0);
	const struct qrt_block_p_cost costs[2] = {{{1, 524288}}, {{1, 4096}}};
	uint64_t start = 1000 * SECOND, next[2] = {start, start}, counts[2] = {0, 0}, seed = 3, due;
	int who = 0;

	while (next[who] < start + 4 * SECOND) {
		due = qrt_block_p_throttle_take(throttle, &costs[who], next[who]);
		counts[who] += !due;
		next[!who] = next[!who] < next[who] ? next[who] : next[!who];
		next[who] = due ? due : next[who];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		who = next[0] == next[1] ? (int)(seed >> 63) : next[1] < next[0];
	}
	CU_ASSERT(counts[0] >= 20 && counts[1] >= 20);
	CU_ASSERT(counts[0] * 524288 + counts[1] * 4096 <= 41000000 + 524288);
	qrt_block_throttle_close(throttle);
}

static void what_one_flow_refuses_costs_the_other_nothing(void)
{
	struct qrt_block_throttle *throttle = open_with(1000, 10, 1000, 1000);
	const struct qrt_block_p_cost large = {{1, 1000}}, small = {{1, 0}};
	int i;

	CU_ASSERT_EQUAL(qrt_block_p_throttle_take(throttle, &large, SECOND), 0);
	for (i = 0; i < 100; i++)
		CU_ASSERT(qrt_block_p_throttle_take(throttle, &large, SECOND) > SECOND);
	for (i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(qrt_block_p_throttle_take(throttle, &small, SECOND), 0);
	CU_ASSERT(qrt_block_p_throttle_take(throttle, &small, SECOND) > SECOND);
	qrt_block_throttle_close(throttle);
}

static void limits_change_and_go(void)
{
	struct qrt_block_throttle *throttle = open_with(1, 1, 0, 0);
	const struct qrt_block_p_cost cost = {{1, 0}};
	struct qrt_block_throttle_config config = {.size = sizeof(config)};

	CU_ASSERT_EQUAL(qrt_block_p_throttle_take(throttle, &cost, SECOND), 0);
	CU_ASSERT(qrt_block_p_throttle_take(throttle, &cost, SECOND) > SECOND);
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, &config), 0);
	CU_ASSERT_EQUAL(qrt_block_p_throttle_take(throttle, &cost, SECOND), 0);
	config.reserved = 1;
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, &config), -EINVAL);
	/* Slower than what is given back was: not below nothing. */
	config = (struct qrt_block_throttle_config){.size = sizeof(config), .requests = 1};
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, &config), 0);
	qrt_block_p_throttle_give_back(throttle, &cost);
	qrt_block_p_throttle_give_back(throttle, &cost);
	qrt_block_p_throttle_give_back(throttle, &cost);
	CU_ASSERT_EQUAL(qrt_block_p_throttle_take(throttle, &cost, 10 * SECOND), 0);
	qrt_block_throttle_close(throttle);
}

/* ---- threads ---- */

static struct qrt_block_throttle *shared;
static _Atomic unsigned passed;

static void *take_many(void *argument)
{
	const struct qrt_block_p_cost cost = {{1, 10}};
	int i;

	(void)argument;
	for (i = 0; i < 20000; i++)
		passed += !qrt_block_p_throttle_take(shared, &cost, SECOND);
	return NULL;
}

/* At one instant exactly the burst, whoever comes. */
static void threads_share_one_budget(void)
{
	pthread_t threads[3];
	int i;

	shared = open_with(1000, 1000, 0, 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, take_many, NULL);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(passed, 1000);
	qrt_block_throttle_close(shared);
}

/* ---- queues ---- */

static void submit_reads(struct block *block, char *memory, int count)
{
	struct qrt_block_request requests[32] = {0};
	int i;

	for (i = 0; i < count; i++)
		requests[i] =
			(struct qrt_block_request){.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096};
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, (size_t)count), count);
}

/* 24 of two devices that may have 100 a second together, one at once. */
static void devices_share_one_budget(void)
{
	struct qrt_block_completion done[32];
	struct block blocks[2];
	char *memory = block_memory(4096);
	uint64_t start = block_now();
	int i, j, count;

	shared = open_with(100, 1, 0, 0);
	for (i = 0; i < 2; i++) {
		block_prepare(&blocks[i], &variants[i], MIB);
		blocks[i].config.throttles[i] = shared;
		CU_ASSERT_FATAL(block_begin(&blocks[i]));
		submit_reads(&blocks[i], memory, 12);
	}
	for (i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(qrt_block_queue_drain(blocks[i].queue, 10000), 0);
		count = qrt_block_queue_harvest(blocks[i].queue, done, 32);
		CU_ASSERT_EQUAL(count, 12);
		for (j = 0; j < count; j++)
			CU_ASSERT_EQUAL(done[j].result, 4096);
	}
	CU_ASSERT(block_now() - start >= 23 * 10000000ull);
	for (i = 0; i < 2; i++)
		block_end(&blocks[i]);
	qrt_block_throttle_close(shared);
	free(memory);
}

/* One that waits for its turn ends by its deadline, and nothing wakes any more. */
static void what_is_throttled_can_be_late(void)
{
	struct qrt_block_completion done[2];
	char *memory = block_memory(4096);
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .buffer = memory, .length = 4096};
	struct block block;
	int wakes = 0;

	shared = open_with(1, 1, 0, 0);
	block_prepare(&block, &variants[0], MIB);
	block.config.throttles[1] = shared;
	CU_ASSERT_FATAL(block_begin(&block));
	submit_reads(&block, memory, 1);
	CU_ASSERT_EQUAL(block_await(&block, done, 2, 60000), 1);
	request.deadline_ns = block_now() + 10000000u;
	CU_ASSERT_EQUAL(block_do(&block, &request, done), -ETIME);
	CU_ASSERT(done[0].result == -ETIME && done[0].flags == 0 && done[0].started_ns == 0);
	/* A wake or two for nothing, for its turn that does not come, and no more. */
	while (block_await(&block, done, 2, 1200) == 0)
		wakes++;
	CU_ASSERT(wakes <= 3);
	block_end(&block);
	qrt_block_throttle_close(shared);
	free(memory);
}

static const struct tap_test tests[] = {
	{"so much a second after a burst", so_much_a_second_after_a_burst},
	{"what is larger than the burst gets through", what_is_larger_than_the_burst_gets_through},
	{"the large and the small get on beside each other",
	 the_large_and_the_small_get_on_beside_each_other},
	{"what one flow refuses costs the other nothing", what_one_flow_refuses_costs_the_other_nothing},
	{"limits change and go", limits_change_and_go},
	{"threads share one budget", threads_share_one_budget},
	{"devices share one budget", devices_share_one_budget},
	{"what is throttled can be late", what_is_throttled_can_be_late},
};

TAP_MAIN("block throttle", tests)
