/* SPDX-License-Identifier: MIT */
/* What the engine cannot do as it is asked for: memory that is not aligned, memory that must not be held, and
 * ranges that are not aligned. It goes by a bounce buffer, a window of it after the other. A window that
 * changes parts of blocks first reads its first block, and its last one, and then writes all of its blocks;
 * nobody else changes these meanwhile (ranges_p.h). */
#include <string.h>

#include "queue_p.h"

enum turn { TURN_NONE, TURN_FIRST_BLOCK, TURN_LAST_BLOCK, TURN_ALL };

/* A window in blocks. */
struct blocks {
	uint64_t offset, length;
	uint64_t before; /* bytes of the first one that are not of the window */
	uint32_t is_first_cut, is_last_cut;
	uint32_t block; /* bytes */
};

static struct blocks blocks_of(const struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	struct blocks blocks = {.block = queue->device->alignment};
	uint64_t begin = op->begin + op->gone, end = begin + op->window;

	blocks.before = begin % blocks.block;
	blocks.offset = begin - blocks.before;
	blocks.is_first_cut = blocks.before != 0;
	blocks.is_last_cut = end % blocks.block != 0;
	blocks.length = (end + blocks.block - 1) / blocks.block * blocks.block - blocks.offset;
	return blocks;
}

/* ---- the plan ---- */

static int is_cut(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	return op->offset % device->alignment || op->length % device->alignment;
}

static int needs_bounce(const struct qrt_block_device *device, const struct qrt_block_p_op *op)
{
	uint32_t i;

	if (op->flags & QRT_BLOCK_BOUNCE || is_cut(device, op))
		return 1;
	for (i = 0; i < op->iov_count && device->memory_alignment > 1; i++) {
		if ((uintptr_t)op->iov[i].iov_base % device->memory_alignment ||
		    op->iov[i].iov_len % device->alignment)
			return 1;
	}
	return 0;
}

/* It is a hint, and stands for the blocks that are in it as a whole. */
static void shorten(const struct qrt_block_device *device, struct qrt_block_p_op *op)
{
	uint64_t block = device->alignment, end = (op->offset + op->length) / block * block;

	op->offset = (op->offset + block - 1) / block * block;
	op->length = end > op->offset ? end - op->offset : 0;
}

void qrt_block_p_window_plan(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	const struct qrt_block_device *device = queue->device;

	if (op->kind == QRT_BLOCK_DISCARD && is_cut(device, op))
		shorten(device, op);
	op->total = op->length;
	op->begin = op->offset;
	op->gone = 0;
	op->asked = op->kind;
	op->asked_flags = op->flags;
	op->is_by_window = qrt_block_p_op_has_data(op) ? needs_bounce(device, op) : is_cut(device, op);
	if (device->alignment > 1 && qrt_block_p_op_is_change(op))
		op->claim_of_range = (struct qrt_block_p_range_claim){
			.offset = op->offset, .length = op->length, .is_alone = is_cut(device, op)};
}

/* ---- turns ---- */

static void move(struct qrt_block_p_op *op, uint32_t kind, const struct blocks *blocks, uint64_t inside,
		 uint64_t length)
{
	op->kind = kind;
	op->flags = kind == QRT_BLOCK_READ ? 0 : op->asked_flags & QRT_BLOCK_FUA;
	op->offset = blocks->offset + inside;
	op->length = length;
	op->bounce_part = (struct iovec){(char *)op->bounce + inside, length};
	op->run = &op->bounce_part;
	op->run_count = 1;
}

/* The window's bytes, from the caller's memory to the buffer or back. */
static void copy(const struct qrt_block_p_op *op, char *at, int is_read)
{
	uint64_t skip = op->gone, left = op->window, step;
	uint32_t i;

	for (i = 0; left; i++) {
		const struct iovec *part = &op->iov[i];

		if (skip >= part->iov_len) {
			skip -= part->iov_len;
			continue;
		}
		step = part->iov_len - skip < left ? part->iov_len - skip : left;
		if (is_read)
			memcpy((char *)part->iov_base + skip, at, step);
		else
			memcpy(at, (char *)part->iov_base + skip, step);
		at += step;
		left -= step;
		skip = 0;
	}
}

static int is_asked_to_read(const struct qrt_block_p_op *op)
{
	return op->asked == QRT_BLOCK_READ || op->asked == QRT_BLOCK_READV;
}

static void take_all(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	struct blocks blocks = blocks_of(queue, op);
	char *at = (char *)op->bounce + blocks.before;

	op->turn = TURN_ALL;
	if (op->asked == QRT_BLOCK_WRITE_ZEROES)
		memset(at, 0, op->window);
	else if (!is_asked_to_read(op))
		copy(op, at, 0);
	move(op, is_asked_to_read(op) ? QRT_BLOCK_READ : QRT_BLOCK_WRITE, &blocks, 0, blocks.length);
}

