/* SPDX-License-Identifier: MIT */
/* Random requests over engines in which things go wrong, against a model of what the device must have: every
 * byte equal, every request and every error once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "device_p.h"

#define SIZE    (1u << 18)
#define BLOCK   4096u
#define ODD     1009u
#define SECTORS (SIZE / BLOCK)
#define SLOTS   32
#define LONGEST 8u /* sectors */

/* Of each engine, with faults and without. A soak wants more, and others: QRT_BLOCK_MODEL="REQUESTS SEED". */
static unsigned requests_wanted = 5000;
static uint64_t seed_wanted = 1;

struct slot {
	struct qrt_block_request request;
	char *memory;
	uint32_t sector, count;
	int is_out;
};

/* What a sector may hold: what is in `value`, or anything after a write of it failed. Sectors are as long as
 * a block, or of ODD bytes, so that a block has parts of several. */
struct model {
	struct block block;
	uint32_t sector_bytes;
	char *value;
	uint8_t is_unknown[SECTORS];
	uint8_t is_busy[SECTORS]; /* by a request that is out */
	struct slot slots[SLOTS];
	uint64_t seed;
	unsigned submitted, done, failed, wrong;
};

static uint64_t chance(struct model *model, uint64_t below)
{
	model->seed = model->seed * 6364136223846793005u + 1442695040888963407u;
	return (model->seed >> 33) % below;
}

static int is_change(const struct slot *slot)
{
	return slot->request.kind == QRT_BLOCK_WRITE || slot->request.kind == QRT_BLOCK_WRITE_ZEROES ||
	       slot->request.kind == QRT_BLOCK_DISCARD;
}

static int is_free(const struct model *model, uint32_t sector, uint32_t count)
{
	uint32_t i;

	for (i = sector; i < sector + count; i++) {
		if (model->is_busy[i])
			return 0;
	}
	return 1;
}

/* 0: its range is in use by another one. */
static int choose(struct model *model, struct slot *slot)
{
	static const uint32_t kinds[] = {QRT_BLOCK_READ,  QRT_BLOCK_READ,         QRT_BLOCK_WRITE,
					 QRT_BLOCK_WRITE, QRT_BLOCK_WRITE_ZEROES, QRT_BLOCK_DISCARD};

	memset(&slot->request, 0, sizeof(slot->request));
	slot->request.kind = kinds[chance(model, sizeof(kinds) / sizeof(kinds[0]))];
	if (chance(model, 50) == 0)
		slot->request.kind = QRT_BLOCK_FLUSH;
	slot->count = 1 + (uint32_t)chance(model, LONGEST);
	slot->sector = (uint32_t)chance(model, SECTORS - slot->count + 1);
	if (slot->request.kind == QRT_BLOCK_FLUSH)
		slot->sector = slot->count = 0;
	if (!is_free(model, slot->sector, slot->count))
		return 0;
	slot->request.priority = (uint32_t)chance(model, QRT_BLOCK_PRIORITIES);
	slot->request.offset = (uint64_t)slot->sector * model->sector_bytes;
	slot->request.length = (uint64_t)slot->count * model->sector_bytes;
	/* Now and then where direct I/O needs a bounce buffer. */
	slot->request.buffer = slot->memory + chance(model, 2) * 8;
	slot->request.user = slot;
	if (is_change(slot) && chance(model, 40) == 0)
		slot->request.flags = QRT_BLOCK_FUA;
	return 1;
}

/* 0: not this time. */
static int submit_one(struct model *model, struct slot *slot)
{
	if (!choose(model, slot))
		return 0;
	if (slot->request.kind == QRT_BLOCK_WRITE)
		block_fill(slot->request.buffer, slot->request.length, model->seed);
	CU_ASSERT_EQUAL_FATAL(qrt_block_queue_submit(model->block.queue, &slot->request, 1), 1);
	memset(model->is_busy + slot->sector, 1, slot->count);
	slot->is_out = 1;
	model->submitted++;
	return 1;
}

static void check_read(struct model *model, const struct slot *slot)
{
	uint32_t i, bytes = model->sector_bytes;

	for (i = 0; i < slot->count; i++) {
		const char *got = (const char *)slot->request.buffer + (size_t)i * bytes;

		if (!model->is_unknown[slot->sector + i] &&
		    memcmp(got, model->value + (size_t)(slot->sector + i) * bytes, bytes) != 0)
			model->wrong++;
	}
}

static void change(struct model *model, const struct slot *slot)
{
	char *value = model->value + (size_t)slot->sector * model->sector_bytes;

	if (slot->request.kind == QRT_BLOCK_WRITE)
		memcpy(value, slot->request.buffer, slot->request.length);
	else
		memset(value, 0, slot->request.length);
	/* What a discard leaves may be anything. */
	memset(model->is_unknown + slot->sector, slot->request.kind == QRT_BLOCK_DISCARD, slot->count);
}

static void take(struct model *model, const struct qrt_block_completion *done)
{
	struct slot *slot = done->user;
	int is_data = slot->request.kind <= QRT_BLOCK_WRITE;

	CU_ASSERT(slot->is_out && done->kind == QRT_BLOCK_DONE && done->flags == 0);
	CU_ASSERT_EQUAL(done->id, slot->request.id);
	slot->is_out = 0;
	model->done++;
	memset(model->is_busy + slot->sector, 0, slot->count);
	if (done->result < 0) {
		CU_ASSERT(done->result == -EIO && done->detail == QRT_BLOCK_DETAIL_DEVICE);
		model->failed++;
		if (is_change(slot))
			memset(model->is_unknown + slot->sector, 1, slot->count);
		return;
	}
	CU_ASSERT_EQUAL(done->result, is_data ? (int64_t)slot->request.length : 0);
	if (slot->request.kind == QRT_BLOCK_READ)
		check_read(model, slot);
	else if (is_change(slot))
		change(model, slot);
}

