/* SPDX-License-Identifier: MIT */
/* Tiles become rectangles, and never too many. */
#include <stdlib.h>
#include <string.h>

#include "bits_p.h"
#include "rectangles_p.h"
#include "tap.h"

struct bed {
	struct qrt_vnc_p_tiles tiles;
	struct qrt_vnc_p_workbench bench;
	struct qrt_vnc_p_list list;
	uint64_t *bits, *covered;
};

static size_t words_of(const struct bed *bed)
{
	return (size_t)bed->tiles.rows * bed->tiles.words;
}

static void begin(struct bed *bed, uint32_t width, uint32_t height, uint32_t tile_height, uint32_t max)
{
	uint32_t columns = (width + 15) / 16, i;

	memset(bed, 0, sizeof(*bed));
	bed->tiles = (struct qrt_vnc_p_tiles){.rows = (height + tile_height - 1) / tile_height,
					      .words = (columns + 63) / 64,
					      .tile_width = 16,
					      .tile_height = tile_height,
					      .width = width,
					      .height = height};
	for (i = 0; i < 2; i++) {
		bed->bench.stretches[i] = calloc(bed->tiles.words * 32, sizeof(struct qrt_vnc_p_stretch));
		bed->bench.bits[i] = calloc(words_of(bed), sizeof(uint64_t));
	}
	bed->bits = calloc(words_of(bed), sizeof(uint64_t));
	bed->covered = calloc(words_of(bed), sizeof(uint64_t));
	bed->list.max = max;
	bed->list.rectangles = calloc(max, sizeof(struct qrt_vnc_rectangle));
}

static void end(struct bed *bed)
{
	uint32_t i;

	for (i = 0; i < 2; i++) {
		free(bed->bench.stretches[i]);
		free(bed->bench.bits[i]);
	}
	free(bed->bits);
	free(bed->covered);
	free(bed->list.rectangles);
}

static void set(struct bed *bed, uint32_t column, uint32_t row)
{
	bed->bits[(size_t)row * bed->tiles.words + column / 64] |= 1ull << column % 64;
}

static int make(struct bed *bed)
{
	return qrt_vnc_p_rectangles_make(&bed->tiles, bed->bits, &bed->bench, &bed->list);
}

/* Sets the tiles of all rectangles in `covered`; how many are in more than one. */
static uint64_t cover(struct bed *bed)
{
	uint32_t i, row, past;
	uint64_t tiles = 0;

	memset(bed->covered, 0, words_of(bed) * sizeof(uint64_t));
	for (i = 0; i < bed->list.count; i++) {
		const struct qrt_vnc_rectangle *one = &bed->list.rectangles[i];

		past = (one->x + one->width + 15u) / 16;
		for (row = one->y / bed->tiles.tile_height;
		     row * bed->tiles.tile_height < (uint32_t)one->y + one->height; row++) {
			qrt_vnc_p_bits_set(bed->covered + (size_t)row * bed->tiles.words, one->x / 16u, past);
			tiles += past - one->x / 16u;
		}
	}
	return tiles - qrt_vnc_p_bits_count(bed->covered, words_of(bed));
}

static uint64_t count_missing(const struct bed *bed)
{
	uint64_t missing = 0;
	size_t i;

	for (i = 0; i < words_of(bed); i++)
		missing += (uint64_t)__builtin_popcountll(bed->bits[i] & ~bed->covered[i]);
	return missing;
}

static void rows_that_are_alike_are_one(void)
{
	struct bed bed;

	begin(&bed, 1000, 100, 16, 10);
	set(&bed, 2, 1);
	set(&bed, 3, 1);
	set(&bed, 2, 2);
	set(&bed, 3, 2);
	set(&bed, 3, 3);
	set(&bed, 62, 6); /* the last one of each side: cut */
	CU_ASSERT_EQUAL(make(&bed), 0);
	CU_ASSERT_EQUAL_FATAL(bed.list.count, 3);
	CU_ASSERT_EQUAL(memcmp(&bed.list.rectangles[0], &(struct qrt_vnc_rectangle){32, 16, 32, 32}, 8), 0);
	CU_ASSERT_EQUAL(memcmp(&bed.list.rectangles[1], &(struct qrt_vnc_rectangle){48, 48, 16, 16}, 8), 0);
	CU_ASSERT_EQUAL(memcmp(&bed.list.rectangles[2], &(struct qrt_vnc_rectangle){992, 96, 8, 4}, 8), 0);
	end(&bed);
}

