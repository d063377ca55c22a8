/* SPDX-License-Identifier: MIT */
/* Files: length, extents, what changes behind the library's back, and what a full filesystem says. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block_help.h"
#include "op_p.h"

#define SIZE MIB

static const struct variant threads = {"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0};

static void begin(struct block *block)
{
	block_prepare(block, &threads, SIZE);
	CU_ASSERT_FATAL(block_begin(block));
}

static struct qrt_block_device_info info_of(const struct block *block)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	CU_ASSERT_EQUAL(qrt_block_device_get_info(block->device, &info), 0);
	return info;
}

static void a_file_is_made_or_left_alone(void)
{
	struct qrt_block_device *other = NULL;
	struct block block;
	struct stat status;

	begin(&block);
	CU_ASSERT_EQUAL(stat(block.path, &status), 0);
	CU_ASSERT_EQUAL(status.st_size, SIZE);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &other, &block.error), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, block.path));
	CU_ASSERT_EQUAL(access(block.path, F_OK), 0);
	block_end(&block);
	block.config.engine = QRT_BLOCK_ENGINE_LIBAIO; /* which needs DIRECT */
	block.config.flags = QRT_BLOCK_DEVICE_CREATE;
	CU_ASSERT(qrt_block_device_open(&block.config, &other, &block.error) < 0);
	CU_ASSERT_EQUAL(access(block.path, F_OK), -1);
	CU_ASSERT_PTR_NULL(other);
}

static void a_file_is_resized(void)
{
	struct block block;
	char byte = 'x';

	begin(&block);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, 2 * SIZE, NULL), 0);
	CU_ASSERT_EQUAL(info_of(&block).capacity, 2 * SIZE);
	CU_ASSERT_EQUAL(block_write(&block, 2 * SIZE - 1, &byte, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, SIZE, NULL), 0);
	CU_ASSERT_EQUAL(block_write(&block, 2 * SIZE - 1, &byte, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, UINT64_MAX, &block.error), -EINVAL);
	CU_ASSERT_EQUAL(truncate(block.path, 3 * SIZE), 0);
	CU_ASSERT_EQUAL(info_of(&block).capacity, SIZE);
	CU_ASSERT_EQUAL(qrt_block_device_refresh(block.device, &block.error), 0);
	CU_ASSERT_EQUAL(info_of(&block).capacity, 3 * SIZE);
	block_end(&block);
}

/* The engine has the first one, and the others are none for it when they come. */
static void what_waits_does_not_make_it_long_again(void)
{
	static const struct qrt_block_fault_config slow = {.size = sizeof(slow),
							   .delay_rate = 1000,
							   .delay_min_ns = 100000000,
							   .delay_max_ns = 100000000};
	static char bytes[4096];
	struct qrt_block_request requests[3] = {
		{.kind = QRT_BLOCK_WRITE, .buffer = bytes, .length = 4096},
		{.kind = QRT_BLOCK_WRITE, .buffer = bytes, .length = 4096, .offset = SIZE - 4096},
		{.kind = QRT_BLOCK_READ, .buffer = bytes, .length = 4096, .offset = SIZE / 2 - 2048},
	};
	struct qrt_block_completion done[3];
	struct block block;
	struct stat status;
	int i;

	block_prepare(&block, &threads, SIZE);
	block.config.fault = &slow;
	block.queue_config.bounds[QRT_BLOCK_NORMAL] = 1;
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, requests, 3), 3);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, SIZE / 2, NULL), 0);
	for (i = 0; i < 3;)
		i += block_await(&block, &done[i], 1, 60000) > 0;
	for (i = 0; i < 3; i++) {
		int is_first = done[i].id == requests[0].id;

		CU_ASSERT_EQUAL(done[i].result, is_first ? 4096 : -EIO);
		CU_ASSERT_EQUAL(done[i].detail,
				is_first ? QRT_BLOCK_DETAIL_NONE : QRT_BLOCK_DETAIL_TRUNCATED);
	}
	CU_ASSERT_EQUAL(stat(block.path, &status), 0);
	CU_ASSERT_EQUAL(status.st_size, SIZE / 2);
	block_end(&block);
}

