/* SPDX-License-Identifier: MIT */
/* What every engine does: each kind of request, refusals, cancels, lengths. */
#include <errno.h>
#include <linux/ioprio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "block_help.h"

#define SIZE (4 * MIB)
#define PART 65536u

static void for_each(void (*test)(struct block *block))
{
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		if (!block_begin(&block))
			continue;
		test(&block);
		block_end(&block);
	}
}

/* ---- content ---- */

static void write_and_read(struct block *block)
{
	char *out = block_memory(PART), *in = block_memory(PART);
	struct qrt_block_request flush = {.kind = QRT_BLOCK_FLUSH};
	struct qrt_block_completion done;

	block_fill(out, PART, 1);
	CU_ASSERT_EQUAL(block_write(block, PART, out, PART), PART);
	CU_ASSERT_EQUAL(block_do(block, &flush, &done), 0);
	CU_ASSERT(done.submitted_ns && done.submitted_ns <= done.started_ns &&
		  done.started_ns <= done.done_ns);
	memset(in, 1, PART);
	CU_ASSERT_EQUAL(block_read(block, PART, in, PART), PART);
	CU_ASSERT_EQUAL(memcmp(in, out, PART), 0);
	CU_ASSERT_EQUAL(block_read(block, 0, in, 4096), 4096);
	CU_ASSERT(in[0] == 0 && memcmp(in, in + 1, 4095) == 0);
	free(out);
	free(in);
}

static void what_was_written_is_read(void)
{
	for_each(write_and_read);
}

static void write_parts(struct block *block)
{
	char *out = block_memory(PART), *in = block_memory(PART);
	struct iovec parts[] = {{out + 8192, 4096}, {NULL, 0}, {out, 8192}};
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITEV,
					    .flags = QRT_BLOCK_FUA,
					    .iov = parts,
					    .iov_count = 3,
					    .offset = 4096};

	block_fill(out, PART, 2);
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 12288);
	CU_ASSERT_EQUAL(block_read(block, 4096, in, 12288), 12288);
	CU_ASSERT_EQUAL(memcmp(in, out + 8192, 4096), 0);
	CU_ASSERT_EQUAL(memcmp(in + 4096, out, 8192), 0);
	request.kind = QRT_BLOCK_READV;
	request.flags = 0;
	parts[0].iov_base = in + 16384;
	parts[2].iov_base = in + 32768;
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 12288);
	CU_ASSERT_EQUAL(memcmp(in + 16384, out + 8192, 4096), 0);
	CU_ASSERT_EQUAL(memcmp(in + 32768, out, 8192), 0);
	free(out);
	free(in);
}

static void parts_go_to_their_places(void)
{
	for_each(write_parts);
}

static void zero_and_discard(struct block *block)
{
	char *out = block_memory(PART), *in = block_memory(PART);
	struct qrt_block_request request = {
		.kind = QRT_BLOCK_WRITE_ZEROES, .flags = QRT_BLOCK_FUA, .offset = 4096, .length = 8192};

	block_fill(out, PART, 3);
	CU_ASSERT_EQUAL(block_write(block, 0, out, PART), PART);
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0);
	request.kind = QRT_BLOCK_DISCARD;
	request.offset = 32768;
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0);
	CU_ASSERT_EQUAL(block_read(block, 0, in, PART), PART);
	CU_ASSERT_EQUAL(memcmp(in, out, 4096), 0);
	CU_ASSERT(in[4096] == 0 && memcmp(in + 4096, in + 4097, 8191) == 0);
	CU_ASSERT_EQUAL(memcmp(in + 12288, out + 12288, 32768 - 12288), 0);
	CU_ASSERT_EQUAL(memcmp(in + 40960, out + 40960, PART - 40960), 0);
	free(out);
	free(in);
}

static void zeroes_and_discards_touch_their_range_alone(void)
{
	for_each(zero_and_discard);
}

static void bounce(struct block *block)
{
	char *out = block_memory(PART), *in = block_memory(PART);
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};
	struct qrt_block_request forced = {.kind = QRT_BLOCK_READ,
					   .flags = QRT_BLOCK_BOUNCE,
					   .offset = 8192,
					   .length = 4096,
					   .buffer = in};

	block_fill(out, PART, 4);
	CU_ASSERT_EQUAL(block_write(block, 8192, out + 3, 8192), 8192);
	CU_ASSERT_EQUAL(block_read(block, 8192, in + 1, 8192), 8192);
	CU_ASSERT_EQUAL(memcmp(in + 1, out + 3, 8192), 0);
	CU_ASSERT_EQUAL(block_do(block, &forced, NULL), 4096);
	CU_ASSERT_EQUAL(memcmp(in, out + 3, 4096), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block->queue, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.bounces_max, 1);
	free(out);
	free(in);
}

