/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bits_p.h"
#include "differ_p.h"
#include "error_p.h"

#define TILE_HEIGHT_USUAL 16u
#define TILE_SIDE_MAX     64u
#define STRIP_PIXEL_ROWS  16u /* at least */
#define CACHE_LINE        64u

static int is_power_of_two(uint32_t number)
{
	return number && !(number & (number - 1));
}

static uint32_t log2_of(uint32_t number)
{
	return (uint32_t)__builtin_ctz(number);
}

static uint32_t divide_up(uint32_t number, uint32_t by)
{
	return number / by + (number % by != 0);
}

/* ---- surfaces ---- */

static int is_size(const struct qrt_vnc_surface *like)
{
	return like->width && like->width <= QRT_VNC_SIDE_MAX && like->height &&
	       like->height <= QRT_VNC_SIDE_MAX && !like->reserved &&
	       (like->bits == 8 || like->bits == 16 || like->bits == 32);
}

/* Rows do not overlap, and all of them are where pointers reach. */
static int is_in_memory(const struct qrt_vnc_surface *surface)
{
	uint32_t pixel = surface->bits / 8;
	int64_t row = (int64_t)surface->width * pixel, last, end;
	uintptr_t first = (uintptr_t)surface->pixels;

	if (!surface->pixels || first % pixel || surface->stride % pixel)
		return 0;
	if (first + (uintptr_t)row < first || surface->height == 1)
		return first + (uintptr_t)row >= first;
	if (surface->stride < row && surface->stride > -row)
		return 0;
	if (__builtin_mul_overflow(surface->stride, (int64_t)surface->height - 1, &last) ||
	    __builtin_add_overflow(last, row, &end) || last > INT64_MAX / 2 || last < INT64_MIN / 2)
		return 0;
	return last < 0 ? (uintptr_t)-last <= first : first + (uintptr_t)end > first;
}

int qrt_vnc_p_shape_fits(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_surface *surface)
{
	return surface->width == shape->tiles.width && surface->height == shape->tiles.height &&
	       surface->bits == shape->bits && !surface->reserved && is_in_memory(surface);
}

/* ---- sizes ---- */

/* Those of another number of bits may have nothing in common with what was configured. */
static void choose_mask(struct qrt_vnc_p_shape *shape, const struct qrt_vnc_differ_config *config)
{
	uint32_t all = shape->bits < 32 ? (1u << shape->bits) - 1 : ~0u, i;

	shape->pixel_mask = config->mask & all;
	if (!shape->pixel_mask)
		shape->pixel_mask = shape->bits == 32 ? 0x00ffffff : all;
	for (i = 0; i < 64; i += shape->bits)
		shape->mask |= (uint64_t)shape->pixel_mask << i;
}

static void choose_sizes(struct qrt_vnc_p_shape *shape, const struct qrt_vnc_differ_config *config)
{
	uint32_t fewest = QRT_VNC_P_UNIT * 8 / shape->bits, rows;
	struct qrt_vnc_p_tiles *tiles = &shape->tiles;

	tiles->tile_width = config->tile_width > fewest ? config->tile_width : fewest;
	tiles->tile_height = config->tile_height ? config->tile_height : TILE_HEIGHT_USUAL;
	tiles->rows = divide_up(tiles->height, tiles->tile_height);
	shape->columns = divide_up(tiles->width, tiles->tile_width);
	tiles->words = divide_up(shape->columns, QRT_VNC_P_BITS);
	shape->row_bytes = tiles->width * (shape->bits / 8);
	shape->units = divide_up(shape->row_bytes, QRT_VNC_P_UNIT);
	shape->unit_words = divide_up(shape->units, QRT_VNC_P_BITS);
	shape->unit_pixels_log2 = log2_of(fewest);
	shape->tile_units_log2 = log2_of(tiles->tile_width) - shape->unit_pixels_log2;
	rows = STRIP_PIXEL_ROWS / tiles->tile_height;
	shape->strip_rows = rows ? rows : 1;
	shape->strips = divide_up(tiles->rows, shape->strip_rows);
}

static int check(const struct qrt_vnc_differ_config *config, const struct qrt_vnc_surface *like,
		 struct qrt_vnc_error *reterr)
{
	if (!is_size(like))
		return qrt_vnc_p_error(reterr, -EINVAL,
				       "a surface has 1 to %u pixels and rows, and 8, 16 or 32 bits a pixel",
				       QRT_VNC_SIDE_MAX);
	if (config->tile_width && (!is_power_of_two(config->tile_width) || config->tile_width < 16 ||
				   config->tile_width > TILE_SIDE_MAX))
		return qrt_vnc_p_error(reterr, -EINVAL, "tiles are 16, 32 or 64 pixels wide, not %u",
				       config->tile_width);
	if (config->tile_height &&
	    (!is_power_of_two(config->tile_height) || config->tile_height > TILE_SIDE_MAX))
		return qrt_vnc_p_error(reterr, -EINVAL,
				       "tiles are 1, 2, 4, 8, 16, 32 or 64 rows high, not %u",
				       config->tile_height);
	return 0;
}