static void data_and_holes_are_told_apart(void)
{
	struct qrt_block_extent extents[8];
	struct block block;
	char *memory = block_memory(65536);
	int count;

	memset(memory, 1, 65536);
	begin(&block);
	CU_ASSERT_EQUAL(block_write(&block, 262144, memory, 65536), 65536);
	count = qrt_block_device_list_extents(block.device, 0, SIZE, extents, 8);
	CU_ASSERT_EQUAL_FATAL(count, 3);
	CU_ASSERT(extents[0].is_hole && !extents[1].is_hole && extents[2].is_hole);
	CU_ASSERT(extents[1].offset == 262144 && extents[1].length == 65536);
	CU_ASSERT_EQUAL(extents[2].offset + extents[2].length, SIZE);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(block.device, 262144 + 4096, 4096, extents, 8), 1);
	CU_ASSERT(!extents[0].is_hole && extents[0].length == 4096);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(block.device, 0, SIZE, extents, 2), 2);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(block.device, 1, SIZE, extents, 8), -EINVAL);
	block_end(&block);
	free(memory);
}

/* Bytes that a file takes up after its first 64 KiB were zeroed. */
static int64_t zero_some(struct block *block, uint32_t flags)
{
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE_ZEROES, .flags = flags, .length = 65536};
	char *memory = block_memory(65536);
	struct stat status;

	block_fill(memory, 65536, 1);
	CU_ASSERT_EQUAL(block_write(block, 0, memory, 65536), 65536);
	CU_ASSERT_EQUAL(block_do(block, &request, NULL), 0);
	CU_ASSERT_EQUAL(block_read(block, 0, memory, 65536), 65536);
	CU_ASSERT(!memory[0] && !memory[65535]);
	CU_ASSERT_EQUAL(stat(block->path, &status), 0);
	free(memory);
	return status.st_blocks * 512;
}

/* 1: the filesystem knows zeroes that take up space. */
static int keeps_zeroes(const struct block *block)
{
	int fd = open(block->path, O_RDWR | O_CLOEXEC);
	int rc = fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, SIZE / 2, 4096);

	close(fd);
	return rc == 0;
}

static void zeroes_give_their_space_back_where_they_may(void)
{
	struct block block;

	begin(&block);
	if (keeps_zeroes(&block))
		CU_ASSERT(zero_some(&block, 0) >= 65536);
	CU_ASSERT(zero_some(&block, QRT_BLOCK_UNMAP) < 65536);
	CU_ASSERT(zero_some(&block, QRT_BLOCK_UNMAP | QRT_BLOCK_FUA) < 65536);
	block_end(&block);
}

static void a_file_that_was_cut_says_so(void)
{
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_READ, .offset = SIZE / 2, .length = 4096};
	struct block block;
	size_t i;

	request.buffer = block_memory(4096);
	for (i = 1; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		if (!block_begin(&block))
			continue;
		CU_ASSERT_EQUAL(truncate(block.path, SIZE / 2), 0);
		CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EIO);
		CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_TRUNCATED);
		block_end(&block);
	}
	free(request.buffer);
}

static void what_is_read_only_is_not_written(void)
{
	struct qrt_block_completion done;
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE_ZEROES, .length = 4096};
	struct qrt_block_request flush = {.kind = QRT_BLOCK_FLUSH};
	struct block block;
	char bytes[512];

	begin(&block);
	qrt_block_queue_close(block.queue);
	qrt_block_device_close(block.device);
	block.config.flags = QRT_BLOCK_DEVICE_READ_ONLY;
	CU_ASSERT_FATAL(block_begin(&block));
	CU_ASSERT_EQUAL(block_do(&block, &request, &done), -EROFS);
	CU_ASSERT_EQUAL(done.detail, QRT_BLOCK_DETAIL_READ_ONLY);
	CU_ASSERT_EQUAL(block_read(&block, 0, bytes, 512), 512);
	CU_ASSERT_EQUAL(block_do(&block, &flush, NULL), 0);
	CU_ASSERT_EQUAL(qrt_block_device_resize(block.device, 0, &block.error), -EROFS);
	CU_ASSERT_EQUAL(info_of(&block).lock, QRT_BLOCK_LOCK_READ);
	block_end(&block);
}

