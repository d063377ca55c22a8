/* SPDX-License-Identifier: MIT */
/* What libqrt-block promises to those who have the shared object, the header and the manual: outputs,
 * lifetimes, descriptors, sizes of structs, wake-ups. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <qrt/block.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static struct qrt_block_device *device;
static struct qrt_block_queue *queue;
static struct qrt_block_error error;

static void begin(const struct qrt_block_queue_config *wanted)
{
	const struct qrt_block_device_config config = {
		.size = sizeof(config), .engine = QRT_BLOCK_ENGINE_MEMORY, .capacity = 65536, .queues = 4};
	const struct qrt_block_queue_config plain = {.size = sizeof(plain)};

	CU_ASSERT_EQUAL_FATAL(qrt_block_device_open(&config, &device, &error), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_open(device, wanted ? wanted : &plain, &queue, &error), 0);
}

static void end(void)
{
	queue = qrt_block_queue_close(queue);
	device = qrt_block_device_close(device);
	CU_ASSERT(!queue && !device);
}

static int is_readable(void)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(queue), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static int submit_reads(char *buffer, int count)
{
	struct qrt_block_request requests[16] = {0};
	int i;

	for (i = 0; i < count; i++) {
		requests[i].buffer = buffer;
		requests[i].length = 1;
	}
	return qrt_block_queue_submit(queue, requests, (size_t)count);
}

static void closing_nothing_is_fine(void)
{
	CU_ASSERT_PTR_NULL(qrt_block_device_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_block_queue_close(NULL));
	CU_ASSERT_EQUAL(strcmp(qrt_block_version(), "0.1.0"), 0);
}

static void outputs_are_left_alone_where_it_fails(void)
{
	struct qrt_block_device_config config = {.size = sizeof(config), .path = "not/there"};
	struct qrt_block_queue_config bad = {.size = sizeof(bad), .depth = 1000000};
	struct qrt_block_device *other = (struct qrt_block_device *)&config;
	struct qrt_block_queue *another = (struct qrt_block_queue *)&config;
	const struct iovec nowhere = {NULL, 4096};

	CU_ASSERT_EQUAL(qrt_block_device_open(&config, &other, &error), -ENOENT);
	CU_ASSERT_PTR_EQUAL(other, &config);
	CU_ASSERT_EQUAL(error.code, -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not/there"));
	CU_ASSERT_EQUAL(qrt_block_device_open(&config, &other, NULL), -ENOENT);
	begin(NULL);
	CU_ASSERT_EQUAL(qrt_block_queue_open(device, &bad, &another, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(another, &config);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(queue, &nowhere, 1, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(queue, &nowhere, 1, NULL), -EINVAL);
	end();
}

static void good_calls_leave_the_error_alone(void)
{
	const struct iovec buffer = {error.message, sizeof(error.message)};

	memset(&error, 'x', sizeof(error));
	begin(NULL);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(queue, &buffer, 1, &error), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(queue, NULL, 0, &error), 0);
	CU_ASSERT_EQUAL(error.message[0], 'x');
	end();
}

/* A config with more at its end than this version knows. */
struct newer {
	struct qrt_block_device_config known;
	uint64_t unknown;
};

static void structs_of_other_sizes_are_judged(void)
{
	struct newer newer = {
		.known = {.size = sizeof(newer), .engine = QRT_BLOCK_ENGINE_MEMORY, .capacity = 4096}};
	struct qrt_block_device_info info = {.size = 24}; /* up to lock and capacity */
	uint64_t behind;

	CU_ASSERT_EQUAL(qrt_block_device_open(&newer.known, &device, NULL), 0);
	memset((char *)&info + 24, 0x55, sizeof(info) - 24);
	memcpy(&behind, (char *)&info + 24, sizeof(behind));
	CU_ASSERT_EQUAL(qrt_block_device_get_info(device, &info), 0);
	CU_ASSERT_EQUAL(info.capacity, 4096);
	CU_ASSERT_EQUAL(info.size, 24);
	CU_ASSERT_EQUAL(memcmp((char *)&info + 24, &behind, sizeof(behind)), 0);
	info.size = 0;
	CU_ASSERT_EQUAL(qrt_block_device_get_info(device, &info), -EINVAL);
	device = qrt_block_device_close(device);
	newer.unknown = 1;
	CU_ASSERT_EQUAL(qrt_block_device_open(&newer.known, &device, NULL), -E2BIG);
	newer.known.size = 0;
	CU_ASSERT_EQUAL(qrt_block_device_open(&newer.known, &device, NULL), -EINVAL);
}

static void the_descriptor_says_what_is_there(void)
{
	struct qrt_block_completion done[8];
	char byte;
	int fd;

	begin(NULL);
	fd = qrt_block_queue_get_fd(queue);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT(!is_readable());
	CU_ASSERT_EQUAL(submit_reads(&byte, 3), 3);
	CU_ASSERT(is_readable());
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 2), 2);
	CU_ASSERT(is_readable()); /* one is left */
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 0), 0);
	CU_ASSERT(is_readable());
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 8), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 8), 0);
	CU_ASSERT(!is_readable()); /* the one that found nothing */
	CU_ASSERT_EQUAL(qrt_block_queue_get_fd(queue), fd);
	end();
}

