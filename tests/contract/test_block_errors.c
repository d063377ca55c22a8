/* SPDX-License-Identifier: MIT */
/* Each error that the manual names for what is set up, once, by the shared object alone: the code, a word of
 * the message, and an output that is left as it was. Errors of requests are the engines' (unit tests). */
#include <errno.h>
#include <fcntl.h>
#include <qrt/block.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"

#define PATH "qrt-block-errors.img"

static struct qrt_block_error error;

static const struct qrt_block_device_config memory = {
	.size = sizeof(memory), .engine = QRT_BLOCK_ENGINE_MEMORY, .capacity = 65536};

static void check_device(const struct qrt_block_device_config *config, int code, const char *word)
{
	struct qrt_block_device *device = (struct qrt_block_device *)&error;

	memset(&error, 0, sizeof(error));
	CU_ASSERT_EQUAL(qrt_block_device_open(config, &device, &error), code);
	CU_ASSERT_PTR_EQUAL(device, (struct qrt_block_device *)&error);
	CU_ASSERT_EQUAL(error.code, code);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, word));
	CU_ASSERT_PTR_NULL(strchr(error.message, '\n'));
}

static void a_device_says_what_is_wrong_with_its_config(void)
{
	const struct {
		struct qrt_block_device_config config;
		const char *word;
	} wrong[] = {
		{{.engine = 99, .path = PATH}, "engine"},
		{{.flags = 1u << 31, .path = PATH}, "flags"},
		{{.format = 99, .path = PATH}, "format"},
		{{.reserved = 1, .path = PATH}, "format"},
		{{.flags = QRT_BLOCK_DEVICE_BACKING, .path = PATH}, "BACKING"},
		{{.workers = 65, .path = PATH}, "64 workers"},
		{{.requests = 65537, .path = PATH}, "65536 requests"},
		{{.queues = 1025, .path = PATH}, "1024 queues"},
		{{.engine = QRT_BLOCK_ENGINE_MEMORY}, "capacity"},
		{{.engine = QRT_BLOCK_ENGINE_MEMORY, .capacity = 1, .path = PATH}, "path"},
		{{.engine = QRT_BLOCK_ENGINE_MEMORY, .capacity = 1, .flags = QRT_BLOCK_DEVICE_DIRECT},
		 "flags"},
		{{.flags = QRT_BLOCK_DEVICE_CREATE, .capacity = 1ull << 63, .path = PATH}, "capacity"},
		{{.flags = QRT_BLOCK_DEVICE_CREATE, .fd = 0}, "path"},
		{{.path = "/dev/null"}, "neither a file nor a block device"},
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct qrt_block_device_config config = wrong[i].config;

		config.size = sizeof(config);
		check_device(&config, -EINVAL, wrong[i].word);
	}
	CU_ASSERT_EQUAL(access(PATH, F_OK), -1); /* nothing is left of those that would have made it */
}

/* What a config points to is judged as it is. */
static void a_device_judges_what_its_config_points_to(void)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault), .kinds = 1u << QRT_BLOCK_KINDS};
	struct qrt_block_thread_operations threads = {.size = sizeof(threads)};
	struct qrt_block_device_config config = memory;
	struct {
		struct qrt_block_fault_config known;
		uint64_t unknown;
	} newer = {.known = {.size = sizeof(newer)}, .unknown = 1};

	config.fault = &fault;
	check_device(&config, -EINVAL, "kinds");
	fault = (struct qrt_block_fault_config){.size = sizeof(fault), .delay_min_ns = 2, .delay_max_ns = 1};
	check_device(&config, -EINVAL, "reverse");
	fault = (struct qrt_block_fault_config){.size = sizeof(fault), .flags = 2};
	check_device(&config, -EINVAL, "flags");
	config.fault = &newer.known;
	check_device(&config, -E2BIG, "faults");
	config.fault = NULL;
	config.threads = &threads;
	check_device(&config, -EINVAL, "create or join");
	config.size = 0;
	check_device(&config, -EINVAL, "version");
}

static struct qrt_block_device *open_memory(void)
{
	struct qrt_block_device *device = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_block_device_open(&memory, &device, &error), 0);
	return device;
}

static void check_queue(struct qrt_block_device *device, const struct qrt_block_queue_config *config,
			int code, const char *word)
{
	struct qrt_block_queue *queue = (struct qrt_block_queue *)&error;

	CU_ASSERT_EQUAL(qrt_block_queue_open(device, config, &queue, &error), code);
	CU_ASSERT_PTR_EQUAL(queue, (struct qrt_block_queue *)&error);
	CU_ASSERT_EQUAL(error.code, code);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, word));
}

static void a_queue_says_what_is_wrong_with_its_config(void)
{
	const struct qrt_block_queue_config wrong[] = {
		{.flags = 1u << 31},
		{.reserved = 1},
		{.depth = 4097},
		{.iov_max = 1025},
		{.bounces = 1025},
		{.bounce_bytes = 4097},
		{.bounce_bytes = (64u << 20) + 4096},
	};
	struct qrt_block_device *device = open_memory();
	struct {
		struct qrt_block_queue_config known;
		uint64_t unknown;
	} newer = {.known = {.size = sizeof(newer)}, .unknown = 1};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct qrt_block_queue_config config = wrong[i];

		config.size = sizeof(config);
		check_queue(device, &config, -EINVAL, i < 2 ? "flags" : "at most");
		config.size = 0;
		check_queue(device, &config, -EINVAL, "version");
	}
	check_queue(device, &newer.known, -E2BIG, "version");
	qrt_block_device_close(device);
}

