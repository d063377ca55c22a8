/* SPDX-License-Identifier: MIT */
/* Images of qcow2 by a queue: what is in them comes back, by every engine, and what is wrong has a reason. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qcow2_help.h"

#define BITS     16u
#define CLUSTER  (1u << BITS)
#define CLUSTERS 64u
#define SIZE     (CLUSTERS * CLUSTER)
#define SHOTS    400
#define STUCK_NS 1000000000u

/* What a guest sees, and the image that says so. */
struct scene {
	struct qcow2_file file;
	char *content, *read;
};

static void begin_scene(struct scene *scene, uint32_t version, uint32_t bits)
{
	qcow2_begin(&scene->file, version, bits, SIZE);
	scene->content = block_memory(SIZE);
	scene->read = block_memory(SIZE);
	memset(scene->content, 0, SIZE);
}

static void end_scene(struct scene *scene)
{
	qcow2_end(&scene->file);
	free(scene->content);
	free(scene->read);
}

/* Data, also such as are one behind the other in the file; compressed ones; zeroes; and holes. */
static void put_all(struct scene *scene)
{
	uint64_t cluster = scene->file.cluster, i;

	for (i = 0; i < SIZE / cluster; i++) {
		char *here = scene->content + i * cluster;

		if (i % 11 == 3 || i % 17 == 5)
			continue;
		if (i % 13 == 7) {
			qcow2_put_entry(&scene->file, i, 1);
			continue;
		}
		block_fill(here, i % 5 == 2 ? cluster / 2 : cluster, i + 1);
		if (i % 5 == 2)
			qcow2_put_compressed(&scene->file, i, here);
		else
			qcow2_put_data(&scene->file, i, here);
	}
}

static void prepare(struct block *block, const struct variant *variant)
{
	block_prepare(block, variant, 0);
	block->config.flags = variant->flags | QRT_BLOCK_DEVICE_READ_ONLY;
	block->config.format = QRT_BLOCK_FORMAT_QCOW2;
}

/* One with everything, which is opened when it was saved. */
static void begin_full(struct scene *scene, struct block *block)
{
	begin_scene(scene, 3, BITS);
	put_all(scene);
	prepare(block, &variants[1]);
}

static void save_and_open(struct scene *scene, struct block *block)
{
	qcow2_save(&scene->file, block->path);
	CU_ASSERT_FATAL(block_begin(block));
}

static int open_only(struct block *block)
{
	return qrt_block_device_open(&block->config, &block->device, &block->error);
}

struct shot {
	uint64_t offset;
	char *buffer;
};

static int shoot(struct block *block, struct shot *shot, uint64_t *seed, uint32_t alignment)
{
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .user = shot};

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	request.offset = (*seed >> 33) % SIZE / alignment * alignment;
	request.length = (1 + (*seed >> 20) % (*seed >> 62 ? 9000 : 700000)) / alignment * alignment;
	if (!request.length || request.length > SIZE - request.offset)
		request.length = alignment;
	request.buffer = block_memory(request.length);
	request.priority = (uint32_t)(*seed >> 40) % QRT_BLOCK_PRIORITIES;
	*shot = (struct shot){request.offset, request.buffer};
	return qrt_block_queue_submit(block->queue, &request, 1);
}

/* Many at the same time, of any place and length. */
static void read_here_and_there(struct block *block, struct scene *scene, uint32_t alignment)
{
	struct qrt_block_completion done[16];
	static struct shot shots[SHOTS];
	uint64_t seed = 1;
	int sent = 0, back = 0, count, i;

	while (back < SHOTS) {
		for (; sent < SHOTS && sent - back < 16; sent++)
			CU_ASSERT_EQUAL_FATAL(shoot(block, &shots[sent], &seed, alignment), 1);
		count = block_await(block, done, 16, 20000);
		CU_ASSERT_FATAL(count >= 0);
		for (i = 0; i < count; i++, back++) {
			const struct shot *shot = done[i].user;

			CU_ASSERT_FATAL(done[i].kind == QRT_BLOCK_DONE && done[i].result > 0);
			CU_ASSERT_EQUAL(
				memcmp(shot->buffer, scene->content + shot->offset, (size_t)done[i].result),
				0);
			free(shot->buffer);
		}
	}
}

static void read_all(struct block *block, struct scene *scene, const char *path)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	qcow2_save(&scene->file, path);
	if (!block_begin(block))
		return;
	CU_ASSERT_EQUAL(qrt_block_device_get_info(block->device, &info), 0);
	CU_ASSERT(info.capacity == SIZE && info.format == QRT_BLOCK_FORMAT_QCOW2 && info.layers == 1);
	memset(scene->read, 1, SIZE);
	CU_ASSERT_EQUAL(block_read(block, 0, scene->read, SIZE), SIZE);
	CU_ASSERT_EQUAL(memcmp(scene->read, scene->content, SIZE), 0);
	read_here_and_there(block, scene, info.alignment);
	block_end(block);
}

