/* SPDX-License-Identifier: MIT */
/* A device and a queue of each engine, over a file in the working folder. */
#ifndef QRT_TESTS_BLOCK_HELP_H
#define QRT_TESTS_BLOCK_HELP_H

#include <qrt/block.h>

#include "tap.h"

#define MIB (1u << 20)

struct variant {
	const char *name;
	uint32_t engine, flags, queue_flags;
};

/* Every engine, cached and direct. */
extern const struct variant variants[];
extern const size_t variants_count;

struct block {
	const struct variant *variant;
	struct qrt_block_device *device;
	struct qrt_block_queue *queue;
	struct qrt_block_error error;
	char path[64];
	/* Changed before begin() where something else is wanted. */
	struct qrt_block_device_config config;
	struct qrt_block_queue_config queue_config;
};

/* What begin() will open: a new file of `capacity` bytes, or memory. */
void block_prepare(struct block *block, const struct variant *variant, uint64_t capacity);
/* 1: it is open; 0: the test is skipped, as this build or machine has no such engine. */
int block_begin(struct block *block);
void block_end(struct block *block);

/* Submits one, waits for its DONE, and returns the result. What it was goes to *ret (may be NULL). */
int64_t block_do(struct block *block, struct qrt_block_request *request, struct qrt_block_completion *ret);
int64_t block_read(struct block *block, uint64_t offset, void *buffer, uint64_t length);
int64_t block_write(struct block *block, uint64_t offset, void *buffer, uint64_t length);
/* Waits until the descriptor is readable, and harvests; how many came. */
int block_await(struct block *block, struct qrt_block_completion *ret, size_t max, int timeout_ms);

/* Memory that direct I/O takes, and lets go of with free(). */
char *block_memory(uint64_t length);
void block_fill(char *memory, uint64_t length, uint64_t seed);
uint64_t block_now(void);

#endif
