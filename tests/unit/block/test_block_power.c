/* SPDX-License-Identifier: MIT */
/* Power that is cut: what was flushed is there, and of the rest each sector is as it was before or after. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"

#define SIZE    (1u << 18)
#define SECTOR  4096u
#define SECTORS (SIZE / SECTOR)
#define ROUNDS  12
#define WRITES  40

static const struct qrt_block_fault_config power = {
	.size = sizeof(power), .flags = QRT_BLOCK_FAULT_POWER, .seed = 99};

struct world {
	struct block block;
	char *safe, *now, *memory;
	uint8_t is_changed[SECTORS];
	uint64_t seed;
	unsigned kept, lost;
};

static void flush(struct world *world)
{
	struct qrt_block_request request = {.kind = QRT_BLOCK_FLUSH};

	CU_ASSERT_EQUAL(block_do(&world->block, &request, NULL), 0);
	memcpy(world->safe, world->now, SIZE);
	memset(world->is_changed, 0, sizeof(world->is_changed));
}

static void write_some(struct world *world)
{
	int i;

	for (i = 0; i < WRITES; i++) {
		uint64_t sector = (world->seed = world->seed * 6364136223846793005u + 1) >> 58;
		struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE,
						    .flags = i % 8 == 7 ? QRT_BLOCK_FUA : 0,
						    .offset = sector * SECTOR,
						    .length = SECTOR,
						    .buffer = world->memory};

		block_fill(world->memory, SECTOR, world->seed);
		CU_ASSERT_EQUAL(block_do(&world->block, &request, NULL), SECTOR);
		memcpy(world->now + sector * SECTOR, world->memory, SECTOR);
		if (request.flags)
			memcpy(world->safe + sector * SECTOR, world->memory, SECTOR);
		/* Each write to it may be the one that survives: those in between are not kept here. */
		world->is_changed[sector] = request.flags ? 0 : (uint8_t)(world->is_changed[sector] + 1);
	}
}

/* A sector of the device is smaller than one of these: parts of it fall back on their own. */
static int is_one_of(const char *got, const char *one, const char *other)
{
	unsigned i;

	for (i = 0; i < SECTOR; i += 512) {
		if (memcmp(got + i, one + i, 512) != 0 && memcmp(got + i, other + i, 512) != 0)
			return 0;
	}
	return 1;
}

static void check(struct world *world)
{
	uint64_t i;

	for (i = 0; i < SECTORS; i++) {
		const char *safe = world->safe + i * SECTOR, *now = world->now + i * SECTOR;

		CU_ASSERT_EQUAL(block_read(&world->block, i * SECTOR, world->memory, SECTOR), SECTOR);
		if (!world->is_changed[i]) {
			CU_ASSERT_EQUAL(memcmp(world->memory, safe, SECTOR), 0);
		} else {
			CU_ASSERT(is_one_of(world->memory, safe, now));
			world->kept += memcmp(world->memory, now, SECTOR) == 0;
			world->lost += memcmp(world->memory, now, SECTOR) != 0;
		}
		memcpy(world->safe + i * SECTOR, world->memory, SECTOR);
	}
	memcpy(world->now, world->safe, SIZE);
	memset(world->is_changed, 0, sizeof(world->is_changed));
}

static void run_over(const struct variant *variant)
{
	struct world world = {.seed = 7};
	int round;

	block_prepare(&world.block, variant, SIZE);
	world.block.config.fault = &power;
	if (!block_begin(&world.block))
		return;
	world.safe = calloc(1, SIZE);
	world.now = calloc(1, SIZE);
	world.memory = block_memory(SECTOR);
	for (round = 0; round < ROUNDS; round++) {
		write_some(&world);
		flush(&world);
		write_some(&world);
		CU_ASSERT_EQUAL(qrt_block_device_cut_power(world.block.device), 0);
		check(&world);
	}
	CU_ASSERT(world.lost > 0);
	block_end(&world.block);
	free(world.safe);
	free(world.now);
	free(world.memory);
}

static void what_was_flushed_is_there(void)
{
	size_t i;

	for (i = 0; i < variants_count; i++)
		run_over(&variants[i]);
}

static void what_was_held_up_fails_when_power_is_cut(void)
{
	const struct qrt_block_fault_config slow = {.size = sizeof(slow),
						    .flags = QRT_BLOCK_FAULT_POWER,
						    .delay_rate = 1000,
						    .kinds = 1u << QRT_BLOCK_WRITE,
						    .delay_min_ns = 60000000000u,
						    .delay_max_ns = 60000000000u};
	char *memory = block_memory(SECTOR);
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE, .buffer = memory, .length = SECTOR};
	struct qrt_block_completion done;
	struct block block;

	block_prepare(&block, &variants[0], SIZE);
	block.config.fault = &slow;
	CU_ASSERT_FATAL(block_begin(&block));
	memset(memory, 1, SECTOR);
	CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
	CU_ASSERT_EQUAL(qrt_block_device_cut_power(block.device), 0);
	CU_ASSERT_EQUAL(block_await(&block, &done, 1, 60000), 1);
	CU_ASSERT_EQUAL(done.result, -EIO);
	CU_ASSERT_EQUAL(block_read(&block, 0, memory, SECTOR), SECTOR);
	CU_ASSERT_EQUAL(memory[0], 0);
	block_end(&block);
	free(memory);
}

static const struct tap_test tests[] = {
	{"what was flushed is there", what_was_flushed_is_there},
	{"what was held up fails when power is cut", what_was_held_up_fails_when_power_is_cut},
};

TAP_MAIN("block power", tests)