static void it_need_not_say_what_is_seen_anyway(void)
{
	const struct qrt_block_queue_config config = {.size = sizeof(config),
						      .flags = QRT_BLOCK_QUEUE_HARVESTED};
	struct qrt_block_completion done[8];
	char byte;

	begin(&config);
	CU_ASSERT_EQUAL(submit_reads(&byte, 3), 3);
	CU_ASSERT(!is_readable());
	CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(queue, 0), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 8), 3);
	CU_ASSERT_EQUAL(qrt_block_queue_enable_fd(queue, 1), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 8), 0);
	CU_ASSERT(!is_readable());
	end();
}

static void there_is_no_more_room_than_the_depth(void)
{
	const struct qrt_block_queue_config config = {.size = sizeof(config), .depth = 4};
	struct qrt_block_completion done[8];
	char byte;

	begin(&config);
	CU_ASSERT_EQUAL(submit_reads(&byte, 6), 4);
	CU_ASSERT_EQUAL(submit_reads(&byte, 1), -EAGAIN);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 1), 1);
	CU_ASSERT_EQUAL(submit_reads(&byte, 2), 1);
	CU_ASSERT_EQUAL(qrt_block_queue_harvest(queue, done, 8), 4);
	end();
}

static void a_device_has_so_many_queues_and_requests(void)
{
	const struct qrt_block_queue_config config = {.size = sizeof(config), .depth = 300};
	struct qrt_block_queue *others[5] = {NULL};
	int i;

	begin(&config);
	CU_ASSERT_EQUAL(qrt_block_queue_open(device, &config, &others[0], NULL), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_open(device, &config, &others[1], NULL), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_open(device, &config, &others[2], &error), -ENOSPC);
	for (i = 0; i < 5; i++)
		others[i] = qrt_block_queue_close(others[i]);
	CU_ASSERT_EQUAL(qrt_block_queue_open(device, &config, &others[2], NULL), 0);
	qrt_block_queue_close(others[2]);
	end();
}

static void descriptors_are_given_back(void)
{
	int before = dup(0), after;

	close(before);
	begin(NULL);
	end();
	after = dup(0);
	close(after);
	CU_ASSERT_EQUAL(before, after);
}

/* ---- threads: queues of one device in several at the same time ---- */

#define THREADS 3
#define TIMES   400

static void await_all(struct qrt_block_queue *own, int wanted, unsigned *good)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(own), .events = POLLIN};
	struct qrt_block_completion done[8];
	int count = 0, rc, i;

	while (count < wanted && poll(&fd, 1, 10000) == 1) {
		rc = qrt_block_queue_harvest(own, done, 8);
		for (i = 0; i < rc; i++)
			*good += done[i].result == 512;
		count += rc;
	}
}

static void *use(void *argument)
{
	const struct qrt_block_queue_config config = {.size = sizeof(config),
						      .flags = QRT_BLOCK_QUEUE_ONE_THREAD};
	struct qrt_block_queue *own;
	unsigned *good = argument;
	char buffer[4][512];
	int i, j;

	if (qrt_block_queue_open(device, &config, &own, NULL) < 0)
		return NULL;
	for (i = 0; i < TIMES; i++) {
		struct qrt_block_request requests[4] = {0};

		for (j = 0; j < 4; j++) {
			requests[j].buffer = buffer[j];
			requests[j].length = 512;
			requests[j].priority = (uint32_t)j % QRT_BLOCK_PRIORITIES;
			requests[j].offset = (uint64_t)j * 512;
		}
		if (qrt_block_queue_submit(own, requests, 4) != 4)
			break;
		await_all(own, 4, good);
	}
	qrt_block_queue_close(own);
	return NULL;
}

static void threads_have_a_queue_each(void)
{
	static const uint32_t engines[] = {QRT_BLOCK_ENGINE_THREADS, QRT_BLOCK_ENGINE_AUTO};
	struct qrt_block_device_config config = {.size = sizeof(config),
						 .flags = QRT_BLOCK_DEVICE_CREATE,
						 .path = "qrt-block-contract.img",
						 .capacity = 65536};
	pthread_t threads[THREADS];
	unsigned good[THREADS] = {0};
	size_t i, j;

	for (j = 0; j < 2; j++) {
		unlink(config.path);
		config.engine = engines[j];
		CU_ASSERT_EQUAL_FATAL(qrt_block_device_open(&config, &device, &error), 0);
		for (i = 0; i < THREADS; i++)
			CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, use, &good[i]), 0);
		for (i = 0; i < THREADS; i++) {
			pthread_join(threads[i], NULL);
			CU_ASSERT_EQUAL(good[i], (j + 1) * 4 * TIMES);
		}
		device = qrt_block_device_close(device);
	}
	unlink(config.path);
}

static const struct tap_test tests[] = {
	{"closing nothing is fine", closing_nothing_is_fine},
	{"outputs are left alone where it fails", outputs_are_left_alone_where_it_fails},
	{"good calls leave the error alone", good_calls_leave_the_error_alone},
	{"structs of other sizes are judged", structs_of_other_sizes_are_judged},
	{"the descriptor says what is there", the_descriptor_says_what_is_there},
	{"it need not say what is seen anyway", it_need_not_say_what_is_seen_anyway},
	{"there is no more room than the depth", there_is_no_more_room_than_the_depth},
	{"a device has so many queues and requests", a_device_has_so_many_queues_and_requests},
	{"descriptors are given back", descriptors_are_given_back},
	{"threads have a queue each", threads_have_a_queue_each},
};

TAP_MAIN("contract block", tests)
