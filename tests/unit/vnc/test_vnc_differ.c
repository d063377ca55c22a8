/* SPDX-License-Identifier: MIT */
/* What a differ finds, what it leaves alone, and what it refuses. */
#include <errno.h>
#include <qrt/vnc_differ.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define WIDTH  200u
#define HEIGHT 100u
#define WHITE  0xffffffu

static uint32_t pixels[HEIGHT][WIDTH];
static struct qrt_vnc_surface surface;
static struct qrt_vnc_differ *differ;
static struct qrt_vnc_difference found;
static struct qrt_vnc_error error;

static struct qrt_vnc_differ_config config_of(void)
{
	return (struct qrt_vnc_differ_config){
		.size = sizeof(struct qrt_vnc_differ_config), .width = WIDTH, .height = HEIGHT, .bits = 32};
}

/* A differ that has seen the surface once. */
static void begin(const struct qrt_vnc_differ_config *config)
{
	memset(pixels, 0, sizeof(pixels));
	surface = (struct qrt_vnc_surface){
		.pixels = pixels, .stride = sizeof(pixels[0]), .width = WIDTH, .height = HEIGHT, .bits = 32};
	found = (struct qrt_vnc_difference){.size = sizeof(found)};
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(config, &differ, &error), 0);
	qrt_vnc_differ_run(differ, &surface, NULL, &found);
}

static void begin_plain(void)
{
	const struct qrt_vnc_differ_config config = config_of();

	begin(&config);
}

static void end(void)
{
	differ = qrt_vnc_differ_close(differ);
}

static int run(const struct qrt_vnc_hint *hint)
{
	return qrt_vnc_differ_run(differ, &surface, hint, &found);
}

static uint32_t shadow_at(uint32_t x, uint32_t y)
{
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	uint32_t pixel;

	qrt_vnc_differ_get_info(differ, &info);
	memcpy(&pixel, (char *)info.shadow.pixels + (int64_t)y * info.shadow.stride + x * sizeof(pixel),
	       sizeof(pixel));
	return pixel;
}

static int is_one(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	const struct qrt_vnc_rectangle *one = found.rectangles;

	return found.count == 1 && one->x == x && one->y == y && one->width == width && one->height == height;
}

/* ---- finding ---- */

static void all_is_new_at_first(void)
{
	begin_plain();
	CU_ASSERT(is_one(0, 0, WIDTH, HEIGHT));
	CU_ASSERT_EQUAL(found.changed, 13 * 7);
	CU_ASSERT_EQUAL(run(NULL), 0);
	CU_ASSERT_EQUAL(found.count, 0);
	end();
}

static void a_pixel_is_a_tile(void)
{
	begin_plain();
	pixels[50][100] = WHITE;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(96, 48, 16, 16));
	CU_ASSERT_EQUAL(found.changed, 1);
	CU_ASSERT_EQUAL(found.tiles[3], 1u << 6);
	CU_ASSERT_EQUAL(shadow_at(100, 50), WHITE);
	CU_ASSERT_EQUAL(run(NULL), 0);
	pixels[99][199] = 1; /* in the last one, which is cut */
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(192, 96, 8, 4));
	end();
}

static void a_byte_that_does_not_count_is_no_change(void)
{
	uint32_t x, y;

	begin_plain();
	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++)
			pixels[y][x] |= 0xab000000;
	}
	CU_ASSERT_EQUAL(run(NULL), 0);
	CU_ASSERT_EQUAL(shadow_at(3, 3), 0);
	pixels[0][5] |= 1;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT_EQUAL(shadow_at(5, 0), 0xab000001);
	CU_ASSERT_EQUAL(shadow_at(15, 0), 0xab000000); /* of the same 64 bytes */
	CU_ASSERT_EQUAL(shadow_at(16, 0), 0);
	end();
}

static void a_mask_that_is_whole_counts_each_bit(void)
{
	struct qrt_vnc_differ_config config = config_of();

	config.mask = 0xffffffff;
	begin(&config);
	pixels[1][1] = 0x01000000;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(0, 0, 16, 16));
	end();
}

static void tiles_are_as_they_were_asked_for(void)
{
	struct qrt_vnc_differ_config config = config_of();
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};

	config.tile_width = 64;
	config.tile_height = 1;
	begin(&config);
	pixels[7][64] = pixels[7][127] = 1;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(64, 7, 64, 1));
	CU_ASSERT_EQUAL(qrt_vnc_differ_get_info(differ, &info), 0);
	CU_ASSERT_EQUAL(info.columns, 4);
	CU_ASSERT_EQUAL(info.rows, HEIGHT);
	CU_ASSERT_EQUAL(info.words, 1);
	CU_ASSERT_EQUAL(info.mask, 0xffffff);
	CU_ASSERT_EQUAL(info.rectangles_max, 4096);
	end();
}

