/* SPDX-License-Identifier: MIT */
#include "blockrun.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct blockrun engines[] = {
	{.name = "memory", .engine = QRT_BLOCK_ENGINE_MEMORY},
	{.name = "threads", .engine = QRT_BLOCK_ENGINE_THREADS},
	{.name = "threads-direct", .engine = QRT_BLOCK_ENGINE_THREADS, .flags = QRT_BLOCK_DEVICE_DIRECT},
	{.name = "libaio", .engine = QRT_BLOCK_ENGINE_LIBAIO, .flags = QRT_BLOCK_DEVICE_DIRECT},
	{.name = "io_uring", .engine = QRT_BLOCK_ENGINE_IO_URING},
	{.name = "io_uring-direct", .engine = QRT_BLOCK_ENGINE_IO_URING, .flags = QRT_BLOCK_DEVICE_DIRECT},
	{.name = "io_uring-one-thread",
	 .engine = QRT_BLOCK_ENGINE_IO_URING,
	 .flags = QRT_BLOCK_DEVICE_DIRECT,
	 .queue_flags = QRT_BLOCK_QUEUE_ONE_THREAD},
};

const char *const blockrun_names[] = {"memory",   "threads",         "threads-direct",      "libaio",
				      "io_uring", "io_uring-direct", "io_uring-one-thread", NULL};

int blockrun_prepare(struct blockrun *run, const char *name, uint64_t capacity)
{
	size_t i;

	for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(engines[i].name, name) == 0)
			break;
	}
	if (i == sizeof(engines) / sizeof(engines[0]))
		return -1;
	*run = engines[i];
	snprintf(run->path, sizeof(run->path), "qrt-blockrun-%d.img", getpid());
	run->config.size = sizeof(run->config);
	run->config.engine = run->engine;
	run->config.flags = run->flags;
	run->config.capacity = capacity;
	if (run->engine != QRT_BLOCK_ENGINE_MEMORY) {
		run->config.flags |= QRT_BLOCK_DEVICE_CREATE;
		run->config.path = run->path;
	}
	run->queue_config.size = sizeof(run->queue_config);
	run->queue_config.flags = run->queue_flags;
	return 0;
}

static void die(const struct blockrun *run, const struct qrt_block_error *error)
{
	fprintf(stderr, "%s: %s\n", run->name, error->message);
	exit(1);
}

/* What a container, an old kernel or a filesystem may not have. */
static int is_absent(const struct blockrun *run, int rc)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	if (rc < 0)
		return rc == -EOPNOTSUPP || rc == -EPERM || rc == -ENOSYS ||
		       (run->engine == QRT_BLOCK_ENGINE_LIBAIO && rc == -EINVAL);
	return qrt_block_device_get_info(run->device, &info) >= 0 && (info.flags & run->flags) != run->flags;
}

int blockrun_open(struct blockrun *run)
{
	struct qrt_block_error error = {.code = 0};
	int rc = qrt_block_device_open(&run->config, &run->device, &error);

	if (is_absent(run, rc)) {
		printf("# %s: not here: %s\n", run->name, rc < 0 ? error.message : "no direct I/O");
		blockrun_close(run);
		return 0;
	}
	if (rc < 0)
		die(run, &error);
	return 1;
}

struct qrt_block_queue *blockrun_open_queue(const struct blockrun *run)
{
	struct qrt_block_queue *queue = NULL;
	struct qrt_block_error error;

	if (qrt_block_queue_open(run->device, &run->queue_config, &queue, &error) < 0)
		die(run, &error);
	return queue;
}

void blockrun_close(struct blockrun *run)
{
	run->device = qrt_block_device_close(run->device);
	if (run->config.flags & QRT_BLOCK_DEVICE_CREATE)
		unlink(run->path);
}

uint64_t blockrun_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t blockrun_random(uint64_t *seed, uint64_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % below;
}

char *blockrun_memory(uint64_t length)
{
	char *memory = aligned_alloc(4096, (length + 4095) / 4096 * 4096);

	if (!memory) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

unsigned blockrun_count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}
