/* SPDX-License-Identifier: MIT */
/* Cells of a surface, from rectangles and from bytes of memory, beside a model that looks at each pixel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cells_p.h"
#include "tap.h"

static uint64_t random_state = 88172645463325252ull;

static uint32_t below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) * limit >> 32);
}

static bool get(const struct qrt_vnc_p_cells *cells, uint32_t x, uint32_t y)
{
	uint32_t column = x / QRT_VNC_P_CELL;

	return cells->words[(size_t)y * cells->row_words + column / 64] >> column % 64 & 1;
}

/* No bits beside the cells either. */
static uint64_t count_bits(const struct qrt_vnc_p_cells *cells)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < (size_t)cells->row_words * cells->height; i++)
		count += (uint64_t)__builtin_popcountll(cells->words[i]);
	return count;
}

static void rectangles_set_the_cells_that_they_touch(void)
{
	struct qrt_vnc_p_cells cells;
	int round;

	for (round = 0; round < 200; round++) {
		uint32_t width = 1 + below(2100), height = 1 + below(20), x, y;
		struct qrt_vnc_rectangle one = {(uint16_t)below(2200), (uint16_t)below(22),
						(uint16_t)below(2200), (uint16_t)below(22)};
		uint64_t wanted = 0, wrong = 0;

		CU_ASSERT_EQUAL_FATAL(qrt_vnc_p_cells_init(&cells, width, height), 0);
		CU_ASSERT(qrt_vnc_p_cells_is_empty(&cells));
		qrt_vnc_p_cells_set_rectangle(&cells, &one);
		for (y = 0; y < height; y++) {
			for (x = 0; x < width; x += QRT_VNC_P_CELL) {
				uint32_t end = x + QRT_VNC_P_CELL < width ? x + QRT_VNC_P_CELL : width;
				bool touches = y >= one.y && y < (uint32_t)one.y + one.height &&
					       end > one.x && x < (uint32_t)one.x + one.width;

				wanted += touches;
				wrong += touches != get(&cells, x, y);
			}
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT_EQUAL(count_bits(&cells), wanted);
		CU_ASSERT_EQUAL(qrt_vnc_p_cells_is_empty(&cells), !wanted);
		qrt_vnc_p_cells_clear(&cells);
		CU_ASSERT(qrt_vnc_p_cells_is_empty(&cells));
		qrt_vnc_p_cells_finish(&cells);
	}
}

static bool has_bytes(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y, uintptr_t begin,
		      uintptr_t end)
{
	uint32_t bytes = surface->bits / 8, columns = surface->width - x;
	uintptr_t at = (uintptr_t)surface->pixels + (uintptr_t)(surface->stride * (int64_t)y) + x * bytes;
	uintptr_t last = at + (columns < QRT_VNC_P_CELL ? columns : QRT_VNC_P_CELL) * bytes;

	return begin < end && at < end && last > begin;
}

static void bytes_set_the_cells_that_have_them(void)
{
	struct qrt_vnc_p_layout layout;
	struct qrt_vnc_p_cells cells;
	int round;

	for (round = 0; round < 300; round++) {
		struct qrt_vnc_surface surface = {.width = 1 + below(600), .height = 1 + below(12)};
		uint64_t begin, end, wrong = 0;
		uint32_t x, y;

		surface.bits = 8u << below(3);
		surface.stride = (int64_t)(surface.width + below(50)) * surface.bits / 8;
		if (below(2))
			surface.stride = -surface.stride;
		surface.pixels = (void *)(uintptr_t)(0x10000000 + 4 * below(1000)); // NOLINT: never read
		CU_ASSERT_EQUAL_FATAL(qrt_vnc_p_layout_init(&layout, &surface), 0);
		begin = below((uint32_t)layout.bytes + 10);
		end = begin + below(6000);
		CU_ASSERT_EQUAL_FATAL(qrt_vnc_p_cells_init(&cells, surface.width, surface.height), 0);
		qrt_vnc_p_cells_set_bytes(&cells, &layout, begin, end);
		for (y = 0; y < surface.height; y++) {
			for (x = 0; x < surface.width; x += QRT_VNC_P_CELL)
				wrong += get(&cells, x, y) !=
					 has_bytes(&surface, x, y, layout.begin + begin, layout.begin + end);
		}
		CU_ASSERT_EQUAL(wrong, 0);
		qrt_vnc_p_cells_finish(&cells);
	}
}

static void what_is_no_surface_is_refused(void)
{
	static uint32_t pixels[64];
	const struct qrt_vnc_surface good = {pixels, 16, 4, 4, 32, 0};
	const struct qrt_vnc_surface bad[] = {
		{NULL, 16, 4, 4, 32, 0},
		{pixels, 16, 0, 4, 32, 0},
		{pixels, 16, 4, 0, 32, 0},
		{pixels, 400000, 65536, 1, 32, 0},
		{pixels, 16, 4, 65536, 32, 0},
		{pixels, 16, 4, 4, 24, 0},
		{pixels, 16, 4, 4, 32, 1},
		{pixels, 12, 4, 4, 32, 0},
		{pixels, -12, 4, 4, 32, 0},
		{pixels, 0, 4, 4, 32, 0},
		{pixels, 18, 4, 4, 32, 0},
		{(char *)pixels + 2, 16, 4, 4, 32, 0},
		{pixels, INT64_MIN, 4, 4, 32, 0},
		{pixels, INT64_MAX - 3, 4, 4, 32, 0},
		{(void *)(UINTPTR_MAX - 63), 16, 4, 8, 32, 0}, // NOLINT: never read
		{(void *)16, -16, 4, 4, 32, 0},                // NOLINT: never read
	};
	struct qrt_vnc_p_layout layout;
	size_t i;

	CU_ASSERT_EQUAL(qrt_vnc_p_layout_init(&layout, &good), 0);
	CU_ASSERT_EQUAL(layout.bytes, 64);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_vnc_p_layout_init(&layout, &bad[i]), -EINVAL);
}

static const struct tap_test tests[] = {
	{"rectangles set the cells that they touch", rectangles_set_the_cells_that_they_touch},
	{"bytes set the cells that have them", bytes_set_the_cells_that_have_them},
	{"what is no surface is refused", what_is_no_surface_is_refused},
};

TAP_MAIN("vnc_cells", tests)
