/* SPDX-License-Identifier: MIT */
/* One measurement: so many requests are on their way all the time. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench_run.h"
#include "image.h"
#include "size_text.h"
#include "tool_say.h"

#define PAGE 4096

struct measurement {
	const struct bench_plan *plan;
	const struct bench_result *result;
	struct image *image;
	struct qrt_block_request *requests; /* as many as the depth; user: which one */
	struct qrt_block_request *batch;    /* copies of them, to be submitted together */
	struct qrt_block_completion *completions;
	guint8 *memory;
	guint64 blocks, next, random;
	guint64 begin_ns, end_ns;
	guint in_flight;
	struct bench_histogram *times;
};

static guint64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (guint64)now.tv_sec * 1000000000 + (guint64)now.tv_nsec;
}

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* xorshift64*: the same places for each engine of a round. */
static guint64 next_random(struct measurement *at)
{
	at->random ^= at->random >> 12;
	at->random ^= at->random << 25;
	at->random ^= at->random >> 27;
	return at->random * G_GUINT64_CONSTANT(0x2545f4914f6cdd1d);
}

static gboolean is_random(const struct measurement *at)
{
	return at->result->kind == BENCH_RANDREAD || at->result->kind == BENCH_RANDWRITE;
}

static void choose_place(struct measurement *at, struct qrt_block_request *request)
{
	guint64 block = is_random(at) ? next_random(at) % at->blocks : at->next++ % at->blocks;

	request->offset = block * at->plan->block_bytes;
}

/* ---- opening ---- */

static gboolean open_image(struct measurement *at, guint32 engine)
{
	struct image_options options = at->plan->options;
	guint64 area;

	options.engine = engine;
	options.is_read_only = !bench_kind_writes(at->result->kind) && engine != QRT_BLOCK_ENGINE_MEMORY;
	options.depth = at->result->depth;
	at->image = image_open(&options);
	if (!at->image)
		return FALSE;
	area = image_capacity(at->image);
	if (at->plan->area_bytes > area) {
		complain("bench: --area: the image has %" G_GUINT64_FORMAT " bytes; give that at most", area);
		return FALSE;
	}
	if (at->plan->area_bytes)
		area = at->plan->area_bytes;
	at->blocks = area / at->plan->block_bytes;
	if (at->blocks > 0)
		return TRUE;
	complain("bench: there is no room for one block of %" G_GUINT64_FORMAT
		 " bytes; give a longer file, or --block-size",
		 at->plan->block_bytes);
	return FALSE;
}

static gboolean have_requests(struct measurement *at)
{
	guint64 bytes = at->plan->block_bytes, depth = at->result->depth;
	guint i;

	if (bytes > G_MAXSIZE / 2 / depth || posix_memalign((void **)&at->memory, PAGE, bytes * depth) != 0) {
		at->memory = NULL;
		complain("bench: there is no memory for buffers; give a smaller --block-size or --depth");
		return FALSE;
	}
	/* Not of zeroes: a filesystem may do less for these. */
	memset(at->memory, 0xa5, bytes * depth);
	at->requests = g_new0(struct qrt_block_request, depth);
	at->batch = g_new0(struct qrt_block_request, depth);
	at->completions = g_new0(struct qrt_block_completion, depth);
	for (i = 0; i < depth; i++) {
		at->requests[i].kind = bench_kind_writes(at->result->kind) ? QRT_BLOCK_WRITE : QRT_BLOCK_READ;
		at->requests[i].priority = at->plan->priority;
		at->requests[i].length = bytes;
		at->requests[i].buffer = at->memory + i * bytes;
		at->requests[i].user = &at->requests[i];
		choose_place(at, &at->requests[i]);
	}
	return TRUE;
}

/* An engine that has a use for it gains by that; where so much memory may not be locked it does without. */
static void offer_memory(struct measurement *at)
{
	const struct iovec memory = {at->memory, at->plan->block_bytes * at->result->depth};

	qrt_block_queue_set_buffers(at->image->queue, &memory, 1, NULL);
}

static void close_all(struct measurement *at)
{
	image_close(at->image);
	g_free(at->requests);
	g_free(at->batch);
	g_free(at->completions);
	free(at->memory);
}

/* ---- running ---- */

static gboolean submit(struct measurement *at, struct qrt_block_request *requests, guint count)
{
	int taken;

	for (; count > 0; count -= (guint)taken, requests += taken) {
		taken = qrt_block_queue_submit(at->image->queue, requests, count);
		if (taken <= 0) {
			complain("bench: %s: no room for a request that the depth has room for",
				 at->result->engine);
			return FALSE;
		}
		at->in_flight += (guint)taken;
	}
	return TRUE;
}

static gboolean is_failed(const struct measurement *at, const struct qrt_block_completion *done)
{
	const struct qrt_block_request *request = done->user;

	if (done->result == (gint64)at->plan->block_bytes)
		return FALSE;
	complain("bench: %s: %s at offset %" G_GUINT64_FORMAT ": %s", at->result->engine,
		 bench_kind_name(at->result->kind), (guint64)request->offset,
		 done->result < 0 ? qrt_block_detail_text(done->detail) : "it is shorter than it was");
	return TRUE;
}

/* Takes what is done, and puts others in its place until the time is over. FALSE: one failed. */
static gboolean take_done(struct measurement *at, int count)
{
	guint64 now = now_ns();
	guint again = 0;
	int i;

	at->in_flight -= (guint)count;
	for (i = 0; i < count; i++) {
		const struct qrt_block_completion *done = &at->completions[i];

		if (is_failed(at, done))
			return FALSE;
		if (now > at->end_ns)
			continue;
		bench_histogram_add(at->times, now - done->submitted_ns);
		choose_place(at, done->user);
		at->batch[again++] = *(const struct qrt_block_request *)done->user;
	}
	return submit(at, at->batch, again);
}

static gboolean run(struct measurement *at)
{
	struct pollfd wait = {.fd = qrt_block_queue_get_fd(at->image->queue), .events = POLLIN};
	int count;

	at->begin_ns = now_ns();
	at->end_ns = at->begin_ns + (guint64)(at->plan->seconds * 1e9);
	if (!submit(at, at->requests, at->result->depth))
		return FALSE;
	while (at->in_flight > 0) {
		count = qrt_block_queue_harvest(at->image->queue, at->completions, at->result->depth);
		if (count > 0 && !take_done(at, count))
			return FALSE;
		if (count == 0)
			poll(&wait, 1, -1);
	}
	return TRUE;
}

gboolean bench_measure(const struct bench_plan *plan, guint32 engine, struct bench_result *result,
		       guint round)
{
	struct measurement at = {.plan = plan, .result = result, .random = round * 2 + 1};
	gboolean is_good;
	double before = 0;

	at.times = g_new0(struct bench_histogram, 1);
	is_good = open_image(&at, engine) && have_requests(&at);
	if (is_good) {
		result->engine = image_engine_name(at.image->info.engine);
		offer_memory(&at);
		before = cpu_us();
		is_good = run(&at);
	}
	if (is_good && at.times->count == 0) {
		complain("bench: %s: no request was done in %g s; give more --seconds", result->engine,
			 plan->seconds);
		is_good = FALSE;
	}
	if (is_good) {
		result->cpu[result->rounds] = (cpu_us() - before) / (double)at.times->count;
		result->rate[result->rounds++] = (double)at.times->count / plan->seconds;
		bench_histogram_merge(&result->times, at.times);
	}
	close_all(&at);
	g_free(at.times);
	return is_good;
}