static void rectangles_are_never_too_many(void)
{
	struct qrt_vnc_differ_config config = config_of();
	uint32_t y, x;

	config.rectangles_max = 3;
	begin(&config);
	for (y = 0; y < HEIGHT; y += 32) {
		for (x = 0; x < WIDTH; x += 32)
			pixels[y][x] = 1;
	}
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT_EQUAL(found.changed, 7 * 4);
	CU_ASSERT_EQUAL(found.is_widened, 1);
	CU_ASSERT(found.count >= 1 && found.count <= 3);
	end();
}

/* ---- hints ---- */

static void what_no_hint_names_is_not_looked_at(void)
{
	const struct qrt_vnc_rectangle one = {0, 0, 16, 16};
	const struct qrt_vnc_hint hint = {.size = sizeof(hint), .rectangles = &one, .count = 1};

	begin_plain();
	pixels[5][5] = pixels[50][100] = 1;
	CU_ASSERT_EQUAL(run(&hint), 1);
	CU_ASSERT(is_one(0, 0, 16, 16));
	CU_ASSERT_EQUAL(shadow_at(100, 50), 0);
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(96, 48, 16, 16));
	end();
}

/* As QEMU has them: a bit is 16 pixels of a row. */
static void cells_are_looked_at_one_by_one(void)
{
	uint64_t cells[HEIGHT][2] = {{0}};
	const struct qrt_vnc_hint hint = {
		.size = sizeof(hint), .cell_width = 16, .cell_height = 1, .words = 2, .cells = cells[0]};

	begin_plain();
	pixels[50][100] = pixels[51][100] = pixels[50][112] = 1;
	cells[50][0] = 1u << 6;
	CU_ASSERT_EQUAL(run(&hint), 1);
	CU_ASSERT(is_one(96, 48, 16, 16));
	CU_ASSERT_EQUAL(shadow_at(100, 50), 1);
	CU_ASSERT_EQUAL(shadow_at(100, 51), 0);
	CU_ASSERT_EQUAL(shadow_at(112, 50), 0);
	end();
}

static void hints_that_are_wrong_are_refused(void)
{
	uint64_t cells[HEIGHT] = {0};
	const struct qrt_vnc_hint good = {
		.size = sizeof(good), .cell_width = 16, .cell_height = 1, .words = 1, .cells = cells};
	struct qrt_vnc_hint bad[6] = {good, good, good, good, good, good};
	size_t i;

	begin_plain();
	bad[0].size = 0;
	bad[1].cell_width = 8;
	bad[2].cell_height = 0;
	bad[3].words = 0;
	bad[4].count = 1;
	bad[5].reserved = 1;
	pixels[0][0] = 1;
	CU_ASSERT_EQUAL(run(&good), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(run(&bad[i]), -EINVAL);
	CU_ASSERT_EQUAL(run(NULL), 1);
	end();
}

/* ---- around ---- */

static void what_is_invalid_is_told(void)
{
	const struct qrt_vnc_rectangle one = {15, 15, 2, 2}, beyond = {60000, 0, 9, 9};
	const struct qrt_vnc_hint nothing = {.size = sizeof(nothing)};

	begin_plain();
	CU_ASSERT_EQUAL(qrt_vnc_differ_invalidate(differ, &beyond), 0);
	CU_ASSERT_EQUAL(run(&nothing), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_invalidate(differ, &one), 0);
	pixels[20][20] = WHITE;
	CU_ASSERT_EQUAL(run(&nothing), 1);
	CU_ASSERT(is_one(0, 0, 32, 32));
	CU_ASSERT_EQUAL(shadow_at(20, 20), WHITE); /* it was read, too */
	CU_ASSERT_EQUAL(run(&nothing), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_invalidate(differ, NULL), 0);
	CU_ASSERT_EQUAL(run(&nothing), 1);
	CU_ASSERT_EQUAL(found.changed, 13 * 7);
	end();
}

static void the_callers_shadow_is_used(void)
{
	static uint32_t own[HEIGHT][WIDTH];
	const struct qrt_vnc_surface shadow = {.pixels = own[HEIGHT - 1],
					       .stride = -(int64_t)sizeof(own[0]),
					       .width = WIDTH,
					       .height = HEIGHT,
					       .bits = 32};
	struct qrt_vnc_differ_config config = config_of();

	memset(own, 0, sizeof(own));
	config.shadow = &shadow;
	begin(&config);
	CU_ASSERT_EQUAL(found.changed, 0); /* what it holds was seen */
	pixels[10][20] = WHITE;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT_EQUAL(own[HEIGHT - 1 - 10][20], WHITE);
	end();
}

static void another_size_begins_anew(void)
{
	static uint16_t small[30][40];
	const struct qrt_vnc_surface other = {
		.pixels = small, .stride = sizeof(small[0]), .width = 40, .height = 30, .bits = 16};
	const struct qrt_vnc_surface bad = {.width = 0, .height = 30, .bits = 16};

	begin_plain();
	CU_ASSERT_EQUAL(qrt_vnc_differ_resize(differ, &bad, NULL, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(run(NULL), 0); /* all is as before */
	CU_ASSERT_EQUAL(qrt_vnc_differ_resize(differ, &other, NULL, NULL), 0);
	CU_ASSERT_EQUAL(run(NULL), -EINVAL);
	surface = other;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(0, 0, 40, 30));
	small[29][39] = 0x8000;
	CU_ASSERT_EQUAL(run(NULL), 1);
	CU_ASSERT(is_one(32, 16, 8, 14));
	end();
}

static void surfaces_that_are_not_alike_are_refused(void)
{
	struct qrt_vnc_surface bad[7];
	size_t i;

	begin_plain();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = surface;
	bad[0].width--;
	bad[1].bits = 16;
	bad[2].pixels = NULL;
	bad[3].stride = WIDTH; /* rows overlap */
	bad[4].stride = INT64_MIN;
	bad[5].stride += 2;
	bad[6].pixels = (char *)pixels + 1;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &bad[i], NULL, &found), -EINVAL);
	end();
}

