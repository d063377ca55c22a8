/* SPDX-License-Identifier: MIT */
/* Commands about the device, and about the session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qrt_io.h"

#define EXTENTS 64

static int get_info(const struct session *session, struct qrt_block_device_info *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->size = sizeof(*ret_info);
	return qrt_block_device_get_info(session->device, ret_info);
}

int command_map(struct session *session, char **words)
{
	struct qrt_block_extent extents[EXTENTS];
	struct qrt_block_device_info info;
	uint64_t offset = 0;
	int i, count;

	(void)words;
	get_info(session, &info);
	while (offset < info.capacity) {
		count = qrt_block_device_list_extents(session->device, offset, info.capacity - offset,
						      extents, EXTENTS);
		if (count < 0) {
			complain("map: %s", strerror(-count));
			return EXIT_FAILED;
		}
		for (i = 0; i < count; i++) {
			printf("%s %llu bytes at offset %llu\n", extents[i].is_hole ? "hole" : "data",
			       (unsigned long long)extents[i].length, (unsigned long long)extents[i].offset);
			offset = extents[i].offset + extents[i].length;
		}
	}
	return EXIT_OK;
}

int command_length(struct session *session, char **words)
{
	struct qrt_block_device_info info;

	(void)words;
	get_info(session, &info);
	printf("%llu\n", (unsigned long long)info.capacity);
	return EXIT_OK;
}

int command_info(struct session *session, char **words)
{
	static const char *const engines[] = {"auto", "threads", "native", "io_uring", "memory"};
	static const char *const locks[] = {"none", "read", "write", "shared"};
	struct qrt_block_device_info info;

	(void)words;
	get_info(session, &info);
	printf("engine: %s (%s)\nlength: %llu\nalignment: %u, of memory %u\nflags:%s%s\nlock: %s\n",
	       engines[info.engine], info.reason, (unsigned long long)info.capacity, info.alignment,
	       info.memory_alignment, info.flags & QRT_BLOCK_DEVICE_READ_ONLY ? " read-only" : "",
	       info.flags & QRT_BLOCK_DEVICE_DIRECT ? " direct" : "", locks[info.lock]);
	return EXIT_OK;
}

int command_truncate(struct session *session, char **words)
{
	struct qrt_block_error error;
	uint64_t length;

	if (!words[1] || words[2] || read_number(words[1], &length) < 0) {
		complain("truncate: usage: truncate LENGTH");
		return EXIT_USAGE;
	}
	if (qrt_block_device_resize(session->device, length, &error) >= 0)
		return EXIT_OK;
	complain("truncate: %s", error.message);
	return EXIT_FAILED;
}

int command_sleep(struct session *session, char **words)
{
	struct timespec time;
	uint64_t ms;

	(void)session;
	if (!words[1] || words[2] || read_number(words[1], &ms) < 0) {
		complain("sleep: usage: sleep MILLISECONDS");
		return EXIT_USAGE;
	}
	time.tv_sec = (time_t)(ms / 1000);
	time.tv_nsec = (long)(ms % 1000 * 1000000);
	while (nanosleep(&time, &time) < 0)
		;
	return EXIT_OK;
}

/* Nothing is written any more that was not yet: for tests of what is left then. */
int command_abort(struct session *session, char **words)
{
	(void)session;
	(void)words;
	abort();
}

int command_quit(struct session *session, char **words)
{
	(void)words;
	session->is_over = 1;
	return EXIT_OK;
}
