/* SPDX-License-Identifier: MIT */
/*
 * How long an urgent read takes while low ones are in flight the whole time.
 * Usage: block_priority ENGINE FILE LOWS COUNT priority|fifo; prints when each began and ended,
 * in ns of CLOCK_MONOTONIC.
 * priority: one low request at the device, the others behind it; fifo: all of one class, no bounds.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blockrun.h"

#define SIZE      4096u
#define CAPACITY  (16u << 20)
#define LOWS_MAX  1024u
#define PAUSE_MAX 2000000u /* ns, at most, from one urgent request to the next */

static struct blockrun run;
static struct qrt_block_queue *queue;
static struct qrt_block_request urgent;
static unsigned long lows, out, count, is_fifo;
static int is_urgent_out;
static uint64_t seed = 1, submitted_ns, next_ns, found;

static void die(const char *what, long long code)
{
	fprintf(stderr, "block_priority: %s: %lld\n", what, code);
	exit(1);
}

static void submit(struct qrt_block_request *request, uint32_t priority)
{
	request->kind = QRT_BLOCK_READ;
	request->length = SIZE;
	request->offset = blockrun_random(&seed, CAPACITY / SIZE) * SIZE;
	request->priority = is_fifo ? QRT_BLOCK_NORMAL : priority;
	request->user = request;
	if (qrt_block_queue_submit(queue, request, 1) != 1)
		die("a request is not taken", 0);
}

static void submit_low(struct qrt_block_request *request)
{
	submit(request, QRT_BLOCK_LOW);
	out++;
}

static void submit_urgent(void)
{
	if (out != lows)
		die("low requests are missing", (long long)(lows - out));
	submitted_ns = blockrun_now();
	submit(&urgent, QRT_BLOCK_URGENT);
	is_urgent_out = 1;
}

static void take(const struct qrt_block_completion *done)
{
	if (done->result != SIZE)
		die("a read failed", done->result);
	if (done->user != &urgent) {
		out--;
		submit_low(done->user);
		return;
	}
	printf("%llu %llu\n", (unsigned long long)submitted_ns, (unsigned long long)blockrun_now());
	found++;
	is_urgent_out = 0;
	next_ns = blockrun_now() + blockrun_random(&seed, PAUSE_MAX);
}

static void harvest(void)
{
	struct qrt_block_completion done[16];
	int i, got = qrt_block_queue_harvest(queue, done, 16);

	for (i = 0; i < got; i++)
		take(&done[i]);
}

static void wait_for_something(void)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(queue), .events = POLLIN};
	uint64_t now = blockrun_now(), left = next_ns > now ? next_ns - now : 0;
	struct timespec pause = {.tv_nsec = (long)left};

	ppoll(&fd, 1, is_urgent_out ? NULL : &pause, NULL);
}

static void begin(const char *engine, char *path)
{
	if (blockrun_prepare(&run, engine, 0) < 0 || run.engine == QRT_BLOCK_ENGINE_MEMORY)
		die("no such engine", 0);
	run.config.flags = QRT_BLOCK_DEVICE_READ_ONLY | QRT_BLOCK_DEVICE_DIRECT;
	run.config.path = path;
	run.queue_config.depth = (uint32_t)lows + 1;
	if (!is_fifo)
		run.queue_config.bounds[QRT_BLOCK_LOW] = 1;
	if (!blockrun_open(&run))
		die("no such engine here", 0);
	queue = blockrun_open_queue(&run);
}

int main(int argc, char **argv)
{
	struct qrt_block_request *requests;
	unsigned long i;

	lows = argc == 6 ? strtoul(argv[3], NULL, 10) : 0;
	count = argc == 6 ? strtoul(argv[4], NULL, 10) : 0;
	if (!lows || lows > LOWS_MAX || !count) {
		fprintf(stderr, "usage: block_priority ENGINE FILE LOWS COUNT priority|fifo\n");
		return 2;
	}
	is_fifo = strcmp(argv[5], "fifo") == 0;
	begin(argv[1], argv[2]);
	requests = calloc(lows, sizeof(*requests));
	if (!requests)
		die("out of memory", 0);
	for (i = 0; i < lows; i++) {
		requests[i].buffer = blockrun_memory(SIZE);
		submit_low(&requests[i]);
	}
	urgent.buffer = blockrun_memory(SIZE);
	next_ns = blockrun_now() + PAUSE_MAX;
	while (found < count) {
		if (!is_urgent_out && blockrun_now() >= next_ns)
			submit_urgent();
		wait_for_something();
		harvest();
	}
	qrt_block_queue_close(queue);
	blockrun_close(&run);
	for (i = 0; i < lows; i++)
		free(requests[i].buffer);
	free(requests);
	free(urgent.buffer);
	return 0;
}