/* ---- memory ---- */

static void *have(size_t bytes)
{
	size_t whole = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, whole);

	/* Its pages are there before they are needed. */
	if (memory)
		memset(memory, 0, whole);
	return memory;
}

static int have_tables(struct qrt_vnc_p_shape *shape)
{
	size_t bits = (size_t)shape->tiles.rows * shape->tiles.words, words = 5 * bits + shape->tiles.rows;
	size_t stretches = (size_t)shape->tiles.words * (QRT_VNC_P_BITS / 2);
	uint64_t *next;

	next = shape->memory =
		have(words * sizeof(uint64_t) + 2 * stretches * sizeof(struct qrt_vnc_p_stretch));
	if (!next)
		return -ENOMEM;
	shape->found = next;
	shape->forced = next + bits;
	shape->hinted = next + 2 * bits;
	shape->bench.bits[0] = next + 3 * bits;
	shape->bench.bits[1] = next + 4 * bits;
	shape->done = next + 5 * bits;
	shape->bench.stretches[0] = (struct qrt_vnc_p_stretch *)(void *)(next + words);
	shape->bench.stretches[1] = shape->bench.stretches[0] + stretches;
	return 0;
}

static int have_shadow(struct qrt_vnc_p_shape *shape, const struct qrt_vnc_surface *shadow)
{
	const struct qrt_vnc_rectangle all = {0, 0, (uint16_t)shape->tiles.width,
					      (uint16_t)shape->tiles.height};
	size_t stride = (size_t)divide_up(shape->row_bytes, CACHE_LINE) * CACHE_LINE, bytes;

	if (shadow) {
		shape->shadow = *shadow;
		return 0;
	}
	/* That there are so many is not sure where a size_t has 32 bits. */
	if (__builtin_mul_overflow(stride, shape->tiles.height, &bytes) || bytes > SIZE_MAX - CACHE_LINE)
		return -ENOMEM;
	shape->own_shadow = have(bytes);
	if (!shape->own_shadow)
		return -ENOMEM;
	shape->shadow = (struct qrt_vnc_surface){.pixels = shape->own_shadow,
						 .stride = (int64_t)stride,
						 .width = shape->tiles.width,
						 .height = shape->tiles.height,
						 .bits = shape->bits};
	qrt_vnc_p_shape_mark(shape, shape->forced, &all);
	return 0;
}

int qrt_vnc_p_shape_make(struct qrt_vnc_p_shape *shape, const struct qrt_vnc_differ_config *config,
			 const struct qrt_vnc_surface *like, const struct qrt_vnc_surface *shadow,
			 struct qrt_vnc_error *reterr)
{
	int rc = check(config, like, reterr);

	if (rc < 0)
		return rc;
	memset(shape, 0, sizeof(*shape));
	shape->tiles.width = like->width;
	shape->tiles.height = like->height;
	shape->bits = like->bits;
	choose_sizes(shape, config);
	choose_mask(shape, config);
	if (shadow && !qrt_vnc_p_shape_fits(shape, shadow))
		return qrt_vnc_p_error(reterr, -EINVAL,
				       "the shadow is not of %u x %u pixels of %u bits, or its rows overlap",
				       like->width, like->height, like->bits);
	rc = have_tables(shape);
	if (rc >= 0)
		rc = have_shadow(shape, shadow);
	if (rc >= 0)
		return 0;
	qrt_vnc_p_shape_finish(shape);
	return qrt_vnc_p_error(reterr, rc, "no memory for a surface of %u x %u pixels", like->width,
			       like->height);
}

void qrt_vnc_p_shape_finish(struct qrt_vnc_p_shape *shape)
{
	free(shape->own_shadow);
	free(shape->memory);
	memset(shape, 0, sizeof(*shape));
}

/* ---- tiles ---- */

static uint32_t cut(uint32_t from, uint32_t size, uint32_t limit)
{
	return size < limit - from ? from + size : limit;
}

void qrt_vnc_p_shape_mark(const struct qrt_vnc_p_shape *shape, uint64_t *bits,
			  const struct qrt_vnc_rectangle *rectangle)
{
	const struct qrt_vnc_p_tiles *tiles = &shape->tiles;
	uint32_t row, past_row, first, past;

	if (rectangle->x >= tiles->width || rectangle->y >= tiles->height || !rectangle->width ||
	    !rectangle->height)
		return;
	first = rectangle->x / tiles->tile_width;
	past = divide_up(cut(rectangle->x, rectangle->width, tiles->width), tiles->tile_width);
	past_row = divide_up(cut(rectangle->y, rectangle->height, tiles->height), tiles->tile_height);
	for (row = rectangle->y / tiles->tile_height; row < past_row; row++)
		qrt_vnc_p_bits_set(bits + (size_t)row * tiles->words, first, past);
}
