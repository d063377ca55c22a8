/* SPDX-License-Identifier: MIT */
/* From tiles that a vector makes right to few large rectangles. */
#include <string.h>

#include "move_p.h"

static uint8_t *tile_at(const struct qrt_vnc_move *move, uint32_t column, uint32_t row)
{
	return &move->tiles[(size_t)row * move->columns + column];
}

static uint32_t area_of(const struct qrt_vnc_p_span *span)
{
	return (span->right - span->left) * (span->bottom - span->top);
}

/* The largest rectangle that ends with this row, of columns that are so high above it: each one is as high as
 * the lowest of its columns, and ends where a lower one comes. */
static void find_in_row(struct qrt_vnc_move *move, const struct qrt_vnc_p_span *span, uint32_t row,
			struct qrt_vnc_p_span *best)
{
	uint32_t depth = 0, column, left;

	move->heights[span->right] = 0;
	for (column = span->left; column <= span->right; column++) {
		while (depth && move->heights[move->stack[depth - 1]] >= move->heights[column]) {
			uint32_t height = move->heights[move->stack[--depth]];
			struct qrt_vnc_p_span one;

			left = depth ? move->stack[depth - 1] + 1 : span->left;
			one = (struct qrt_vnc_p_span){left, row + 1 - height, column, row + 1};
			if (area_of(&one) > area_of(best))
				*best = one;
		}
		move->stack[depth++] = column;
	}
}

static struct qrt_vnc_p_span find_largest(struct qrt_vnc_move *move, const struct qrt_vnc_p_span *span)
{
	struct qrt_vnc_p_span best = {0, 0, 0, 0};
	uint32_t row, column;

	for (column = span->left; column < span->right; column++)
		move->heights[column] = 0;
	for (row = span->top; row < span->bottom; row++) {
		for (column = span->left; column < span->right; column++) {
			if (*tile_at(move, column, row) & QRT_VNC_P_MATCHED)
				move->heights[column]++;
			else
				move->heights[column] = 0;
		}
		find_in_row(move, span, row, &best);
	}
	return best;
}

/* Cut to the tiles that changed; returns how many those are. */
static uint32_t trim(const struct qrt_vnc_move *move, struct qrt_vnc_p_span *span)
{
	struct qrt_vnc_p_span cut = {span->right, span->bottom, span->left, span->top};
	uint32_t row, column, count = 0;

	for (row = span->top; row < span->bottom; row++) {
		for (column = span->left; column < span->right; column++) {
			if (!(*tile_at(move, column, row) & QRT_VNC_P_CHANGED))
				continue;
			count++;
			cut.left = column < cut.left ? column : cut.left;
			cut.top = row < cut.top ? row : cut.top;
			cut.right = column >= cut.right ? column + 1 : cut.right;
			cut.bottom = row >= cut.bottom ? row + 1 : cut.bottom;
		}
	}
	if (count)
		*span = cut;
	return count;
}

/* Takes the mark from tiles, and puts another one on them. Returns how many of those with it had changed. */
static uint32_t unmatch(const struct qrt_vnc_move *move, const struct qrt_vnc_p_span *span, uint32_t flag)
{
	uint32_t both = QRT_VNC_P_MATCHED | QRT_VNC_P_CHANGED, row, column, count = 0;

	for (row = span->top; row < span->bottom; row++) {
		for (column = span->left; column < span->right; column++) {
			uint8_t *tile = tile_at(move, column, row);

			count += (*tile & both) == both;
			*tile = (uint8_t)((*tile & ~QRT_VNC_P_MATCHED) | flag);
		}
	}
	return count;
}

/* The tiles that it touches. */
static struct qrt_vnc_p_span span_of(const struct qrt_vnc_rectangle *pixels)
{
	return (struct qrt_vnc_p_span){pixels->x / QRT_VNC_P_TILE, pixels->y / QRT_VNC_P_TILE,
				       (pixels->x + pixels->width - 1u) / QRT_VNC_P_TILE + 1,
				       (pixels->y + pixels->height - 1u) / QRT_VNC_P_TILE + 1};
}

/* A row or column of pixels beside it, if it is moved like it. */
static bool is_next_moved(const struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			  const struct qrt_vnc_p_vector *by, int32_t x, int32_t y, uint16_t width,
			  uint16_t height)
{
	const struct qrt_vnc_rectangle next = {(uint16_t)x, (uint16_t)y, width, height};
	int32_t right = (int32_t)move->config.width - width, bottom = (int32_t)move->config.height - height;

	return x >= 0 && y >= 0 && x <= right && y <= bottom && x + by->x >= 0 && y + by->y >= 0 &&
	       x + by->x <= right && y + by->y <= bottom && qrt_vnc_p_is_moved(pictures, &next, by);
}

/* Things do not end where tiles do: up to a tile more on each side. */
static void extend(const struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
		   const struct qrt_vnc_p_vector *by, struct qrt_vnc_rectangle *to)
{
	uint32_t i;

	for (i = 1; i < QRT_VNC_P_TILE && is_next_moved(move, pictures, by, to->x, to->y - 1, to->width, 1);
	     i++) {
		to->y--;
		to->height++;
	}
	for (i = 1;
	     i < QRT_VNC_P_TILE && is_next_moved(move, pictures, by, to->x, to->y + to->height, to->width, 1);
	     i++)
		to->height++;
	for (i = 1; i < QRT_VNC_P_TILE && is_next_moved(move, pictures, by, to->x - 1, to->y, 1, to->height);
	     i++) {
		to->x--;
		to->width++;
	}
	for (i = 1;
	     i < QRT_VNC_P_TILE && is_next_moved(move, pictures, by, to->x + to->width, to->y, 1, to->height);
	     i++)
		to->width++;
}

void qrt_vnc_p_take_copies(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			   const struct qrt_vnc_p_span *span, const struct qrt_vnc_p_vector *by)
{
	uint32_t least = move->config.area_min / (QRT_VNC_P_TILE * QRT_VNC_P_TILE);
	uint32_t left = qrt_vnc_p_tiles_match(move, pictures, span, by);
	uint32_t tries, gain;

	/* Each try takes tiles away; their number is bounded as that of copies is. */
	for (tries = 2 * move->config.copies_max;
	     tries && left && left >= least && move->count < move->config.copies_max; tries--) {
		struct qrt_vnc_p_span all = find_largest(move, span), used = all;
		struct qrt_vnc_copy *copy = &move->copies[move->count];

		gain = trim(move, &used);
		if (gain && gain >= least) {
			copy->to = qrt_vnc_p_span_pixels(move, &used);
			extend(move, pictures, by, &copy->to);
			copy->x = (uint16_t)(copy->to.x + by->x);
			copy->y = (uint16_t)(copy->to.y + by->y);
			move->worth[move->count++] = (uint64_t)gain * QRT_VNC_P_TILE * QRT_VNC_P_TILE;
			used = span_of(&copy->to);
			left -= unmatch(move, &used, QRT_VNC_P_TAKEN);
		} else {
			left -= unmatch(move, &all, 0);
		}
	}
}