static void take_last_block(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	struct blocks blocks = blocks_of(queue, op);

	op->turn = TURN_LAST_BLOCK;
	move(op, QRT_BLOCK_READ, &blocks, blocks.length - blocks.block, blocks.block);
}

/* Of two that are side by side both at once. */
static void take_first_block(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	struct blocks blocks = blocks_of(queue, op);
	int is_pair = blocks.is_last_cut && blocks.length == 2 * (uint64_t)blocks.block;

	op->turn = is_pair ? TURN_LAST_BLOCK : TURN_FIRST_BLOCK;
	move(op, QRT_BLOCK_READ, &blocks, 0, is_pair ? blocks.length : blocks.block);
}

/* Whole blocks need no buffer to become zeroes. */
static void take_zeroes(struct qrt_block_p_op *op)
{
	op->turn = TURN_ALL;
	op->kind = QRT_BLOCK_WRITE_ZEROES;
	op->flags = op->asked_flags;
	op->offset = op->begin + op->gone;
	op->length = op->window;
	op->run_count = 0;
}

static uint64_t choose_window(const struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	uint64_t block = queue->device->alignment, before = (op->begin + op->gone) % block;
	uint64_t left = op->total - op->gone, room = queue->bounce_bytes;

	if (op->asked == QRT_BLOCK_WRITE_ZEROES && !before && left >= block)
		return left / block * block;
	if (op->asked == QRT_BLOCK_WRITE_ZEROES)
		room = block;
	return left < room - before ? left : room - before;
}

static void next_window(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	struct blocks blocks;

	op->window = choose_window(queue, op);
	blocks = blocks_of(queue, op);
	if (!is_asked_to_read(op) && blocks.is_first_cut)
		take_first_block(queue, op);
	else if (!is_asked_to_read(op) && blocks.is_last_cut)
		take_last_block(queue, op);
	else if (op->asked == QRT_BLOCK_WRITE_ZEROES)
		take_zeroes(op);
	else
		take_all(queue, op);
}

int qrt_block_p_window_go_on(const struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	struct blocks blocks;

	if (!op->is_by_window)
		return 0;
	blocks = blocks_of(queue, op);
	if (op->turn == TURN_FIRST_BLOCK && blocks.is_last_cut && blocks.length > blocks.block) {
		take_last_block(queue, op);
		return 1;
	}
	if (op->turn != TURN_ALL) {
		take_all(queue, op);
		return 1;
	}
	if (is_asked_to_read(op))
		copy(op, (char *)op->bounce + blocks.before, 1);
	op->gone += op->window;
	op->kind = op->asked;
	op->flags = op->asked_flags;
	if (op->gone < op->total)
		next_window(queue, op);
	return op->gone < op->total;
}

/* Of zeroes that are not all there it is what ended them. */
int64_t qrt_block_p_window_result(const struct qrt_block_p_op *op)
{
	uint64_t end = op->offset + (qrt_block_p_op_has_data(op) ? (uint64_t)op->answer : op->length);
	uint64_t begin = op->begin + op->gone, here = end > begin ? end - begin : 0;
	uint64_t done = op->gone + (here < op->window ? here : op->window);

	if (op->asked == QRT_BLOCK_WRITE_ZEROES)
		return done == op->total ? 0 : op->result;
	return (int64_t)done;
}

/* ---- bounce buffers ---- */

/* The last one is for what is urgent, which so waits for none of those that are less. */
static uint32_t bounces_for(const struct qrt_block_queue *queue, const struct qrt_block_p_op *op)
{
	uint32_t is_kept = queue->bounces_count > 1 && op->priority != QRT_BLOCK_URGENT;

	return queue->bounces_free > is_kept ? queue->bounces_free - is_kept : 0;
}

int qrt_block_p_window_begin(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	uint32_t used;

	if (!op->is_by_window || op->bounce)
		return 1;
	if (!bounces_for(queue, op))
		return 0;
	op->bounce = queue->bounces[--queue->bounces_free];
	used = queue->bounces_count - queue->bounces_free;
	if (used > queue->statistics.bounces_max)
		queue->statistics.bounces_max = used;
	next_window(queue, op);
	return 1;
}

void qrt_block_p_window_end(struct qrt_block_queue *queue, struct qrt_block_p_op *op)
{
	if (!op->bounce)
		return;
	queue->bounces[queue->bounces_free++] = op->bounce;
	op->bounce = NULL;
}
