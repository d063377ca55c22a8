/* SPDX-License-Identifier: MIT */
/* After opening: nothing is allocated, no thread comes or goes, the descriptor stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qcow2_help.h"

#define ROUNDS 300
#define EACH   16

static _Atomic unsigned allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	allocations++;
	return __real_aligned_alloc(alignment, size);
}

/* The kernel's own helpers of an io_uring: they come and end when it likes. */
static int is_helper(const char *tid)
{
	char path[64], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 1; /* it has ended meanwhile */
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return strncmp(name, "iou-", 4) == 0;
}

/* Threads of this process. */
static unsigned count_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.' && !is_helper(entry->d_name);
	closedir(folder);
	return count;
}

static void *end_at_once(void *data)
{
	return data;
}

/* Those that were joined are gone: the kernel takes them out of its list a little later. */
static void wait_alone(void)
{
	static unsigned alone;
	pthread_t first;
	int i;

	/* A sanitizer has a thread of its own from the first one on. */
	if (!alone && pthread_create(&first, NULL, end_at_once, NULL) == 0) {
		pthread_join(first, NULL);
		usleep(200000);
		alone = count_threads();
	}
	for (i = 0; i < 10000 && count_threads() != alone; i++)
		usleep(1000);
	CU_ASSERT_EQUAL(count_threads(), alone);
}

static void fill(struct qrt_block_request *requests, char *memory, int round)
{
	int i;

	memset(requests, 0, EACH * sizeof(*requests));
	for (i = 0; i < EACH; i++) {
		requests[i].kind = (uint32_t)(round + i) % 2;
		requests[i].priority = (uint32_t)i % QRT_BLOCK_PRIORITIES;
		requests[i].offset = (uint64_t)i * 4096;
		requests[i].length = 4096;
		/* Each with memory of its own, of which every other one is not aligned. */
		requests[i].buffer = memory + (size_t)i * 8192 + (i % 2) * 8;
		requests[i].deadline_ns = i % 4 ? 0 : block_now() + 60000000000u;
	}
}

static void run(struct block *block, char *memory, int is_reading)
{
	struct qrt_block_request requests[EACH];
	struct qrt_block_completion done[EACH];
	int round;

	for (round = 0; round < ROUNDS; round++) {
		int count = 0, rc = 0, i;

		fill(requests, memory, round);
		for (i = 0; i < EACH && is_reading; i++) {
			requests[i].kind = QRT_BLOCK_READ;
			requests[i].offset = (uint64_t)(round * EACH + i) * 20480 % (MIB - 4096);
		}
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block->queue, requests, EACH), EACH);
		while (count < EACH && rc >= 0) {
			rc = block_await(block, done, EACH, 10000);
			count += rc > 0 ? rc : 0;
		}
		CU_ASSERT_EQUAL_FATAL(count, EACH);
	}
}

static void requests_allocate_nothing_and_start_nobody(void)
{
	char *memory = block_memory(EACH * 8192);
	struct block block;
	size_t i;

	memset(memory, 0, EACH * 8192);
	for (i = 0; i < variants_count; i++) {
		unsigned before, threads;
		int fd;

		wait_alone();
		block_prepare(&block, &variants[i], MIB);
		if (!block_begin(&block))
			continue;
		threads = count_threads();
		fd = qrt_block_queue_get_fd(block.queue);
		before = allocations;
		run(&block, memory, 0);
		CU_ASSERT_EQUAL(allocations, before);
		CU_ASSERT_EQUAL(qrt_block_queue_get_fd(block.queue), fd);
		CU_ASSERT_EQUAL(count_threads(), threads);
		block_end(&block);
	}
	CU_ASSERT(allocations > 0); /* the openings were seen */
	free(memory);
}

/* Tables, compressed clusters and all. */
static void images_allocate_nothing_and_start_nobody(void)
{
	char *memory = block_memory(EACH * 8192), *cluster = block_memory(65536);
	struct qcow2_file file;
	struct block block;
	unsigned before, threads;
	uint64_t i;

	wait_alone();
	memset(cluster, 7, 65536);
	qcow2_begin(&file, 3, 16, MIB);
	for (i = 0; i < 15; i++) {
		if (i % 2)
			qcow2_put_compressed(&file, i, cluster);
		else
			qcow2_put_data(&file, i, cluster);
	}
	block_prepare(&block, &variants[1], 0);
	qcow2_save(&file, block.path);
	block.config.flags = QRT_BLOCK_DEVICE_READ_ONLY;
	block.config.format = QRT_BLOCK_FORMAT_QCOW2;
	CU_ASSERT_FATAL(block_begin(&block));
	before = allocations;
	threads = count_threads();
	run(&block, memory, 1);
	CU_ASSERT_EQUAL(allocations, before);
	CU_ASSERT_EQUAL(count_threads(), threads);
	block_end(&block);
	qcow2_end(&file);
	free(memory);
	free(cluster);
}

/* Each power of two has two. */
static void latencies_are_counted_where_they_belong(void)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};
	struct block block;
	uint64_t sum = 0;
	char byte;
	uint32_t i;

	block_prepare(&block, &variants[0], MIB);
	CU_ASSERT_FATAL(block_begin(&block));
	for (i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(block_read(&block, i, &byte, 1), 1);
	CU_ASSERT_EQUAL(block_read(&block, MIB, &byte, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(block.queue, &statistics), 0);
	for (i = 0; i < QRT_BLOCK_LATENCIES; i++)
		sum += statistics.priorities[QRT_BLOCK_NORMAL].latency[i];
	CU_ASSERT_EQUAL(sum, 10);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_NORMAL].done, 10);
	CU_ASSERT_EQUAL(statistics.priorities[QRT_BLOCK_NORMAL].refused, 1);
	block_end(&block);
}

static const struct tap_test tests[] = {
	{"requests allocate nothing and start nobody", requests_allocate_nothing_and_start_nobody},
	{"images allocate nothing and start nobody", images_allocate_nothing_and_start_nobody},
	{"latencies are counted where they belong", latencies_are_counted_where_they_belong},
};

TAP_MAIN("block rt", tests)
