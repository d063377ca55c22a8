/* SPDX-License-Identifier: MIT */
/*
 * Requests with a deadline of 20 ms to a device that is stuck for 500: how late their user hears that they
 * ended, and whether their memory is what it must be. Usage: block_deadline ENGINE COUNT; prints TAP.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockrun.h"

#define MS        1000000ull
#define STUCK     (500 * MS)
#define DEADLINE  (20 * MS)
#define APART     MS /* from one request to the next, on average */
#define SIZE      4096u
#define COUNT_MAX 4096u
#define DATA      0x5a /* what the device has where it is read */
#define BEFORE    0x11 /* what is in memory before it is read */

struct slot {
	struct qrt_block_request request;
	char *memory;
	uint64_t late_ns;
	int is_done, is_over;
};

static struct blockrun run;
static struct qrt_block_queue *queue;
static struct slot *slots;
static uint64_t count, submitted, over;
static unsigned long wrong;

static void complain(const char *what, uint64_t i, long long is)
{
	if (wrong++ < 10)
		fprintf(stderr, "block_deadline: %s: request %llu: %lld\n", what, (unsigned long long)i, is);
}

static int is_filled(const char *memory, int byte)
{
	uint32_t i;

	for (i = 0; i < SIZE; i++) {
		if (memory[i] != (char)byte)
			return 0;
	}
	return 1;
}

static int byte_of(uint64_t i)
{
	return (int)(i % 251);
}

/* ---- one request ---- */

/* Even ones read what is there, odd ones write. */
static void submit(uint64_t i)
{
	struct slot *slot = &slots[i];

	slot->memory = blockrun_memory(SIZE);
	memset(slot->memory, i % 2 ? byte_of(i) : BEFORE, SIZE);
	slot->request.kind = i % 2 ? QRT_BLOCK_WRITE : QRT_BLOCK_READ;
	slot->request.buffer = slot->memory;
	slot->request.length = SIZE;
	slot->request.offset = i * SIZE;
	slot->request.user = slot;
	slot->request.deadline_ns = blockrun_now() + DEADLINE;
	if (qrt_block_queue_submit(queue, &slot->request, 1) != 1)
		complain("is not taken", i, 0);
}

/* Its memory is the caller's again, who frees it. */
static void let_go(struct slot *slot, uint64_t i, int64_t result)
{
	int byte = i % 2 ? byte_of(i) : result == -ETIME ? BEFORE : DATA;

	if (!is_filled(slot->memory, byte))
		complain("has other bytes in its memory", i, slot->memory[0]);
	free(slot->memory);
	slot->memory = NULL;
	slot->is_over = 1;
	over++;
}

static void take(const struct qrt_block_completion *done, uint64_t now)
{
	struct slot *slot = done->user;
	uint64_t i = (uint64_t)(slot - slots);

	if (done->kind == QRT_BLOCK_RELEASED) {
		if (!slot->is_done || slot->is_over || done->result != SIZE)
			complain("is released", i, done->result);
		let_go(slot, i, done->result);
		return;
	}
	if (slot->is_done || done->result != -ETIME || done->detail != QRT_BLOCK_DETAIL_DEADLINE)
		complain("is done", i, done->result);
	if (now < slot->request.deadline_ns || done->done_ns < slot->request.deadline_ns)
		complain("ended before its deadline", i, 0);
	slot->is_done = 1;
	slot->late_ns = now - slot->request.deadline_ns;
	/* Over already: its user was so late that the device was not stuck any more. */
	if (!(done->flags & QRT_BLOCK_HELD))
		let_go(slot, i, i % 2 ? 0 : (slot->memory[0] == BEFORE ? -ETIME : 0));
}

/* ---- all of them ---- */

static void wait_until(uint64_t due)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(queue), .events = POLLIN};
	uint64_t now = blockrun_now(), left = due > now ? due - now : 0;
	struct timespec wait = {.tv_sec = (time_t)(left / 1000000000u),
				.tv_nsec = (long)(left % 1000000000u)};

	ppoll(&fd, 1, &wait, NULL);
}

