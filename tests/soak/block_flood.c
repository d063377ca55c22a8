/* SPDX-License-Identifier: MIT */
/*
 * Many requests by threads that hand queues to each other: each is done once, and released once where it was
 * held; memory is as the last one left it; descriptors stay. Usage: block_flood ENGINE COUNT SEED; prints
 * TAP.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockrun.h"

#define THREADS 3u
#define QUEUES  (THREADS + 1)
#define DEPTH   32u
#define SIZE    4096u
#define TURN    256u /* requests, after which a queue goes to another thread */
#define ABSENCE 30000

struct slot {
	struct qrt_block_request request;
	char *memory;
	uint64_t value; /* what its sector has; 0: nothing yet */
	int is_out, is_done;
};

/* A queue, its requests, and a sector for each of them. One thread has it at a time. */
struct line {
	struct qrt_block_queue *queue;
	struct slot slots[DEPTH];
	uint64_t seed, written;
	unsigned out;
	int fd;
};

static struct blockrun run;
static struct line lines[QUEUES];
static struct line *idle[QUEUES]; /* those that no thread has: the oldest is next */
static unsigned idle_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t submitted, done_count, released, late, cancelled, wrong;
static uint64_t wanted;

static void complain(const char *what, long long is)
{
	if (atomic_fetch_add(&wrong, 1) < 10)
		fprintf(stderr, "block_flood: %s: %lld\n", what, is);
}

/* ---- a request ---- */

static void fill(struct slot *slot, uint64_t value)
{
	uint64_t i;

	for (i = 0; i < SIZE / 8; i++)
		memcpy(slot->memory + i * 8, &value, 8);
}

static void check(const struct slot *slot)
{
	uint64_t i;

	for (i = 0; i < SIZE / 8; i++) {
		if (memcmp(slot->memory + i * 8, &slot->value, 8) != 0) {
			complain("a sector has other bytes", (long long)slot->value);
			return;
		}
	}
}

/* Writes and reads of the slot's own sector; some with a deadline that passed, or passes soon. */
static void submit(struct line *line, struct slot *slot)
{
	uint64_t chance = blockrun_random(&line->seed, 100);
	int rc;

	memset(&slot->request, 0, sizeof(slot->request));
	slot->request.kind = chance % 2 ? QRT_BLOCK_WRITE : QRT_BLOCK_READ;
	if (slot->request.kind == QRT_BLOCK_WRITE)
		fill(slot, ++line->written);
	slot->request.priority = (uint32_t)blockrun_random(&line->seed, QRT_BLOCK_PRIORITIES);
	slot->request.offset = ((uint64_t)(line - lines) * DEPTH + (uint64_t)(slot - line->slots)) * SIZE;
	slot->request.length = SIZE;
	slot->request.buffer = slot->memory;
	slot->request.user = slot;
	if (chance < 6)
		slot->request.deadline_ns = blockrun_now() + chance * 10000;
	rc = qrt_block_queue_submit(line->queue, &slot->request, 1);
	if (rc == -EAGAIN)
		return; /* one that was ended early is on its way back to the queue, and has its room until
			   then */
	if (rc != 1) {
		complain("a request is not taken", rc);
		return;
	}
	slot->is_out = 1;
	slot->is_done = 0;
	line->out++;
	atomic_fetch_add(&submitted, 1);
	rc = chance == 6 ? qrt_block_queue_cancel(line->queue, slot->request.id) : 0;
	if (rc < 0 && rc != -ENOENT) /* it may be done */
		complain("a request cannot be cancelled", rc);
}

static void let_go(struct line *line, struct slot *slot)
{
	slot->is_out = 0;
	line->out--;
}

/* What ended early may have been written or not: the next write settles that. */
static void know(struct slot *slot, int64_t result)
{
	if (result == SIZE && slot->request.kind == QRT_BLOCK_WRITE)
		memcpy(&slot->value, slot->memory, 8);
	else if (result == SIZE && slot->value)
		check(slot);
	else if (result < 0 && slot->request.kind == QRT_BLOCK_WRITE)
		slot->value = 0;
}

static void take_done(struct line *line, struct slot *slot, const struct qrt_block_completion *done)
{
	if (slot->is_done)
		complain("a request is done again", done->result);
	slot->is_done = 1;
	atomic_fetch_add(&done_count, 1);
	if (done->result == -ETIME)
		atomic_fetch_add(&late, 1);
	else if (done->result == -ECANCELED)
		atomic_fetch_add(&cancelled, 1);
	else if (done->result != SIZE)
		complain("a request failed", done->result);
	if (!(done->flags & QRT_BLOCK_HELD)) {
		know(slot, done->result);
		let_go(line, slot);
	}
}

