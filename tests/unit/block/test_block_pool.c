/* SPDX-License-Identifier: MIT */
/* Workers and what they stand on: the ring, the mailbox, the thread operations, urgency. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block_help.h"
#include "device_p.h"
#include "mailbox_p.h"
#include "pool_p.h"
#include "ring_p.h"

/* ---- ring ---- */

static void a_ring_keeps_order_and_bounds(void)
{
	struct qrt_block_p_ring ring;
	int items[5], round, i;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_ring_init(&ring, 4), 0);
	CU_ASSERT_PTR_NULL(qrt_block_p_ring_take(&ring));
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(qrt_block_p_ring_put(&ring, &items[i]), 0);
		CU_ASSERT_EQUAL(qrt_block_p_ring_put(&ring, &items[4]), -EAGAIN);
		for (i = 0; i < 4; i++)
			CU_ASSERT_PTR_EQUAL(qrt_block_p_ring_take(&ring), &items[i]);
		CU_ASSERT_PTR_NULL(qrt_block_p_ring_take(&ring));
	}
	qrt_block_p_ring_finish(&ring);
}

#define PUTTERS 3
#define EACH    20000

static struct qrt_block_p_ring shared;
static _Atomic unsigned taken[PUTTERS * EACH];
static _Atomic unsigned taken_count;
static unsigned numbers[PUTTERS * EACH];

static void *put_many(void *argument)
{
	unsigned *first = argument, i;

	for (i = 0; i < EACH; i++) {
		while (qrt_block_p_ring_put(&shared, &first[i]) < 0)
			sched_yield();
	}
	return NULL;
}

static void *take_many(void *argument)
{
	(void)argument;
	while (atomic_load(&taken_count) < PUTTERS * EACH) {
		unsigned *item = qrt_block_p_ring_take(&shared);

		if (!item) {
			sched_yield();
			continue;
		}
		atomic_fetch_add(&taken[*item], 1);
		atomic_fetch_add(&taken_count, 1);
	}
	return NULL;
}

static void threads_share_a_ring(void)
{
	pthread_t threads[2 * PUTTERS];
	unsigned i, wrong = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_ring_init(&shared, 64), 0);
	for (i = 0; i < PUTTERS * EACH; i++)
		numbers[i] = i;
	for (i = 0; i < PUTTERS; i++) {
		pthread_create(&threads[2 * i], NULL, put_many, &numbers[i * EACH]);
		pthread_create(&threads[2 * i + 1], NULL, take_many, NULL);
	}
	for (i = 0; i < 2 * PUTTERS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < PUTTERS * EACH; i++)
		wrong += taken[i] != 1;
	CU_ASSERT_EQUAL(wrong, 0);
	qrt_block_p_ring_finish(&shared);
}

/* ---- mailbox ---- */

static void a_mailbox_keeps_order_and_rings_once(void)
{
	struct qrt_block_p_mailbox mailbox;
	struct qrt_block_p_op ops[3] = {0};
	struct qrt_block_p_list list = {NULL, NULL};
	uint64_t count;
	int i;

	qrt_block_p_mailbox_init(&mailbox);
	CU_ASSERT_EQUAL(qrt_block_p_mailbox_begin(&mailbox), 0);
	CU_ASSERT_EQUAL(qrt_block_p_mailbox_begin(&mailbox), -EBUSY);
	for (i = 0; i < 3; i++)
		qrt_block_p_mailbox_put(&mailbox, &ops[i]);
	CU_ASSERT_EQUAL(read(mailbox.event, &count, sizeof(count)), sizeof(count));
	CU_ASSERT_EQUAL(count, 1);
	qrt_block_p_mailbox_take(&mailbox, &list);
	for (i = 0; i < 3; i++)
		CU_ASSERT_PTR_EQUAL(qrt_block_p_list_take(&list), &ops[i]);
	CU_ASSERT_PTR_NULL(list.first);
	qrt_block_p_mailbox_end(&mailbox);
	CU_ASSERT_EQUAL(qrt_block_p_mailbox_begin(&mailbox), 0);
	qrt_block_p_mailbox_finish(&mailbox);
}

/* ---- thread operations ---- */

#define WORKERS 2

struct composer {
	pthread_t threads[WORKERS];
	unsigned created, joined, fail_at;
	_Atomic uint32_t urgency[WORKERS];
	_Atomic uint32_t urgent_seen;
	_Atomic uint32_t is_closed, at_gate; /* workers wait before their first request that is LOW */
};

