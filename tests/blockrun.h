/* SPDX-License-Identifier: MIT */
/* A device and a queue of libqrt-block for programs that measure or strain it. */
#ifndef QRT_TESTS_BLOCKRUN_H
#define QRT_TESTS_BLOCKRUN_H

#include <qrt/block.h>

struct blockrun {
	const char *name; /* of the engine, as a user writes it */
	uint32_t engine, flags, queue_flags;
	struct qrt_block_device_config config; /* a file of its own; changed before open() */
	struct qrt_block_queue_config queue_config;
	struct qrt_block_device *device;
	char path[64];
};

/* Names of engines, NULL at the end. */
extern const char *const blockrun_names[];

/* What open() will open: a new file of `capacity` bytes, or memory. 0; -1: there is no such engine. */
int blockrun_prepare(struct blockrun *run, const char *name, uint64_t capacity);
/* 1: it is open; 0: this machine has no such engine, and says why. Other errors end the program. */
int blockrun_open(struct blockrun *run);
struct qrt_block_queue *blockrun_open_queue(const struct blockrun *run);
void blockrun_close(struct blockrun *run);

uint64_t blockrun_now(void);
/* Below `below`. */
uint64_t blockrun_random(uint64_t *seed, uint64_t below);
/* Memory that direct I/O takes. */
char *blockrun_memory(uint64_t length);
/* Descriptors that this process has open. */
unsigned blockrun_count_fds(void);

#endif