static void every_engine_reads_what_is_there(void)
{
	struct scene scene;
	struct block block;
	size_t i;

	begin_scene(&scene, 3, BITS);
	put_all(&scene);
	for (i = 1; i < variants_count; i++) {
		prepare(&block, &variants[i]);
		read_all(&block, &scene, block.path);
		unlink(block.path);
	}
	end_scene(&scene);
}

static void every_size_of_clusters_is_read(void)
{
	static const uint32_t bits[] = {9, 12, 18, 21};
	struct scene scene;
	struct block block;
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		begin_scene(&scene, 3, bits[i]);
		put_all(&scene);
		prepare(&block, &variants[1]);
		read_all(&block, &scene, block.path);
		unlink(block.path);
		end_scene(&scene);
	}
}

static void faults_of_the_file_come_through(void)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault), .short_rate = 300, .reorder_rate = 300};
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .length = 4096};
	struct scene scene;
	struct block block;

	begin_full(&scene, &block);
	block.config.fault = &fault;
	read_all(&block, &scene, block.path);
	fault = (struct qrt_block_fault_config){.size = sizeof(fault), .error_rate = 1000};
	save_and_open(&scene, &block);
	request.buffer = scene.read;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EIO); /* of its table */
	CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_DEVICE);
	block_end(&block);
	end_scene(&scene);
}

/* In time, however long the file takes; and the whole depth is there for the next one. */
static void run_late(struct block *block, struct qrt_block_request *request,
		     struct qrt_block_completion *done)
{
	struct qrt_block_request flush = {.kind = QRT_BLOCK_FLUSH};
	struct qrt_block_completion other = {0};
	uint64_t begin = block_now();

	request->deadline_ns = begin + 20000000;
	CU_ASSERT_EQUAL(block_do(block, request, done), -ETIME);
	CU_ASSERT_EQUAL(done->detail, QRT_BLOCK_DETAIL_DEADLINE);
	CU_ASSERT(done->done_ns - begin < STUCK_NS);
	if (done->flags & QRT_BLOCK_HELD) {
		while (block_await(block, &other, 1, 10000) == 0)
			;
		CU_ASSERT(other.kind == QRT_BLOCK_RELEASED && other.id == done->id);
	}
	while (qrt_block_queue_submit(block->queue, &flush, 1) != 1)
		CU_ASSERT_EQUAL_FATAL(block_await(block, &other, 0, 10000), 0);
	while (block_await(block, &other, 1, 10000) == 0)
		;
	CU_ASSERT(other.id == flush.id && other.result == 0);
	request->deadline_ns = 0;
}

static void a_deadline_holds_while_the_file_is_stuck(void)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault),
					       .delay_rate = 1000,
					       .delay_min_ns = STUCK_NS,
					       .delay_max_ns = STUCK_NS};
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .length = 4096};
	struct scene scene;
	struct block block;

	begin_full(&scene, &block);
	block.config.fault = &fault;
	block.queue_config.depth = 1;
	save_and_open(&scene, &block);
	request.buffer = scene.read;
	run_late(&block, &request, &done);
	CU_ASSERT(!(done.flags & QRT_BLOCK_HELD)); /* it waited for its table */
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), 4096);
	CU_ASSERT_EQUAL(memcmp(scene.read, scene.content, 4096), 0);
	run_late(&block, &request, &done);
	CU_ASSERT(done.flags & QRT_BLOCK_HELD); /* its own bytes were on their way */
	block_end(&block);
	end_scene(&scene);
}

/* How many others came before the urgent one, whose user is not NULL. */
static int count_before_urgent(struct block *block)
{
	struct qrt_block_completion done;
	int before = 0, count;

	for (;;) {
		count = block_await(block, &done, 1, 60000);
		CU_ASSERT_FATAL(count >= 0);
		if (count && done.user)
			return before;
		before += count;
	}
}

/* Those that have the memory for compressed clusters already come first, and nobody else. */
static void what_is_urgent_does_not_wait_behind_compressed_ones(void)
{
	struct qrt_block_request low = {.kind = QRT_BLOCK_READ, .priority = QRT_BLOCK_LOW, .length = CLUSTER};
	struct qrt_block_request urgent = {
		.kind = QRT_BLOCK_READ, .priority = QRT_BLOCK_URGENT, .length = 4096, .user = &urgent};
	struct scene scene;
	struct block block;
	uint64_t i;

	begin_scene(&scene, 3, BITS);
	for (i = 0; i < CLUSTERS; i++) {
		block_fill(scene.content + i * CLUSTER, CLUSTER / 2, i + 1);
		qcow2_put_compressed(&scene.file, i, scene.content + i * CLUSTER);
	}
	prepare(&block, &variants[1]);
	block.config.workers = 1; /* of two, the one with the urgent one may be held up */
	qcow2_save(&scene.file, block.path);
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(block_read(&block, 0, scene.read, 4096), 4096); /* the table is there */
	for (i = 1; i < CLUSTERS - 1; i++) {
		low.offset = i * CLUSTER;
		low.buffer = scene.read + i * CLUSTER;
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &low, 1), 1);
	}
	urgent.offset = i * CLUSTER;
	urgent.buffer = scene.read + i * CLUSTER;
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &urgent, 1), 1);
	CU_ASSERT(count_before_urgent(&block) <= 4);
	CU_ASSERT_EQUAL(memcmp(urgent.buffer, scene.content + i * CLUSTER, 4096), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
	block_end(&block);
	end_scene(&scene);
}