static void take(struct line *line, const struct qrt_block_completion *done)
{
	struct slot *slot = done->user;

	if (slot < line->slots || slot >= line->slots + DEPTH || !slot->is_out ||
	    slot->request.id != done->id) {
		complain("a completion is nobody's", (long long)done->id);
		return;
	}
	if (done->kind == QRT_BLOCK_DONE) {
		take_done(line, slot, done);
		return;
	}
	if (!slot->is_done)
		complain("a request is released before it is done", done->result);
	atomic_fetch_add(&released, 1);
	know(slot, -1);
	let_go(line, slot);
}

/* ---- a queue ---- */

static void harvest(struct line *line)
{
	struct qrt_block_completion done[DEPTH];
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(line->queue), .events = POLLIN};
	int i, count;

	if (fd.fd != line->fd)
		complain("the descriptor is another one", fd.fd);
	if (line->out && poll(&fd, 1, ABSENCE) == 0)
		complain("nobody wakes for what is out", line->out);
	count = qrt_block_queue_harvest(line->queue, done, DEPTH);
	for (i = 0; i < count; i++)
		take(line, &done[i]);
}

/* Leaves requests behind, for the next thread that has the queue. */
static void use(struct line *line)
{
	uint64_t end = atomic_load(&submitted) + TURN;

	while (atomic_load(&submitted) < end && atomic_load(&submitted) < wanted && !atomic_load(&wrong)) {
		unsigned i;

		for (i = 0; i < DEPTH; i++) {
			if (!line->slots[i].is_out && blockrun_random(&line->seed, 4))
				submit(line, &line->slots[i]);
		}
		harvest(line);
	}
}

static struct line *have_line(void)
{
	struct line *line;
	unsigned i;

	pthread_mutex_lock(&lock);
	line = idle[0];
	idle_count--;
	for (i = 0; i < idle_count; i++)
		idle[i] = idle[i + 1];
	pthread_mutex_unlock(&lock);
	return line;
}

static void give_line(struct line *line)
{
	pthread_mutex_lock(&lock);
	idle[idle_count++] = line;
	pthread_mutex_unlock(&lock);
}

static void *work(void *argument)
{
	struct line *own = argument; /* where a queue knows one thread only */

	while (atomic_load(&submitted) < wanted && !atomic_load(&wrong)) {
		struct line *line = own ? own : have_line();

		use(line);
		if (!own)
			give_line(line);
	}
	while (own && own->out && !atomic_load(&wrong))
		harvest(own);
	return NULL;
}

/* ---- all of them ---- */

static void open_lines(uint64_t seed)
{
	unsigned i, j;

	for (i = 0; i < QUEUES; i++) {
		lines[i].queue = blockrun_open_queue(&run);
		lines[i].fd = qrt_block_queue_get_fd(lines[i].queue);
		lines[i].seed = seed + i;
		for (j = 0; j < DEPTH; j++)
			lines[i].slots[j].memory = blockrun_memory(SIZE);
		give_line(&lines[i]);
	}
}

static void close_lines(void)
{
	unsigned i, j;

	for (i = 0; i < QUEUES; i++) {
		while (lines[i].out && !atomic_load(&wrong))
			harvest(&lines[i]);
		qrt_block_queue_close(lines[i].queue);
		for (j = 0; j < DEPTH; j++)
			free(lines[i].slots[j].memory);
	}
}

static void flood(uint64_t seed)
{
	pthread_t threads[THREADS];
	unsigned i, fds;

	open_lines(seed);
	fds = blockrun_count_fds();
	for (i = 0; i < THREADS; i++) {
		int is_own = run.queue_flags & QRT_BLOCK_QUEUE_ONE_THREAD;

		if (pthread_create(&threads[i], NULL, work, is_own ? &lines[i] : NULL) != 0)
			exit(1);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (blockrun_count_fds() != fds)
		complain("there are more or less descriptors", blockrun_count_fds());
	close_lines();
	if (atomic_load(&submitted) != atomic_load(&done_count))
		complain("requests are lost", (long long)(submitted - done_count));
}

int main(int argc, char **argv)
{
	wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	if (!wanted || blockrun_prepare(&run, argv[1], (uint64_t)QUEUES * DEPTH * SIZE) < 0) {
		fprintf(stderr, "usage: block_flood ENGINE COUNT [SEED]\n");
		return 2;
	}
	run.config.queues = QUEUES;
	run.queue_config.depth = DEPTH;
	run.queue_config.bounds[QRT_BLOCK_LOW] = 4;
	printf("1..1\n");
	if (!blockrun_open(&run)) {
		printf("ok 1 - flood, %s # SKIP there is no such engine here\n", argv[1]);
		return 0;
	}
	flood(argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	blockrun_close(&run);
	printf("# %llu submitted, %llu done, %llu late, %llu cancelled, %llu released\n",
	       (unsigned long long)submitted, (unsigned long long)done_count, (unsigned long long)late,
	       (unsigned long long)cancelled, (unsigned long long)released);
	printf("%sok 1 - flood, %s\n", wrong ? "not " : "", argv[1]);
	return wrong ? 1 : 0;
}
