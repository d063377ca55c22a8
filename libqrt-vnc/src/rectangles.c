/* SPDX-License-Identifier: MIT */
#include "rectangles_p.h"

#include "bits_p.h"

struct walk {
	const struct qrt_vnc_p_tiles *tiles;
	struct qrt_vnc_p_list *list;
	uint32_t row, count; /* of rectangles that have begun */
};

static const uint64_t *row_of(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits, uint32_t row)
{
	return bits + (size_t)row * tiles->words;
}

static uint32_t end_of(uint32_t tiles, uint32_t tile_size, uint32_t limit)
{
	uint64_t end = (uint64_t)tiles * tile_size;

	return end < limit ? (uint32_t)end : limit;
}

/* ---- list ---- */

static void begin_rectangle(struct walk *walk, const struct qrt_vnc_p_stretch *stretch)
{
	const struct qrt_vnc_p_tiles *tiles = walk->tiles;
	struct qrt_vnc_rectangle *one;
	uint32_t x = stretch->first * tiles->tile_width, y = walk->row * tiles->tile_height;

	if (walk->count >= walk->list->max)
		return;
	one = &walk->list->rectangles[walk->count];
	one->x = (uint16_t)x;
	one->y = (uint16_t)y;
	one->width = (uint16_t)(end_of(stretch->past, tiles->tile_width, tiles->width) - x);
	one->height = (uint16_t)(end_of(walk->row + 1, tiles->tile_height, tiles->height) - y);
}

static void extend_rectangle(struct walk *walk, uint32_t number)
{
	const struct qrt_vnc_p_tiles *tiles = walk->tiles;
	struct qrt_vnc_rectangle *one;

	if (number >= walk->list->max)
		return;
	one = &walk->list->rectangles[number];
	one->height = (uint16_t)(end_of(walk->row + 1, tiles->tile_height, tiles->height) - one->y);
}

/* The stretches of a row go on with those of the row above that are alike. Returns how many they are. */
static uint32_t walk_row(struct walk *walk, const uint64_t *row, const struct qrt_vnc_p_stretch *above,
			 uint32_t above_count, struct qrt_vnc_p_stretch *here)
{
	uint32_t words = walk->tiles->words, past = 0, i = 0, count = 0;
	struct qrt_vnc_p_stretch one;

	while ((one.first = qrt_vnc_p_bits_find_set(row, words, past)) < words * QRT_VNC_P_BITS) {
		past = one.past = qrt_vnc_p_bits_find_clear(row, words, one.first);
		while (i < above_count && above[i].first < one.first)
			i++;
		if (i < above_count && above[i].first == one.first && above[i].past == one.past) {
			one.rectangle = above[i].rectangle;
			extend_rectangle(walk, one.rectangle);
		} else {
			begin_rectangle(walk, &one);
			one.rectangle = walk->count++;
		}
		here[count++] = one;
	}
	return count;
}

uint32_t qrt_vnc_p_rectangles_list(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits,
				   struct qrt_vnc_p_stretch *const stretches[2], struct qrt_vnc_p_list *list)
{
	struct walk walk = {.tiles = tiles, .list = list};
	uint32_t count = 0;

	for (walk.row = 0; walk.row < tiles->rows; walk.row++)
		count = walk_row(&walk, row_of(tiles, bits, walk.row), stretches[walk.row % 2], count,
				 stretches[(walk.row + 1) % 2]);
	list->count = walk.count < list->max ? walk.count : list->max;
	return walk.count;
}