static void memory_need_not_be_aligned(void)
{
	for_each(bounce);
}

/* ---- refusals ---- */

struct refusal {
	struct qrt_block_request request;
	uint32_t detail;
};

static char some[8192] __attribute__((aligned(4096)));

static void refuse_all(struct block *block)
{
	static const struct iovec parts[] = {{some, 4096}, {NULL, 1}};
	const struct refusal refusals[] = {
		{{.kind = QRT_BLOCK_KINDS}, QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_READ, .flags = 64}, QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_READ, .flags = QRT_BLOCK_FUA, .length = 4096, .buffer = some},
		 QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_WRITE, .flags = QRT_BLOCK_UNMAP, .length = 4096, .buffer = some},
		 QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_FLUSH, .priority = 3}, QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_FLUSH, .reserved = {0, 1}}, QRT_BLOCK_DETAIL_KIND},
		{{.kind = QRT_BLOCK_READ, .buffer = some}, QRT_BLOCK_DETAIL_EMPTY},
		{{.kind = QRT_BLOCK_DISCARD}, QRT_BLOCK_DETAIL_EMPTY},
		{{.kind = QRT_BLOCK_READ, .length = 4096}, QRT_BLOCK_DETAIL_IOV},
		{{.kind = QRT_BLOCK_READV, .length = 4096}, QRT_BLOCK_DETAIL_IOV},
		{{.kind = QRT_BLOCK_READV, .iov = parts, .iov_count = 2}, QRT_BLOCK_DETAIL_IOV},
		{{.kind = QRT_BLOCK_READV, .iov = parts, .iov_count = 65}, QRT_BLOCK_DETAIL_IOV},
		{{.kind = QRT_BLOCK_READV, .iov = parts, .iov_count = 1, .length = 1},
		 QRT_BLOCK_DETAIL_LENGTH},
		{{.kind = QRT_BLOCK_READ, .buffer = some, .length = 2ull << 30}, QRT_BLOCK_DETAIL_LENGTH},
		{{.kind = QRT_BLOCK_READ, .buffer = some, .length = 4096, .offset = INT64_MAX},
		 QRT_BLOCK_DETAIL_OFFSET},
		{{.kind = QRT_BLOCK_READ, .buffer = some, .length = 4096, .offset = 1ull << 63},
		 QRT_BLOCK_DETAIL_OFFSET},
		{{.kind = QRT_BLOCK_WRITE_ZEROES, .length = UINT64_MAX, .offset = 4096},
		 QRT_BLOCK_DETAIL_OFFSET},
		{{.kind = QRT_BLOCK_READ, .buffer = some, .length = 4096, .offset = SIZE},
		 QRT_BLOCK_DETAIL_END},
		{{.kind = QRT_BLOCK_WRITE, .buffer = some, .length = 8192, .offset = SIZE - 4096},
		 QRT_BLOCK_DETAIL_END},
	};
	struct qrt_block_completion done;
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct qrt_block_request request = refusals[i].request;

		CU_ASSERT_EQUAL(block_do(block, &request, &done), -EINVAL);
		if (done.detail != refusals[i].detail)
			tap_note("%s: [%zu]: %s", block->variant->name, i,
				 qrt_block_detail_text(done.detail));
		CU_ASSERT_EQUAL(done.detail, refusals[i].detail);
		CU_ASSERT_EQUAL(done.started_ns, 0);
	}
}

static void what_cannot_be_is_refused_with_its_reason(void)
{
	for_each(refuse_all);
}

static void every_detail_has_words(void)
{
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_DETAILS; i++)
		CU_ASSERT_PTR_NOT_NULL(qrt_block_detail_text(i));
	CU_ASSERT_PTR_NULL(qrt_block_detail_text(QRT_BLOCK_DETAILS));
}

/* ---- many ---- */