static void nothing_is_no_rectangle(void)
{
	struct bed bed;

	begin(&bed, 100, 100, 16, 1);
	CU_ASSERT_EQUAL(make(&bed), 0);
	CU_ASSERT_EQUAL(bed.list.count, 0);
	end(&bed);
}

static void draw_checkerboard(struct bed *bed)
{
	uint32_t row, column;

	for (row = 0; row < bed->tiles.rows; row++) {
		for (column = row % 2; column < (bed->tiles.width + 15) / 16; column += 2)
			set(bed, column, row);
	}
}

/* 163,840 tiles with nothing but corners in common. */
static void a_checkerboard_has_no_more_than_the_limit(void)
{
	static const uint32_t limits[] = {65535, 4096, 100, 1};
	struct bed bed;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		begin(&bed, 2560, 2048, 1, limits[i]);
		draw_checkerboard(&bed);
		CU_ASSERT_EQUAL(qrt_vnc_p_bits_count(bed.bits, words_of(&bed)), 163840);
		CU_ASSERT_EQUAL(make(&bed), 1);
		CU_ASSERT(bed.list.count >= 1 && bed.list.count <= limits[i]);
		CU_ASSERT_EQUAL(cover(&bed), 0);
		CU_ASSERT_EQUAL(count_missing(&bed), 0);
		end(&bed);
	}
}

/* Two far corners and a line between: the line alone would be one. */
static void what_wastes_less_is_joined(void)
{
	struct bed bed;
	uint32_t i;

	begin(&bed, 6400, 1600, 16, 12);
	set(&bed, 0, 0);
	set(&bed, 399, 99);
	for (i = 100; i < 140; i += 2)
		set(&bed, i, 50);
	CU_ASSERT_EQUAL(make(&bed), 1);
	CU_ASSERT_EQUAL(bed.list.count, 3);
	CU_ASSERT_EQUAL(cover(&bed), 0);
	CU_ASSERT_EQUAL(count_missing(&bed), 0);
	CU_ASSERT_EQUAL(qrt_vnc_p_bits_count(bed.covered, words_of(&bed)), 2 + 39);
	end(&bed);
}

static void draw_noise(struct bed *bed, uint64_t *seed, uint32_t share)
{
	uint32_t row, column;

	for (row = 0; row < bed->tiles.rows; row++) {
		for (column = 0; column < (bed->tiles.width + 15) / 16; column++) {
			*seed = *seed * 6364136223846793005u + 1442695040888963407u;
			if ((*seed >> 33) % 100 < share)
				set(bed, column, row);
		}
	}
}

static void every_noise_ends_within_every_limit(void)
{
	uint64_t seed = 1;
	uint32_t round, wrong = 0;
	struct bed bed;

	for (round = 0; round < 300; round++) {
		begin(&bed, 1 + round * 7, 1 + round % 90, 1u << round % 3, 1 + round % 30);
		draw_noise(&bed, &seed, 1 + round % 100);
		make(&bed);
		wrong += bed.list.count > bed.list.max || cover(&bed) != 0 || count_missing(&bed) != 0;
		end(&bed);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* The widest there is, in which no two rows are alike. */
static void the_widest_surface_ends_too(void)
{
	struct bed bed;
	uint32_t row;

	begin(&bed, 65535, 4099, 1, 4096);
	for (row = 0; row < bed.tiles.rows; row++) {
		set(&bed, row * 7 % 4096, row);
		set(&bed, row * 31 % 4096, row);
	}
	CU_ASSERT_EQUAL(make(&bed), 1);
	CU_ASSERT(bed.list.count >= 1 && bed.list.count <= 4096);
	CU_ASSERT_EQUAL(cover(&bed), 0);
	CU_ASSERT_EQUAL(count_missing(&bed), 0);
	end(&bed);
}

static const struct tap_test tests[] = {
	{"rows that are alike are one", rows_that_are_alike_are_one},
	{"nothing is no rectangle", nothing_is_no_rectangle},
	{"a checkerboard has no more than the limit", a_checkerboard_has_no_more_than_the_limit},
	{"what wastes less is joined", what_wastes_less_is_joined},
	{"every noise ends within every limit", every_noise_ends_within_every_limit},
	{"the widest surface ends, too", the_widest_surface_ends_too},
};

TAP_MAIN("vnc_rectangles", tests)