static void harvest(struct model *model, int timeout_ms)
{
	struct qrt_block_completion done[8];
	int i, count = block_await(&model->block, done, 1 + chance(model, 8), timeout_ms);

	for (i = 0; i < count; i++)
		take(model, &done[i]);
}

static void run(struct model *model)
{
	int waits = 0;
	/* Each of those for parts of blocks is several. */
	unsigned wanted = model->sector_bytes == ODD ? requests_wanted / 8 : requests_wanted;

	while (model->submitted < wanted) {
		struct slot *slot = &model->slots[chance(model, SLOTS)];
		int is_new = !slot->is_out && submit_one(model, slot);

		harvest(model, is_new ? 0 : 1);
	}
	while (model->done < model->submitted && waits++ < 1000)
		harvest(model, 1000);
}

/* After all of it, without faults in between. */
static void compare(struct model *model)
{
	char *memory = model->slots[0].memory;
	struct slot all = {.request = {.buffer = memory}, .count = 1};
	unsigned known = 0;
	int64_t got;

	for (all.sector = 0; all.sector < SECTORS; all.sector++) {
		do {
			got = block_read(&model->block, (uint64_t)all.sector * model->sector_bytes, memory,
					 model->sector_bytes);
		} while (got == -EIO);
		CU_ASSERT_EQUAL(got, model->sector_bytes);
		check_read(model, &all);
		known += !model->is_unknown[all.sector];
	}
	CU_ASSERT(known > SECTORS / 4);
}

/* Whole blocks only, also where the engine would take anything; and so little room that some of it takes
 * several turns. */
static void begin_odd(struct block *block)
{
	struct qrt_block_device *device = block->device;

	if (device->alignment == 1)
		device->alignment = device->memory_alignment = BLOCK;
}

static void run_over(const struct variant *variant, const struct qrt_block_fault_config *fault,
		     uint32_t sector_bytes)
{
	struct model *model = calloc(1, sizeof(*model));
	int i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(model);
	model->sector_bytes = sector_bytes;
	block_prepare(&model->block, variant, SIZE);
	model->block.config.fault = fault;
	model->block.queue_config.depth = SLOTS;
	model->block.queue_config.bounces = 3; /* so that some have to wait for one */
	model->block.queue_config.bounds[QRT_BLOCK_LOW] = 4;
	if (sector_bytes == ODD)
		model->block.queue_config.bounce_bytes = BLOCK;
	model->seed = fault ? fault->seed : seed_wanted;
	model->value = calloc(1, SIZE);
	for (i = 0; i < SLOTS; i++)
		model->slots[i].memory = block_memory((LONGEST + 1) * BLOCK);
	if (block_begin(&model->block)) {
		if (sector_bytes == ODD)
			begin_odd(&model->block);
		run(model);
		CU_ASSERT_EQUAL(model->done, model->submitted);
		CU_ASSERT_EQUAL(model->failed > 0, fault != NULL);
		compare(model);
		CU_ASSERT_EQUAL(model->wrong, 0);
		tap_note("%s: %u requests, %u failed", variant->name, model->submitted, model->failed);
		block_end(&model->block);
	}
	for (i = 0; i < SLOTS; i++)
		free(model->slots[i].memory);
	free(model->value);
	free(model);
}

static void read_wishes(void)
{
	const char *text = getenv("QRT_BLOCK_MODEL");
	char *rest;

	if (!text)
		return;
	requests_wanted = (unsigned)strtoul(text, &rest, 10);
	seed_wanted = strtoull(rest, NULL, 10);
	tap_note("%u requests, seed %llu", requests_wanted, (unsigned long long)seed_wanted);
}

static void every_byte_is_as_the_model_says(void)
{
	size_t i;

	read_wishes();
	for (i = 0; i < variants_count; i++)
		run_over(&variants[i], NULL, BLOCK);
}

/* Neighbours that change the same block at the same time. */
static void parts_of_blocks_lose_nothing(void)
{
	size_t i;

	read_wishes();
	for (i = 0; i < variants_count; i++)
		run_over(&variants[i], NULL, ODD);
}

static void run_with_faults(uint32_t sector_bytes)
{
	struct qrt_block_fault_config fault = {.size = sizeof(fault),
					       .seed = 4711,
					       .error_rate = 30,
					       .torn_rate = 30,
					       .short_rate = 100,
					       .reorder_rate = 100,
					       .delay_rate = 20,
					       .delay_max_ns = 500000};
	size_t i;

	read_wishes();
	fault.seed *= seed_wanted;
	for (i = 0; i < variants_count; i++)
		run_over(&variants[i], &fault, sector_bytes);
}

static void faults_lose_nothing(void)
{
	run_with_faults(BLOCK);
}

static void faults_with_parts_of_blocks_lose_nothing(void)
{
	run_with_faults(ODD);
}

static const struct tap_test tests[] = {
	{"every byte is as the model says", every_byte_is_as_the_model_says},
	{"parts of blocks lose nothing", parts_of_blocks_lose_nothing},
	{"faults lose nothing", faults_lose_nothing},
	{"faults with parts of blocks lose nothing", faults_with_parts_of_blocks_lose_nothing},
};

TAP_MAIN("block model", tests)
