/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "move_p.h"

#define WORD_BITS 64u
#define WORDS_MAX (QRT_VNC_SIDE_MAX / QRT_VNC_P_TILE / WORD_BITS + 1)

static bool are_equal_32(const uint32_t *one, const uint32_t *other, uint32_t count, uint32_t mask)
{
	uint32_t i, differs = 0;

	for (i = 0; i < count; i++)
		differs |= one[i] ^ other[i];
	return !(differs & mask);
}

static bool are_equal_16(const uint16_t *one, const uint16_t *other, uint32_t count, uint32_t mask)
{
	uint32_t i, differs = 0;

	for (i = 0; i < count; i++)
		differs |= (uint32_t)(one[i] ^ other[i]);
	return !(differs & mask);
}

static bool are_equal_8(const uint8_t *one, const uint8_t *other, uint32_t count, uint32_t mask)
{
	uint32_t i, differs = 0;

	for (i = 0; i < count; i++)
		differs |= (uint32_t)(one[i] ^ other[i]);
	return !(differs & mask);
}

static bool are_rows_equal(const struct qrt_vnc_p_pictures *pictures, const uint8_t *one,
			   const uint8_t *other, uint32_t count)
{
	if (pictures->now.bits == 32)
		return are_equal_32((const uint32_t *)(const void *)one,
				    (const uint32_t *)(const void *)other, count, pictures->mask);
	if (pictures->now.bits == 16)
		return are_equal_16((const uint16_t *)(const void *)one,
				    (const uint16_t *)(const void *)other, count, pictures->mask);
	return are_equal_8(one, other, count, pictures->mask);
}

bool qrt_vnc_p_is_moved(const struct qrt_vnc_p_pictures *pictures, const struct qrt_vnc_rectangle *to,
			const struct qrt_vnc_p_vector *by)
{
	uint32_t y, bytes = pictures->now.bits / 8;

	for (y = to->y; y < to->y + (uint32_t)to->height; y++) {
		const uint8_t *now = qrt_vnc_p_row(&pictures->now, y) + (size_t)to->x * bytes;
		const uint8_t *before = qrt_vnc_p_row(&pictures->before, (uint32_t)((int32_t)y + by->y)) +
					(size_t)((int32_t)to->x + by->x) * bytes;

		if (!are_rows_equal(pictures, now, before, to->width))
			return false;
	}
	return true;
}

static void hint_span(struct qrt_vnc_move *move, const struct qrt_vnc_p_span *span)
{
	uint32_t row;

	for (row = span->top; row < span->bottom; row++)
		memset(move->tiles + (size_t)row * move->columns + span->left, QRT_VNC_P_HINTED,
		       span->right - span->left);
}

static void hint_rectangle(struct qrt_vnc_move *move, const struct qrt_vnc_rectangle *rectangle)
{
	uint32_t x = rectangle->x, y = rectangle->y;
	uint32_t right = x + rectangle->width, bottom = y + rectangle->height;
	struct qrt_vnc_p_span span;

	if (right > move->config.width)
		right = move->config.width;
	if (bottom > move->config.height)
		bottom = move->config.height;
	if (x >= right || y >= bottom)
		return;
	span.left = x / QRT_VNC_P_TILE;
	span.top = y / QRT_VNC_P_TILE;
	span.right = (right - 1) / QRT_VNC_P_TILE + 1;
	span.bottom = (bottom - 1) / QRT_VNC_P_TILE + 1;
	hint_span(move, &span);
}

/* The cells of all rows of a row of tiles, together. */
static void hint_tile_row(struct qrt_vnc_move *move, const struct qrt_vnc_hint *hint, uint32_t row,
			  uint32_t words)
{
	uint32_t at = row * QRT_VNC_P_TILE, end = at + QRT_VNC_P_TILE, word, column, each;
	uint64_t bits[WORDS_MAX] = {0};

	if (end > move->config.height)
		end = move->config.height;
	for (at /= hint->cell_height; at <= (end - 1) / hint->cell_height; at++) {
		for (word = 0; word < words; word++)
			bits[word] |= hint->cells[(size_t)at * hint->words + word];
	}
	each = hint->cell_width / QRT_VNC_P_TILE;
	for (word = 0; word < words; word++) {
		for (; bits[word]; bits[word] &= bits[word] - 1) {
			column = (word * WORD_BITS + (uint32_t)__builtin_ctzll(bits[word])) * each;
			if (column < move->columns)
				memset(move->tiles + (size_t)row * move->columns + column, QRT_VNC_P_HINTED,
				       each < move->columns - column ? each : move->columns - column);
		}
	}
}