static void a_throttle_says_what_is_wrong_with_its_config(void)
{
	struct {
		struct qrt_block_throttle_config known;
		uint64_t unknown;
	} newer = {.known = {.size = sizeof(newer), .requests = 1}};
	struct qrt_block_throttle_config config = {.requests = 1}, *reserved = &newer.known;
	struct qrt_block_throttle *throttle = NULL;

	CU_ASSERT_EQUAL(qrt_block_throttle_open(&config, &throttle, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL_FATAL(qrt_block_throttle_open(reserved, &throttle, &error), 0);
	newer.unknown = 1;
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, reserved), -E2BIG);
	newer.unknown = 0;
	reserved->reserved = 1;
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, reserved), -EINVAL);
	reserved->size = 0;
	CU_ASSERT_EQUAL(qrt_block_throttle_set(throttle, reserved), -EINVAL);
	CU_ASSERT_PTR_NULL(qrt_block_throttle_close(throttle));
}

static void calls_of_an_open_device_have_their_errors(void)
{
	struct qrt_block_queue_config config = {.size = sizeof(config)};
	struct qrt_block_device *device = open_memory();
	struct qrt_block_queue_statistics statistics = {.size = 0};
	struct qrt_block_extent extent = {.offset = 7};
	struct qrt_block_queue *queue = NULL;

	CU_ASSERT_EQUAL(qrt_block_device_resize(device, 4096, &error), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "only files"));
	CU_ASSERT_EQUAL(qrt_block_device_cut_power(device), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(device, 65537, 0, &extent, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(device, 1, 65536, &extent, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(device, 1ull << 63, 1ull << 63, &extent, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(device, 1, UINT64_MAX, &extent, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_device_list_extents(device, 65536, 0, &extent, 1), 0);
	CU_ASSERT_EQUAL(extent.offset, 7);
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_open(device, &config, &queue, &error), 0);
	CU_ASSERT_EQUAL(qrt_block_queue_get_statistics(queue, &statistics), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(queue, 0), -ENOENT);
	CU_ASSERT_EQUAL(qrt_block_queue_cancel(queue, UINT64_MAX), -ENOENT);
	qrt_block_queue_close(queue);
	qrt_block_device_close(device);
}

/* Where direct I/O is possible; else it is used without. */
static void direct_wants_lengths_of_whole_blocks(void)
{
	struct qrt_block_device_config config = {.size = sizeof(config),
						 .flags = QRT_BLOCK_DEVICE_DIRECT | QRT_BLOCK_DEVICE_CREATE,
						 .path = PATH,
						 .capacity = 1 << 20};
	struct qrt_block_device_info info = {.size = sizeof(info)};
	struct qrt_block_device *device = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_block_device_open(&config, &device, &error), 0);
	CU_ASSERT_EQUAL(qrt_block_device_get_info(device, &info), 0);
	if (info.alignment > 1) {
		CU_ASSERT_EQUAL(qrt_block_device_resize(device, 100001, &error), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "multiple"));
		CU_ASSERT_EQUAL(truncate(PATH, 100001), 0);
		CU_ASSERT_EQUAL(qrt_block_device_refresh(device, &error), 0);
		CU_ASSERT_EQUAL(qrt_block_device_get_info(device, &info), 0);
		CU_ASSERT_EQUAL(info.capacity, 100001 / info.alignment * info.alignment);
	}
	qrt_block_device_close(device);
	config.flags = QRT_BLOCK_DEVICE_DIRECT;
	if (info.alignment > 1)
		check_device(&config, -EINVAL, "without DIRECT");
	unlink(PATH);
}

/* What a system has no more of. */
static void no_descriptors_are_said(void)
{
	const struct qrt_block_queue_config plain = {.size = sizeof(plain)};
	const struct qrt_block_device_config config = {.size = sizeof(config), .path = "/dev/null"};
	struct qrt_block_device *device = open_memory();
	struct rlimit limit, none;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	check_queue(device, &plain, -EMFILE, "queue");
	check_device(&config, -EMFILE, "/dev/null");
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	qrt_block_device_close(device);
}

static const struct tap_test tests[] = {
	{"a device says what is wrong with its config", a_device_says_what_is_wrong_with_its_config},
	{"a device judges what its config points to", a_device_judges_what_its_config_points_to},
	{"a queue says what is wrong with its config", a_queue_says_what_is_wrong_with_its_config},
	{"a throttle says what is wrong with its config", a_throttle_says_what_is_wrong_with_its_config},
	{"calls of an open device have their errors", calls_of_an_open_device_have_their_errors},
	{"direct wants lengths of whole blocks", direct_wants_lengths_of_whole_blocks},
	{"no descriptors are said", no_descriptors_are_said},
};

TAP_MAIN("contract block errors", tests)