static int create(void *data, const struct qrt_block_thread *thread, void **ret_thread)
{
	struct composer *composer = data;

	if (composer->fail_at && composer->created + 1 == composer->fail_at)
		return -EPERM;
	CU_ASSERT_EQUAL(thread->role, QRT_BLOCK_ROLE_WORKER);
	CU_ASSERT_EQUAL(thread->index, composer->created);
	CU_ASSERT(thread->stack_bytes >= 65536);
	*ret_thread = &composer->threads[composer->created];
	return -pthread_create(&composer->threads[composer->created++], NULL, thread->run, thread->argument);
}

static void join(void *data, void *handle)
{
	((struct composer *)data)->joined++;
	pthread_join(*(pthread_t *)handle, NULL);
}

static void set_urgency(void *data, void *handle, uint32_t priority)
{
	struct composer *composer = data;

	atomic_store(&composer->urgency[(pthread_t *)handle - composer->threads], priority);
	if (priority == QRT_BLOCK_URGENT)
		atomic_fetch_add(&composer->urgent_seen, 1);
	if (priority != QRT_BLOCK_LOW || !atomic_load(&composer->is_closed))
		return;
	atomic_fetch_add(&composer->at_gate, 1);
	while (atomic_load(&composer->is_closed))
		usleep(100);
}

/* All workers are at a request, and do not get on. */
static void wait_at_gate(struct composer *composer)
{
	int i;

	for (i = 0; i < 100000 && atomic_load(&composer->at_gate) < WORKERS; i++)
		usleep(100);
	CU_ASSERT_EQUAL_FATAL(atomic_load(&composer->at_gate), WORKERS);
}

static void prepare(struct block *block, struct qrt_block_thread_operations *operations,
		    struct composer *composer)
{
	static const struct variant threads = {"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0};

	*operations = (struct qrt_block_thread_operations){.size = sizeof(*operations),
							   .create = create,
							   .join = join,
							   .set_urgency = set_urgency,
							   .data = composer};
	block_prepare(block, &threads, 4 * MIB);
	block->config.threads = operations;
	block->config.workers = WORKERS;
}

static void threads_are_the_composers(void)
{
	struct composer composer = {0};
	struct qrt_block_thread_operations operations;
	struct block block;

	prepare(&block, &operations, &composer);
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(composer.created, WORKERS);
	block_end(&block);
	CU_ASSERT_EQUAL(composer.joined, WORKERS);
	composer = (struct composer){.fail_at = 2};
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -EPERM);
	CU_ASSERT_EQUAL(composer.joined, 1);
	CU_ASSERT_EQUAL(access(block.path, F_OK), -1);
	operations.join = NULL;
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -EINVAL);
}

/* Low work for all workers, and an urgent request behind it. */
static void who_is_waited_for_is_urgent(void)
{
	struct qrt_block_request requests[64] = {0};
	struct qrt_block_completion done[64];
	struct composer composer = {.is_closed = 1};
	struct qrt_block_thread_operations operations;
	struct block block;
	int i;

	prepare(&block, &operations, &composer);
	CU_ASSERT_FATAL(block_begin(&block));
	for (i = 0; i < 64; i++)
		requests[i] = (struct qrt_block_request){.kind = QRT_BLOCK_WRITE_ZEROES,
							 .flags = QRT_BLOCK_FUA,
							 .priority = i < 63 ? QRT_BLOCK_LOW
									    : QRT_BLOCK_URGENT,
							 .length = 65536};
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 63), 63);
	wait_at_gate(&composer);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &requests[63], 1), 1);
	atomic_store(&composer.is_closed, 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, done, 64), 64);
	for (i = 0; i < 64 && done[i].priority != QRT_BLOCK_URGENT; i++)
		;
	CU_ASSERT(i < 2 * WORKERS); /* it overtook what waited */
	CU_ASSERT(atomic_load(&composer.urgent_seen) >= 1);
	block_end(&block);
	CU_ASSERT_EQUAL(composer.joined, WORKERS);
}