static int hint_cells(struct qrt_vnc_move *move, const struct qrt_vnc_hint *hint)
{
	uint32_t row, words;

	if ((hint->cell_width != 16 && hint->cell_width != 32 && hint->cell_width != 64) ||
	    !hint->cell_height)
		return -EINVAL;
	words = ((move->config.width + hint->cell_width - 1) / hint->cell_width + WORD_BITS - 1) / WORD_BITS;
	if (hint->words < words)
		return -EINVAL;
	for (row = 0; row < move->rows; row++)
		hint_tile_row(move, hint, row, words);
	return 0;
}

int qrt_vnc_p_tiles_hint(struct qrt_vnc_move *move, const struct qrt_vnc_hint *hint)
{
	uint32_t i;

	memset(move->tiles, hint ? 0 : QRT_VNC_P_HINTED, (size_t)move->columns * move->rows);
	if (!hint)
		return 0;
	if (hint->count > QRT_VNC_DIFFER_RECTANGLES_MAX || (hint->count && !hint->rectangles))
		return -EINVAL;
	for (i = 0; i < hint->count; i++)
		hint_rectangle(move, &hint->rectangles[i]);
	return hint->cells ? hint_cells(move, hint) : 0;
}

struct qrt_vnc_rectangle qrt_vnc_p_span_pixels(const struct qrt_vnc_move *move,
					       const struct qrt_vnc_p_span *span)
{
	uint32_t right = span->right * QRT_VNC_P_TILE, bottom = span->bottom * QRT_VNC_P_TILE;
	uint32_t left = span->left * QRT_VNC_P_TILE, top = span->top * QRT_VNC_P_TILE;

	if (right > move->config.width)
		right = move->config.width;
	if (bottom > move->config.height)
		bottom = move->config.height;
	return (struct qrt_vnc_rectangle){(uint16_t)left, (uint16_t)top, (uint16_t)(right - left),
					  (uint16_t)(bottom - top)};
}

static struct qrt_vnc_rectangle tile_pixels(const struct qrt_vnc_move *move, uint32_t column, uint32_t row)
{
	const struct qrt_vnc_p_span one = {column, row, column + 1, row + 1};

	return qrt_vnc_p_span_pixels(move, &one);
}

static void widen(struct qrt_vnc_p_span *span, uint32_t column, uint32_t row)
{
	if (span->left > column)
		span->left = column;
	if (span->top > row)
		span->top = row;
	if (span->right <= column)
		span->right = column + 1;
	if (span->bottom <= row)
		span->bottom = row + 1;
}

uint32_t qrt_vnc_p_tiles_change(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
				struct qrt_vnc_p_span *ret_span)
{
	const struct qrt_vnc_p_vector nowhere = {0, 0, 0};
	uint32_t row, column, count = 0;
	struct qrt_vnc_rectangle pixels;

	*ret_span = (struct qrt_vnc_p_span){move->columns, move->rows, 0, 0};
	for (row = 0; row < move->rows; row++) {
		for (column = 0; column < move->columns; column++) {
			uint8_t *tile = &move->tiles[(size_t)row * move->columns + column];

			pixels = tile_pixels(move, column, row);
			if (!(*tile & QRT_VNC_P_HINTED) || qrt_vnc_p_is_moved(pictures, &pixels, &nowhere))
				continue;
			*tile |= QRT_VNC_P_CHANGED;
			widen(ret_span, column, row);
			count++;
		}
	}
	return count;
}

/* Whether the old picture has what the vector leads to. */
static bool is_inside(const struct qrt_vnc_move *move, const struct qrt_vnc_rectangle *to,
		      const struct qrt_vnc_p_vector *by)
{
	int32_t x = to->x + by->x, y = to->y + by->y;

	return x >= 0 && y >= 0 && x + to->width <= (int32_t)move->config.width &&
	       y + to->height <= (int32_t)move->config.height;
}

uint32_t qrt_vnc_p_tiles_match(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			       const struct qrt_vnc_p_span *span, const struct qrt_vnc_p_vector *by)
{
	uint32_t row, column, count = 0;
	struct qrt_vnc_rectangle pixels;

	for (row = span->top; row < span->bottom; row++) {
		for (column = span->left; column < span->right; column++) {
			uint8_t *tile = &move->tiles[(size_t)row * move->columns + column];

			*tile &= (uint8_t)~QRT_VNC_P_MATCHED;
			pixels = tile_pixels(move, column, row);
			if (*tile & QRT_VNC_P_TAKEN || !is_inside(move, &pixels, by) ||
			    !qrt_vnc_p_is_moved(pictures, &pixels, by))
				continue;
			*tile |= QRT_VNC_P_MATCHED;
			count += !!(*tile & QRT_VNC_P_CHANGED);
		}
	}
	return count;
}