static void what_is_damaged_is_said_where_it_is_read(void)
{
	static const struct {
		uint64_t entry;
		const char *what;
	} wrong[] = {
		{1ull << 40, "beyond the file"},
		{CLUSTER + 512, "not aligned"},
		{1ull << 62 | 1ull << 45, "compressed, beyond the file"},
		{1ull << 62 | 600, "compressed, and no deflate"},
	};
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .length = 4096};
	struct scene scene;
	struct block block;
	size_t i;

	begin_full(&scene, &block);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		qcow2_put_entry(&scene.file, 2 * i, wrong[i].entry);
	save_and_open(&scene, &block);
	request.buffer = scene.read;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		request.offset = 2 * i * CLUSTER;
		if (block_do(&block, &request, &done) != -EUCLEAN)
			tap_note("%s: %lld", wrong[i].what, (long long)done.result);
		CU_ASSERT_EQUAL(done.result, -EUCLEAN);
		CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_DAMAGED);
	}
	CU_ASSERT_EQUAL(block_read(&block, CLUSTER, scene.read, CLUSTER), CLUSTER); /* others are fine */
	CU_ASSERT_EQUAL(memcmp(scene.read, scene.content + CLUSTER, CLUSTER), 0);
	block_end(&block);
	qcow2_set64(&scene.file, scene.file.l1_at, (1ull << 50) | 512);
	save_and_open(&scene, &block);
	request.offset = 0;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EUCLEAN);
	block_end(&block);
	end_scene(&scene);
}

static void a_file_that_was_cut_says_so(void)
{
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .length = 4096, .offset = SIZE - CLUSTER};
	struct scene scene;
	struct block block;

	begin_scene(&scene, 3, BITS);
	qcow2_put_data(&scene.file, CLUSTERS - 1, scene.content);
	prepare(&block, &variants[1]);
	save_and_open(&scene, &block);
	CU_ASSERT_EQUAL(truncate(block.path, 3 * CLUSTER), 0);
	request.buffer = scene.read;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EIO);
	CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_TRUNCATED);
	block_end(&block);
	end_scene(&scene);
}

static void it_is_read_only_and_keeps_its_length(void)
{
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE, .length = 512};
	struct qrt_block_request flush = {.kind = QRT_BLOCK_FLUSH};
	struct scene scene;
	struct block block;

	begin_scene(&scene, 2, BITS);
	prepare(&block, &variants[1]);
	qcow2_save(&scene.file, block.path);
	block.config.flags = 0;
	CU_ASSERT_EQUAL(open_only(&block), -EROFS);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "READ_ONLY"));
	block.config.flags = QRT_BLOCK_DEVICE_READ_ONLY;
	CU_ASSERT_FATAL(block_begin(&block));
	request.buffer = scene.read;
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EROFS);
	CU_ASSERT_EQUAL(block_do(&block, &flush, NULL), 0);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, SIZE, &block.error), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(qrt_block_device_refresh(block.device, &block.error), 0);
	CU_ASSERT_EQUAL(qrt_block_device_cut_power(block.device), -EOPNOTSUPP);
	block_end(&block);
	block.config.format = 7;
	CU_ASSERT_EQUAL(open_only(&block), -EINVAL);
	end_scene(&scene);
}

static const struct tap_test tests[] = {
	{"every engine reads what is there", every_engine_reads_what_is_there},
	{"every size of clusters is read", every_size_of_clusters_is_read},
	{"faults of the file come through", faults_of_the_file_come_through},
	{"a deadline holds while the file is stuck", a_deadline_holds_while_the_file_is_stuck},
	{"what is urgent does not wait behind compressed ones",
	 what_is_urgent_does_not_wait_behind_compressed_ones},
	{"what is damaged is said where it is read", what_is_damaged_is_said_where_it_is_read},
	{"a file that was cut says so", a_file_that_was_cut_says_so},
	{"it is read-only, and keeps its length", it_is_read_only_and_keeps_its_length},
};

TAP_MAIN("qcow2 queue", tests)