static void configurations_that_are_wrong_are_refused(void)
{
	const struct qrt_vnc_differ_config good = config_of();
	struct qrt_vnc_differ_config bad[9];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = good;
	bad[0].kernel = QRT_VNC_KERNELS;
	bad[1].width = 65536;
	bad[2].height = 0;
	bad[3].bits = 24;
	bad[4].tile_width = 48;
	bad[5].tile_height = 128;
	bad[6].rectangles_max = 65536;
	bad[7].threads = 65;
	bad[8].bits = 8;
	bad[8].mask = 0xff00;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(qrt_vnc_differ_open(&bad[i], &differ, &error), -EINVAL);
		CU_ASSERT_EQUAL(error.code, -EINVAL);
	}
}

static void kernels_are_listed_and_forced(void)
{
	struct qrt_vnc_differ_config config = config_of();
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	uint32_t kernel, have = qrt_vnc_kernel_list();

	CU_ASSERT(have >> QRT_VNC_KERNEL_SCALAR & 1);
	CU_ASSERT_FALSE(have & 1u << QRT_VNC_KERNEL_AUTO);
	CU_ASSERT_PTR_NULL(qrt_vnc_kernel_text(QRT_VNC_KERNELS));
	for (kernel = 1; kernel < QRT_VNC_KERNELS; kernel++) {
		config.kernel = kernel;
		if (!(have >> kernel & 1)) {
			CU_ASSERT_EQUAL(qrt_vnc_differ_open(&config, &differ, &error), -EOPNOTSUPP);
			CU_ASSERT_PTR_NOT_NULL(strstr(error.message, qrt_vnc_kernel_text(kernel)));
			continue;
		}
		begin(&config);
		qrt_vnc_differ_get_info(differ, &info);
		CU_ASSERT_EQUAL(info.kernel, kernel);
		end();
	}
}

static const struct tap_test tests[] = {
	{"all is new at first", all_is_new_at_first},
	{"a pixel is a tile", a_pixel_is_a_tile},
	{"a byte that does not count is no change", a_byte_that_does_not_count_is_no_change},
	{"a mask that is whole counts each bit", a_mask_that_is_whole_counts_each_bit},
	{"tiles are as they were asked for", tiles_are_as_they_were_asked_for},
	{"rectangles are never too many", rectangles_are_never_too_many},
	{"what no hint names is not looked at", what_no_hint_names_is_not_looked_at},
	{"cells are looked at one by one", cells_are_looked_at_one_by_one},
	{"hints that are wrong are refused", hints_that_are_wrong_are_refused},
	{"what is invalid is told", what_is_invalid_is_told},
	{"the caller's shadow is used", the_callers_shadow_is_used},
	{"another size begins anew", another_size_begins_anew},
	{"surfaces that are not alike are refused", surfaces_that_are_not_alike_are_refused},
	{"configurations that are wrong are refused", configurations_that_are_wrong_are_refused},
	{"kernels are listed and forced", kernels_are_listed_and_forced},
};

TAP_MAIN("vnc_differ", tests)
