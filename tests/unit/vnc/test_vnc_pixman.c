/* SPDX-License-Identifier: MIT */
/* What a differ found, as a region of pixman's. */
#include <pixman.h>
#include <qrt/vnc_pixman.h>
#include <string.h>

#include "tap.h"

#define WIDTH  128u
#define HEIGHT 64u

static void a_region_has_what_was_found(void)
{
	static uint32_t pixels[HEIGHT][WIDTH];
	const struct qrt_vnc_surface surface = {
		.pixels = pixels, .stride = sizeof(pixels[0]), .width = WIDTH, .height = HEIGHT, .bits = 32};
	const struct qrt_vnc_differ_config config = {
		.size = sizeof(config), .width = WIDTH, .height = HEIGHT, .bits = 32, .rectangles_max = 64};
	struct qrt_vnc_difference found = {.size = sizeof(found)};
	struct qrt_vnc_differ *differ;
	pixman_region32_t region;
	pixman_box32_t boxes[64];
	uint32_t x, y, wrong = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(&config, &differ, NULL), 0);
	qrt_vnc_differ_run(differ, &surface, NULL, &found);
	pixels[0][0] = pixels[17][40] = pixels[63][127] = pixels[33][41] = 1;
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 1);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_pixman_region(&region, &found, boxes), 0);
	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++)
			wrong += (pixman_region32_contains_point(&region, (int)x, (int)y, NULL) != 0) !=
				 (found.tiles[y / 16] >> x / 16 & 1);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	pixman_region32_fini(&region);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_pixman_region(&region, &found, boxes), 0);
	CU_ASSERT(!pixman_region32_not_empty(&region));
	pixman_region32_fini(&region);
	qrt_vnc_differ_close(differ);
}

static const struct tap_test tests[] = {
	{"a region has what was found", a_region_has_what_was_found},
};

TAP_MAIN("vnc_pixman", tests)
