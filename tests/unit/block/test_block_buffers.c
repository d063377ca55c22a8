/* SPDX-License-Identifier: MIT */
/* Memory that an engine has at hand, and requests in it, beside it and across its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block_help.h"
#include "buffers_p.h"

#define SIZE (1 * MIB)
#define PART 65536u

/* ---- the table ---- */

static struct iovec at(uintptr_t begin, size_t length)
{
	return (struct iovec){(void *)begin, length}; // NOLINT(performance-no-int-to-ptr): nobody reads it
}

static int find(const struct qrt_block_p_buffers *buffers, uintptr_t begin, size_t length)
{
	const struct iovec part = at(begin, length);

	return qrt_block_p_buffers_find(buffers, &part);
}

static void a_part_is_found_in_the_piece_that_has_all_of_it(void)
{
	const struct iovec parts[] = {at(0x30000, 0x1000), at(0x10000, 0x2000), at(0x12000, 0x1000)};
	struct qrt_block_p_buffers buffers;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_buffers_init(&buffers, parts, 3), 0);
	CU_ASSERT_EQUAL(buffers.count, 3);
	CU_ASSERT_EQUAL(find(&buffers, 0x10000, 1), 0);
	CU_ASSERT_EQUAL(find(&buffers, 0x10000, 0x2000), 0);
	CU_ASSERT_EQUAL(find(&buffers, 0x11fff, 2), -1);
	CU_ASSERT_EQUAL(find(&buffers, 0x12fff, 1), 1);
	CU_ASSERT_EQUAL(find(&buffers, 0x13000, 1), -1);
	CU_ASSERT_EQUAL(find(&buffers, 0xffff, 2), -1);
	CU_ASSERT_EQUAL(find(&buffers, 0x30800, 0x800), 2);
	CU_ASSERT_EQUAL(find(&buffers, 0x30800, SIZE_MAX), -1);
	qrt_block_p_buffers_finish(&buffers);
	CU_ASSERT_EQUAL(find(&buffers, 0x10000, 1), -1);
}

static void long_ones_are_there_in_pieces(void)
{
	const struct iovec part = at(0x1000, (size_t)2 * QRT_BLOCK_P_BUFFER_BYTES + 1);
	struct qrt_block_p_buffers buffers;

	CU_ASSERT_EQUAL_FATAL(qrt_block_p_buffers_init(&buffers, &part, 1), 0);
	CU_ASSERT_EQUAL(buffers.count, 3);
	CU_ASSERT_EQUAL(find(&buffers, 0x1000 + (uintptr_t)2 * QRT_BLOCK_P_BUFFER_BYTES, 1), 2);
	CU_ASSERT_EQUAL(find(&buffers, 0x1000 + (uintptr_t)2 * QRT_BLOCK_P_BUFFER_BYTES, 2), -1);
	CU_ASSERT_EQUAL(find(&buffers, 0x0fff + (uintptr_t)QRT_BLOCK_P_BUFFER_BYTES, 2), -1);
	qrt_block_p_buffers_finish(&buffers);
}

static void what_makes_no_table_is_refused(void)
{
	const struct iovec overlap[] = {at(0x20000, 2), at(0x10000, 0x10001)};
	const struct iovec wrong[] = {at(0, 1), at(1, 0), at(2, SIZE_MAX), at(4096, SIZE_MAX / 2)};
	struct qrt_block_p_buffers buffers;
	size_t i;

	CU_ASSERT_EQUAL(qrt_block_p_buffers_init(&buffers, NULL, 0), 0);
	CU_ASSERT_EQUAL(qrt_block_p_buffers_init(&buffers, overlap, 2), -EINVAL);
	CU_ASSERT_PTR_NULL(buffers.pieces);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(qrt_block_p_buffers_init(&buffers, &wrong[i], 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_block_p_buffers_init(&buffers, overlap, QRT_BLOCK_P_BUFFERS_MAX + 1), -EINVAL);
}

/* ---- requests ---- */

static void write_and_read(struct block *block, char *out, char *in)
{
	block_fill(out, PART, (uint64_t)(uintptr_t)out);
	memset(in, 0, PART);
	CU_ASSERT_EQUAL(block_write(block, PART, out, PART), PART);
	CU_ASSERT_EQUAL(block_read(block, PART, in, PART), PART);
	CU_ASSERT_EQUAL(memcmp(in, out, PART), 0);
}

static void use(struct block *block)
{
	char *memory = block_memory(6 * PART);
	const struct iovec buffers[] = {{memory + 3 * PART, PART}, {memory, 2 * PART}};
	const struct iovec overlap[] = {{memory, 2 * PART}, {memory + PART, PART}};

	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block->queue, buffers, 2, &block->error), 0);
	write_and_read(block, memory, memory + PART);                /* in one of them */
	write_and_read(block, memory + 3 * PART, memory + 4 * PART); /* and beside both */
	write_and_read(block, memory + PART + PART / 2, memory);     /* across an end */
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block->queue, overlap, 2, &block->error), -EINVAL);
	CU_ASSERT(strstr(block->error.message, "overlap") != NULL);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block->queue, buffers, 1, NULL), 0);
	write_and_read(block, memory + 3 * PART, memory);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block->queue, NULL, 0, NULL), 0);
	write_and_read(block, memory, memory + 3 * PART);
	CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block->queue, buffers, 2, NULL), 0); /* and it is closed so */
	block_end(block);
	free(memory);
}

static void requests_may_be_in_them_and_elsewhere(void)
{
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		if (block_begin(&block))
			use(&block);
	}
}

/* The fault engine leads them through to the one beneath. */
static void a_busy_queue_keeps_what_it_has(void)
{
	const struct qrt_block_fault_config fault = {.size = sizeof(fault),
						     .delay_rate = 1000,
						     .delay_min_ns = 50000000,
						     .delay_max_ns = 50000000};
	char *memory = block_memory(2 * PART);
	const struct iovec buffer = {memory, PART};
	struct qrt_block_request request = {.kind = QRT_BLOCK_WRITE, .buffer = memory, .length = PART};
	struct qrt_block_completion done;
	struct block block;
	size_t i;

	for (i = 0; i < variants_count; i++) {
		block_prepare(&block, &variants[i], SIZE);
		block.config.fault = &fault;
		if (!block_begin(&block))
			continue;
		CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block.queue, &buffer, 1, NULL), 0);
		CU_ASSERT_EQUAL(qrt_block_queue_submit(block.queue, &request, 1), 1);
		CU_ASSERT_EQUAL(qrt_block_queue_set_buffers(block.queue, NULL, 0, &block.error), -EBUSY);
		CU_ASSERT_EQUAL(block.error.code, -EBUSY);
		CU_ASSERT_EQUAL(qrt_block_queue_drain(block.queue, 60000), 0);
		CU_ASSERT_EQUAL(qrt_block_queue_harvest(block.queue, &done, 1), 1);
		CU_ASSERT_EQUAL(done.result, PART);
		write_and_read(&block, memory, memory + PART);
		block_end(&block);
	}
	free(memory);
}

static const struct tap_test tests[] = {
	{"a part is found in the piece that has all of it", a_part_is_found_in_the_piece_that_has_all_of_it},
	{"long ones are there in pieces", long_ones_are_there_in_pieces},
	{"what makes no table is refused", what_makes_no_table_is_refused},
	{"requests may be in them and elsewhere", requests_may_be_in_them_and_elsewhere},
	{"a busy queue keeps what it has", a_busy_queue_keeps_what_it_has},
};

TAP_MAIN("block buffers", tests)