static void harvest(void)
{
	struct qrt_block_completion done[64];
	int i, got;

	do {
		got = qrt_block_queue_harvest(queue, done, 64);
		for (i = 0; i < got; i++)
			take(&done[i], blockrun_now());
	} while (got == 64);
}

static void go(void)
{
	uint64_t seed = 1, next = blockrun_now();

	while (over < count && wrong < 100) {
		uint64_t now = blockrun_now();

		if (submitted < count && now >= next) {
			submit(submitted++);
			next = now + APART / 2 + blockrun_random(&seed, APART);
		}
		wait_until(submitted < count ? next : now + 10000 * MS);
		harvest();
	}
}

/* A kind that the fault leaves alone. All at `offset`. */
static void transfer(uint32_t kind, char *memory, uint64_t offset)
{
	struct iovec part = {memory, SIZE};
	struct qrt_block_request request = {.kind = kind, .iov = &part, .iov_count = 1, .offset = offset};
	struct qrt_block_completion done = {.result = 0};

	if (qrt_block_queue_submit(queue, &request, 1) != 1)
		complain("is not taken", offset / SIZE, kind);
	qrt_block_queue_drain(queue, -1);
	if (qrt_block_queue_harvest(queue, &done, 1) != 1 || done.result != SIZE)
		complain("fails", offset / SIZE, done.result);
}

static void prepare_content(void)
{
	char *memory = blockrun_memory(SIZE);
	uint64_t i;

	memset(memory, DATA, SIZE);
	for (i = 0; i < count; i += 2)
		transfer(QRT_BLOCK_WRITEV, memory, i * SIZE);
	free(memory);
}

/* What was not given back in time was done all the same. */
static void check_content(void)
{
	char *memory = blockrun_memory(SIZE);
	uint64_t i;

	for (i = 0; i < count; i++) {
		transfer(QRT_BLOCK_READV, memory, i * SIZE);
		if (!is_filled(memory, i % 2 ? byte_of(i) : DATA))
			complain("has other bytes on the device", i, memory[0]);
	}
	free(memory);
}

static int compare(const void *a, const void *b)
{
	uint64_t first = ((const struct slot *)a)->late_ns, second = ((const struct slot *)b)->late_ns;

	return first < second ? -1 : first > second;
}

static void report(void)
{
	uint64_t half = count / 2, most = (count * 99 + 99) / 100 - 1, i;

	qsort(slots, count, sizeof(*slots), compare);
	printf("# late by, in us: p50 %.1f, p99 %.1f, most %.1f\n", (double)slots[half].late_ns / 1e3,
	       (double)slots[most].late_ns / 1e3, (double)slots[count - 1].late_ns / 1e3);
	printf("# us");
	for (i = 0; i < count; i++)
		printf(" %.1f", (double)slots[i].late_ns / 1e3);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault),
					       .kinds = 1u << QRT_BLOCK_READ | 1u << QRT_BLOCK_WRITE,
					       .delay_rate = 1000,
					       .delay_min_ns = STUCK,
					       .delay_max_ns = STUCK};

	count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (!count || count > COUNT_MAX || blockrun_prepare(&run, argv[1], count * SIZE) < 0) {
		fprintf(stderr, "usage: block_deadline ENGINE COUNT\n");
		return 2;
	}
	run.config.fault = &fault;
	run.config.requests = run.queue_config.depth = (uint32_t)count;
	printf("1..1\n");
	if (!blockrun_open(&run)) {
		printf("ok 1 - deadlines, %s # SKIP there is no such engine here\n", argv[1]);
		return 0;
	}
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return 1;
	queue = blockrun_open_queue(&run);
	prepare_content();
	go();
	check_content();
	qrt_block_queue_close(queue);
	blockrun_close(&run);
	report();
	free(slots);
	printf("%sok 1 - deadlines, %s\n", wrong ? "not " : "", argv[1]);
	return wrong ? 1 : 0;
}