/* Cancelled behind others: its memory is not touched any more, though the worker has yet to come by it. */
static void what_no_worker_has_begun_is_free_at_once(void)
{
	struct qrt_block_request requests[64] = {0};
	struct qrt_block_completion done[64];
	struct composer composer = {.is_closed = 1};
	struct qrt_block_thread_operations operations;
	char *memory = block_memory(65536);
	struct block block;
	int i;

	memset(memory, 1, 65536);
	prepare(&block, &operations, &composer);
	block.queue_config.depth = 64;
	CU_ASSERT_FATAL(block_begin(&block));
	for (i = 0; i < 64; i++)
		/* With FUA all workers take some: of plain writes one has all. */
		requests[i] = (struct qrt_block_request){.kind = QRT_BLOCK_WRITE,
							 .flags = QRT_BLOCK_FUA,
							 .priority = QRT_BLOCK_LOW,
							 .buffer = memory,
							 .length = 65536,
							 .offset = (uint64_t)i * 65536};
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 64), 64);
	wait_at_gate(&composer);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(block.queue, requests[63].id), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, done, 64), 1);
	CU_ASSERT(done[0].id == requests[63].id && done[0].result == -ECANCELED && done[0].flags == 0);
	atomic_store(&composer.is_closed, 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, done, 64), 63);
	CU_ASSERT_EQUAL(block_read(&block, 63 * 65536, memory, 1), 1);
	CU_ASSERT_EQUAL(memory[0], 0);                                          /* it was not written */
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 64), 64); /* its place, too, is free */
	block_end(&block);
	free(memory);
}

static int await_some(struct block *block, int wanted)
{
	struct qrt_block_completion done[8];
	int count = 0, rc = 0;

	while (count < wanted && (rc = block_await(block, done, 8, 20000)) >= 0)
		count += rc;
	return count;
}

#define SHORT 6

/* Writes to the page cache, of which some are told of together; the last one does not get on. */
static void what_is_done_does_not_wait_for_what_blocks(void)
{
	struct qrt_block_request requests[SHORT + 1];
	struct composer composer = {0};
	struct qrt_block_thread_operations operations;
	char *memory = block_memory(4096);
	struct block block;
	int i, round, count = SHORT;

	memset(memory, 1, 4096);
	prepare(&block, &operations, &composer);
	CU_ASSERT_FATAL(block_begin(&block));
	atomic_store(&block.device->at_once[1], QRT_BLOCK_P_HAS_NOT); /* so all are the workers' */
	for (i = 0; i <= SHORT; i++)
		requests[i] = (struct qrt_block_request){.kind = QRT_BLOCK_WRITE,
							 .priority = i < SHORT ? QRT_BLOCK_NORMAL
									       : QRT_BLOCK_LOW,
							 .buffer = memory,
							 .length = 512,
							 .offset = (uint64_t)i * 8192};
	for (round = 0; round < 100 && count == SHORT; round++) {
		atomic_store(&composer.is_closed, 1);
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, SHORT + 1), SHORT + 1);
		count = await_some(&block, SHORT);
		CU_ASSERT_EQUAL(count, SHORT);
		atomic_store(&composer.is_closed, 0);
		CU_ASSERT_EQUAL(await_some(&block, SHORT + 1 - count), SHORT + 1 - count);
	}
	block_end(&block);
	free(memory);
}

/* A queue goes, and another one comes, while workers ring. */
static void queues_come_and_go(void)
{
	struct qrt_block_request request = {.kind = QRT_BLOCK_FLUSH};
	struct composer composer = {0};
	struct qrt_block_thread_operations operations;
	struct block block;
	int i;

	prepare(&block, &operations, &composer);
	block.config.queues = 1;
	CU_ASSERT_FATAL(block_begin(&block));
	for (i = 0; i < 300; i++) {
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
		qrt_block_queue_close(block.queue);
		CU_ASSERT_EQUAL_FATAL(
			qrt_block_queue_open(block.device, &block.queue_config, &block.queue, NULL), 0);
	}
	block_end(&block);
}

static const struct tap_test tests[] = {
	{"a ring keeps order and bounds", a_ring_keeps_order_and_bounds},
	{"threads share a ring", threads_share_a_ring},
	{"a mailbox keeps order and rings once", a_mailbox_keeps_order_and_rings_once},
	{"threads are the composer's", threads_are_the_composers},
	{"who is waited for is urgent", who_is_waited_for_is_urgent},
	{"what no worker has begun is free at once", what_no_worker_has_begun_is_free_at_once},
	{"what is done does not wait for what blocks", what_is_done_does_not_wait_for_what_blocks},
	{"queues come and go", queues_come_and_go},
};

TAP_MAIN("block pool", tests)
