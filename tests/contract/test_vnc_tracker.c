/* SPDX-License-Identifier: MIT */
/* What trackers and moves of libqrt-vnc promise to those who have the shared object, the headers and the
 * manual: outputs, lifetimes, sizes of structs, and how they go together with a differ. */
#include <errno.h>
#include <qrt/vnc_differ.h>
#include <qrt/vnc_move.h>
#include <qrt/vnc_tracker.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define WIDTH  320u
#define HEIGHT 200u

static uint32_t pixels[HEIGHT][WIDTH];
static const struct qrt_vnc_surface surface = {pixels, WIDTH * 4, WIDTH, HEIGHT, 32, 0};

static struct qrt_vnc_tracker *open_tracker(void)
{
	const struct qrt_vnc_tracker_config config = {.size = sizeof(config), .surface = surface};
	struct qrt_vnc_tracker *tracker = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_tracker_open(&config, &tracker, NULL), 0);
	return tracker;
}

static struct qrt_vnc_move *open_move(void)
{
	const struct qrt_vnc_move_config config = {
		.size = sizeof(config), .width = WIDTH, .height = HEIGHT, .bits = 32};
	struct qrt_vnc_move *move = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_move_open(&config, &move, NULL), 0);
	return move;
}

static void closing_nothing_is_fine(void)
{
	CU_ASSERT_PTR_NULL(qrt_vnc_tracker_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_vnc_move_close(NULL));
}

static void outputs_are_left_alone_where_it_fails(void)
{
	const struct qrt_vnc_tracker_config no_tracker = {.size = sizeof(no_tracker)};
	const struct qrt_vnc_move_config no_move = {.size = sizeof(no_move)};
	struct qrt_vnc_tracker *tracker = (struct qrt_vnc_tracker *)pixels;
	struct qrt_vnc_move *move = (struct qrt_vnc_move *)pixels;
	struct qrt_vnc_hint hint = {.size = 0, .words = 77};
	struct qrt_vnc_moves moves = {.size = 0, .count = 77};
	struct qrt_vnc_tracker_info info = {.size = 0, .way = 77};
	struct qrt_vnc_error error = {0};

	CU_ASSERT_EQUAL(qrt_vnc_tracker_open(&no_tracker, &tracker, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(tracker, pixels);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_open(&no_tracker, &tracker, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_move_open(&no_move, &move, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(move, pixels);
	tracker = open_tracker();
	CU_ASSERT_EQUAL(qrt_vnc_tracker_take(tracker, &hint), -EINVAL);
	CU_ASSERT_EQUAL(hint.words, 77);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_get_info(tracker, &info), -EINVAL);
	CU_ASSERT_EQUAL(info.way, 77);
	qrt_vnc_tracker_close(tracker);
	move = open_move();
	CU_ASSERT_EQUAL(qrt_vnc_move_find(move, &surface, &surface, NULL, &moves), -EINVAL);
	CU_ASSERT_EQUAL(moves.count, 77);
	qrt_vnc_move_close(move);
}

struct later {
	struct qrt_vnc_tracker_config config;
	uint64_t unknown;
};

struct later_info {
	struct qrt_vnc_tracker_info info;
	uint64_t unknown;
};

static void structs_may_grow(void)
{
	struct later later = {.config = {.size = sizeof(later), .surface = surface}};
	struct later_info info = {.info = {.size = sizeof(info)}, .unknown = 5};
	struct qrt_vnc_tracker *tracker = NULL;

	later.unknown = 1;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_open(&later.config, &tracker, NULL), -E2BIG);
	later.unknown = 0;
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_tracker_open(&later.config, &tracker, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_get_info(tracker, &info.info), 0);
	CU_ASSERT_EQUAL(info.unknown, 0);
	CU_ASSERT_EQUAL(info.info.size, sizeof(info));
	CU_ASSERT(info.info.way != QRT_VNC_TRACKER_AUTO);
	qrt_vnc_tracker_close(tracker);
}

static void draw(uint32_t from)
{
	uint32_t x, y;

	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++)
			pixels[y][x] = ((from + y) * 2654435761u ^ x * 40503u) * 2246822519u >> 8;
	}
}

/* Tracker, moves and differ, one after the other: the shadow is the picture, and copies spare pixels. */
static void they_go_together(void)
{
	const struct qrt_vnc_differ_config config = {
		.size = sizeof(config), .width = WIDTH, .height = HEIGHT, .bits = 32};
	struct qrt_vnc_difference difference = {.size = sizeof(difference)};
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	struct qrt_vnc_moves moves = {.size = sizeof(moves)};
	struct qrt_vnc_hint hint = {.size = sizeof(hint)};
	struct qrt_vnc_tracker *tracker = open_tracker();
	struct qrt_vnc_move *move = open_move();
	struct qrt_vnc_differ *differ = NULL;
	uint32_t frame;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(&config, &differ, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_get_info(differ, &info), 0);
	for (frame = 0; frame < 10; frame++) {
		draw(frame * 16);
		pixels[frame][frame] ^= 1;
		qrt_vnc_tracker_mark_all(tracker);
		CU_ASSERT_EQUAL(qrt_vnc_tracker_take(tracker, &hint), 1);
		CU_ASSERT_EQUAL(qrt_vnc_move_find(move, &surface, &info.shadow, &hint, &moves),
				frame ? 1 : 0);
		CU_ASSERT(!frame || moves.pixels > WIDTH * HEIGHT / 2);
		hint.rectangles = moves.rectangles;
		hint.count = moves.count;
		CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, &hint, &difference), 1);
		CU_ASSERT_EQUAL(memcmp(info.shadow.pixels, pixels, sizeof(pixels)), 0);
		CU_ASSERT(!frame || difference.changed < (WIDTH / 16) * (HEIGHT / 16) / 2);
	}
	qrt_vnc_differ_close(differ);
	qrt_vnc_move_close(move);
	qrt_vnc_tracker_close(tracker);
}

static const struct tap_test tests[] = {
	{"closing nothing is fine", closing_nothing_is_fine},
	{"outputs are left alone where it fails", outputs_are_left_alone_where_it_fails},
	{"structs may grow", structs_may_grow},
	{"they go together", they_go_together},
};

TAP_MAIN("contract-vnc-tracker", tests)