static void submit_many(struct block *block)
{
	struct qrt_block_request requests[200] = {0};
	struct qrt_block_completion done[64];
	int taken, count = 0, i, rc;
	uint8_t seen[200] = {0};

	for (i = 0; i < 200; i++) {
		requests[i].kind = QRT_BLOCK_READ;
		requests[i].buffer = some;
		requests[i].length = 4096;
		requests[i].priority = (uint32_t)i % QRT_BLOCK_PRIORITIES;
		requests[i].user = &seen[i];
	}
	taken = qrt_block_queue_submit(block->queue, requests, 200);
	CU_ASSERT_EQUAL(taken, 128);
	while (count < taken && (rc = block_await(block, done, 7, 10000)) >= 0) {
		for (i = 0; i < rc; i++)
			++*(uint8_t *)done[i].user;
		count += rc;
	}
	CU_ASSERT_EQUAL(count, taken);
	for (i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(seen[i], i < taken);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, 0), 0);
	CU_ASSERT_EQUAL(block_await(block, done, 64, 0) > 0, 0);
}

static void each_comes_back_once(void)
{
	for_each(submit_many);
}

static void submit_bounded(struct block *block)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};
	struct qrt_block_request requests[50] = {0};
	struct qrt_block_completion done[50];
	uint64_t most = 0;
	int i, rc, count = 0;

	for (i = 0; i < 50; i++)
		requests[i] = (struct qrt_block_request){
			.kind = QRT_BLOCK_WRITE_ZEROES, .priority = QRT_BLOCK_LOW, .length = 4096};
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, 50), 50);
	do {
		CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block->queue, &statistics), 0);
		if (statistics.priorities[QRT_BLOCK_LOW].in_flight > most)
			most = statistics.priorities[QRT_BLOCK_LOW].in_flight;
		rc = block_await(block, done, 50, 10000);
		count += rc > 0 ? rc : 0;
	} while (rc >= 0 && count < 50);
	CU_ASSERT_EQUAL(count, 50);
	CU_ASSERT(most <= 3);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block->queue, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_LOW].done, 50);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_LOW].in_flight, 0);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_LOW].queued, 0);
}

static void no_more_than_the_bound_are_at_the_engine(void)
{
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		block.queue_config.bounds[QRT_BLOCK_LOW] = 3;
		if (!block_begin(&block))
			continue;
		submit_bounded(&block);
		block_end(&block);
	}
}

/* ---- a queue that blocks ---- */

static long own_ioprio(void)
{
	return syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
}

static void a_blocking_queue_is_done_when_submit_returns(void)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};
	struct qrt_block_request requests[8] = {0};
	struct qrt_block_completion done[8];
	const struct iovec part = {some, 4096};
	struct block block;
	long before = own_ioprio();
	int i;

	block_prepare(&block,
		      &(struct variant){"blocking", QRT_BLOCK_ENGINE_THREADS, 0, QRT_BLOCK_QUEUE_BLOCKING},
		      SIZE);
	CU_ASSERT_FATAL(block_begin(&block));
	for (i = 0; i < 8; i++)
		requests[i] = (struct qrt_block_request){.kind = (uint32_t)i % QRT_BLOCK_KINDS,
							 .priority = (uint32_t)i % QRT_BLOCK_PRIORITIES,
							 .length = 4096,
							 .buffer = some,
							 .iov = &part,
							 .iov_count = 1};
	requests[3].offset = SIZE; /* those behind it go on */
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 8), 8);
	CU_ASSERT_EQUAL(own_ioprio(), before);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block.queue, &statistics), 0);
	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++)
		CU_ASSERT(!statistics.priorities[i].queued && !statistics.priorities[i].in_flight);
	CU_ASSERT_EQUAL(block_await(&block, done, 8, 0), 8);
	for (i = 0; i < 8; i++) {
		int is_wrong = done[i].id == requests[3].id;

		CU_ASSERT_EQUAL(done[i].detail, is_wrong ? QRT_BLOCK_DETAIL_END : QRT_BLOCK_DETAIL_NONE);
	}
	block_end(&block);
}

static const struct tap_test tests[] = {
	{"what was written is read", what_was_written_is_read},
	{"parts go to their places", parts_go_to_their_places},
	{"zeroes and discards touch their range alone", zeroes_and_discards_touch_their_range_alone},
	{"memory need not be aligned", memory_need_not_be_aligned},
	{"what cannot be is refused with its reason", what_cannot_be_is_refused_with_its_reason},
	{"every detail has words", every_detail_has_words},
	{"each comes back once", each_comes_back_once},
	{"no more than the bound are at the engine", no_more_than_the_bound_are_at_the_engine},
	{"a blocking queue is done when submit returns", a_blocking_queue_is_done_when_submit_returns},
};

TAP_MAIN("block engine", tests)