static void a_descriptor_tells_what_it_is_open_for(void)
{
	struct block block;
	int fd;

	begin(&block);
	qrt_block_queue_close(block.queue);
	qrt_block_device_close(block.device);
	fd = open(block.path, O_RDONLY | O_CLOEXEC);
	block.config.path = NULL;
	block.config.fd = fd;
	block.config.flags = 0;
	CU_ASSERT_FATAL(block_begin(&block));
	close(fd);
	CU_ASSERT_EQUAL(info_of(&block).flags, QRT_BLOCK_DEVICE_READ_ONLY);
	block_end(&block);
	block.config.fd = -1;
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -EBADF);
	block.config.path = "/dev/null";
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(block.error.message, "neither"));
	block.config.path = ".";
	CU_ASSERT(qrt_block_device_open(&block.config, &block.device, &block.error) < 0);
	block.config.path = "not/there";
	CU_ASSERT_EQUAL(qrt_block_device_open(&block.config, &block.device, &block.error), -ENOENT);
}

static void auto_says_what_it_took_and_why(void)
{
	struct qrt_block_device_info info;
	struct block block;

	block_prepare(&block, &threads, SIZE);
	block.config.engine = QRT_BLOCK_ENGINE_AUTO;
	CU_ASSERT_FATAL(block_begin(&block));
	info = info_of(&block);
	CU_ASSERT_NOT_EQUAL(info.engine, QRT_BLOCK_ENGINE_AUTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(info.reason, "works"));
	tap_note("%s", info.reason);
	block_end(&block);
}

/* ---- a full filesystem: one of 64 KiB that only a child of ours sees ---- */

/* 1: it says so, and once; what was written before is there. */
static int is_said_by(const struct variant *variant)
{
	static char bytes[SIZE / 2] __attribute__((aligned(4096))), in[4096] __attribute__((aligned(4096)));
	struct qrt_block_request request = {
		.kind = QRT_BLOCK_WRITE, .buffer = bytes, .offset = SIZE / 2, .length = sizeof(bytes)};
	struct qrt_block_completion done;
	struct block block;
	int is_good;

	block_prepare(&block, variant, SIZE);
	snprintf(block.path, sizeof(block.path), "/mnt/full.img");
	if (!block_begin(&block))
		return 1;
	memset(bytes, 7, sizeof(bytes));
	is_good = block_write(&block, 0, bytes, 4096) == 4096 &&
		  block_do(&block, &request, &done) == -ENOSPC && done.detail == QRT_BLOCK_DETAIL_SPACE &&
		  qrt_block_queue_harvest(block.queue, &done, 1) == 0 &&
		  block_read(&block, 0, in, 4096) == 4096 && memcmp(in, bytes, 4096) == 0;
	block_end(&block);
	return is_good;
}

static int run_in_child(void)
{
	int wrong = 0;
	size_t i;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/mnt", "tmpfs", 0, "size=64k") < 0)
		return 77;
	for (i = 1; i < variants_count; i++)
		wrong += !is_said_by(&variants[i]);
	return wrong != 0;
}

static void a_full_filesystem_says_so(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(run_in_child());
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("no filesystem may be mounted here");
	else
		CU_ASSERT_EQUAL(status, 0);
}

static void codes_of_the_kernel_have_their_reasons(void)
{
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ENOSPC), QRT_BLOCK_DETAIL_SPACE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-EDQUOT), QRT_BLOCK_DETAIL_SPACE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ENXIO), QRT_BLOCK_DETAIL_GONE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ENODEV), QRT_BLOCK_DETAIL_GONE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ENOTCONN), QRT_BLOCK_DETAIL_GONE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ECONNABORTED), QRT_BLOCK_DETAIL_GONE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-ESTALE), QRT_BLOCK_DETAIL_GONE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-EIO), QRT_BLOCK_DETAIL_DEVICE);
	CU_ASSERT_EQUAL(qrt_block_p_detail_of(-EREMOTEIO), QRT_BLOCK_DETAIL_DEVICE);
}

static const struct tap_test tests[] = {
	{"a file is made or left alone", a_file_is_made_or_left_alone},
	{"a file is resized", a_file_is_resized},
	{"what waits does not make it long again", what_waits_does_not_make_it_long_again},
	{"data and holes are told apart", data_and_holes_are_told_apart},
	{"zeroes give their space back where they may", zeroes_give_their_space_back_where_they_may},
	{"a file that was cut says so", a_file_that_was_cut_says_so},
	{"what is read-only is not written", what_is_read_only_is_not_written},
	{"a descriptor tells what it is open for", a_descriptor_tells_what_it_is_open_for},
	{"auto says what it took and why", auto_says_what_it_took_and_why},
	{"a full filesystem says so", a_full_filesystem_says_so},
	{"codes of the kernel have their reasons", codes_of_the_kernel_have_their_reasons},
};

TAP_MAIN("block file", tests)
