/* SPDX-License-Identifier: MIT */
/* Moves: what scrolls is found, what does not is left alone; and hints, sizes, orders. That the picture is
 * exact is proved at random by tests/soak/vnc_move.c. */
#include <errno.h>
#include <qrt/vnc_move.h>
#include <stdlib.h>
#include <string.h>

#include "move_p.h"
#include "tap.h"
#include "vncscene.h"

static struct vncscene scene;
static struct qrt_vnc_move *move;
static struct qrt_vnc_moves moves;

static void begin(uint32_t width, uint32_t height, uint32_t copies_max)
{
	const struct qrt_vnc_move_config config = {.size = sizeof(config),
						   .width = width,
						   .height = height,
						   .bits = 32,
						   .copies_max = copies_max,
						   .area_min = 1024};

	scene.random = 1;
	vncscene_open(&scene, width, height, 32, width * 4);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_move_open(&config, &move, NULL), 0);
}

static void end(void)
{
	vncscene_close(&scene);
	move = qrt_vnc_move_close(move);
	CU_ASSERT_PTR_NULL(move);
}

static int find(const struct qrt_vnc_hint *hint)
{
	moves.size = sizeof(moves);
	return qrt_vnc_move_find(move, &scene.now, &scene.shadow, hint, &moves);
}

/* The part of what differed that copies made right, in percent. */
static uint32_t find_part(void)
{
	uint64_t before = vncscene_compare(&scene, &scene.now, &scene.shadow), after;

	CU_ASSERT_EQUAL(find(NULL), (int)moves.count);
	after = vncscene_compare(&scene, &scene.now, &scene.shadow);
	CU_ASSERT(after <= before);
	return before ? (uint32_t)((before - after) * 100 / before) : 0;
}

static const struct qrt_vnc_rectangle all = {0, 0, 640, 400};

static void what_scrolls_is_copied(void)
{
	static const int32_t steps[] = {16, 7, -1, -33, 200};
	size_t i;

	begin(640, 400, 0);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t by = (uint32_t)abs(steps[i]);
		struct qrt_vnc_rectangle to = {0, 0, 640, (uint16_t)(400 - by)};
		struct qrt_vnc_rectangle fresh = {0, (uint16_t)(400 - by), 640, (uint16_t)by};

		if (steps[i] < 0) {
			to.y = (uint16_t)by;
			fresh.y = 0;
		}
		vncscene_noise(&scene, &scene.before, &all);
		vncscene_settle(&scene);
		vncscene_move(&scene, 0, steps[i] > 0 ? by : 0, &to);
		vncscene_noise(&scene, &scene.now, &fresh);
		CU_ASSERT(find_part() >= (400 - by) * 100 / 400 - 2);
		CU_ASSERT_EQUAL(moves.count, 1);
		CU_ASSERT_EQUAL(moves.copies[0].y - moves.copies[0].to.y, steps[i]);
		CU_ASSERT_EQUAL(moves.copies[0].x, moves.copies[0].to.x);
		CU_ASSERT_EQUAL(memcmp(&moves.rectangles[0], &moves.copies[0].to, sizeof(*moves.rectangles)),
				0);
		CU_ASSERT(moves.pixels >= 640ull * (380 - by));
	}
	end();
}

/* A terminal in the middle, which leaves plain ground to the right of its lines. */
static void a_part_that_scrolls_is_copied(void)
{
	const struct qrt_vnc_rectangle terminal = {101, 53, 403, 288}, to = {101, 53, 403, 272};
	const struct qrt_vnc_rectangle fresh = {101, 325, 403, 16};

	begin(640, 400, 0);
	vncscene_text(&scene, &scene.before, &terminal);
	vncscene_settle(&scene);
	vncscene_move(&scene, 101, 69, &to);
	vncscene_text(&scene, &scene.now, &fresh);
	CU_ASSERT(find_part() >= 85);
	CU_ASSERT(moves.count >= 1 && moves.count <= 3);
	end();
}

static void a_window_that_is_moved_is_copied(void)
{
	const struct qrt_vnc_rectangle window = {80, 64, 240, 160}, to = {203, 147, 240, 160};

	begin(640, 400, 0);
	vncscene_text(&scene, &scene.before, &all);
	vncscene_noise(&scene, &scene.before, &window);
	vncscene_settle(&scene);
	vncscene_noise(&scene, &scene.now, &window);
	vncscene_move(&scene, window.x, window.y, &to);
	/* What it has left is drawn anew: a part of 39,000 of some 60,000. */
	CU_ASSERT(find_part() >= 50);
	CU_ASSERT_EQUAL(moves.count, 1);
	CU_ASSERT_EQUAL(moves.copies[0].x, moves.copies[0].to.x - 123);
	CU_ASSERT_EQUAL(moves.copies[0].y, moves.copies[0].to.y - 83);
	end();
}

/* Two halves that change places cannot both be copied, for each one overwrites the other. */
static void of_a_ring_one_is_left_out(void)
{
	const struct qrt_vnc_rectangle upper = {0, 0, 640, 200}, lower = {0, 200, 640, 200};

	begin(640, 400, 0);
	vncscene_noise(&scene, &scene.before, &all);
	vncscene_settle(&scene);
	vncscene_move(&scene, 0, 200, &upper);
	vncscene_move(&scene, 0, 0, &lower);
	CU_ASSERT(find_part() >= 45);
	CU_ASSERT_EQUAL(moves.count, 1);
	end();
}

/* Three parts that go to the next place in a row are copied in the order that works. */
static void copies_wait_for_each_other(void)
{
	const struct qrt_vnc_rectangle first = {0, 0, 640, 96}, second = {0, 96, 640, 96};
	const struct qrt_vnc_rectangle third = {96, 192, 480, 96};

	begin(640, 400, 0);
	vncscene_noise(&scene, &scene.before, &all);
	vncscene_settle(&scene);
	vncscene_move(&scene, 0, 0, &second);
	vncscene_move(&scene, 0, 96, &third);
	vncscene_noise(&scene, &scene.now, &first);
	CU_ASSERT(find_part() >= 60);
	CU_ASSERT_EQUAL(moves.count, 2);
	CU_ASSERT(moves.copies[0].to.y > moves.copies[1].to.y);
	end();
}

static void what_does_not_move_is_left_alone(void)
{
	const struct qrt_vnc_rectangle spot = {10, 10, 8, 8};

	begin(640, 400, 0);
	vncscene_noise(&scene, &scene.before, &all);
	vncscene_settle(&scene);
	CU_ASSERT_EQUAL(find(NULL), 0);
	vncscene_noise(&scene, &scene.now, &spot);
	CU_ASSERT_EQUAL(find(NULL), 0);
	vncscene_noise(&scene, &scene.now, &all);
	CU_ASSERT_EQUAL(find(NULL), 0);
	CU_ASSERT_EQUAL(moves.pixels, 0);
	CU_ASSERT_EQUAL(vncscene_compare(&scene, &scene.shadow, &scene.before), 0);
	end();
}

/* What the hint leaves out is taken as it was, but copies may go there. */
static void only_what_is_hinted_is_looked_at(void)
{
	const struct qrt_vnc_rectangle to = {0, 0, 640, 384}, hinted = {0, 0, 640, 64},
				       aside = {0, 400, 9, 9};
	uint64_t cells[400] = {0};
	struct qrt_vnc_hint hint = {.size = sizeof(hint), .rectangles = &aside, .count = 1};
	int i;

	begin(640, 400, 0);
	vncscene_noise(&scene, &scene.before, &all);
	vncscene_settle(&scene);
	vncscene_move(&scene, 0, 16, &to);
	CU_ASSERT_EQUAL(find(&hint), 0);
	hint.rectangles = &hinted;
	CU_ASSERT_EQUAL(find(&hint), 1);
	CU_ASSERT(moves.copies[0].to.height >= 48 && moves.copies[0].to.height < 100);
	vncscene_settle(&scene);
	vncscene_move(&scene, 0, 16, &to);
	hint = (struct qrt_vnc_hint){
		.size = sizeof(hint), .cell_width = 16, .cell_height = 1, .words = 1, .cells = cells};
	CU_ASSERT_EQUAL(find(&hint), 0);
	for (i = 200; i < 300; i++)
		cells[i] = ~0ull;
	CU_ASSERT_EQUAL(find(&hint), 1);
	CU_ASSERT(moves.copies[0].to.y >= 170 && moves.copies[0].to.y + moves.copies[0].to.height < 330);
	end();
}

static void other_surfaces_and_hints_are_refused(void)
{
	const struct qrt_vnc_hint good = {.size = sizeof(good)};
	struct qrt_vnc_hint bad[] = {good, good, good, good, good};
	uint64_t cell = 0;
	size_t i;

	begin(64, 64, 0);
	bad[0].size = 0;
	bad[1].count = 1;
	bad[2].cells = bad[3].cells = bad[4].cells = &cell;
	bad[2].cell_width = 8;
	bad[3].cell_width = 16;
	bad[4].cell_width = 16;
	bad[4].cell_height = 64;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(find(&bad[i]), -EINVAL);
	bad[4].words = 1;
	CU_ASSERT_EQUAL(find(&bad[4]), 0);
	scene.shadow.width--;
	CU_ASSERT_EQUAL(find(NULL), -EINVAL);
	scene.shadow.width++;
	scene.now.bits = 16;
	CU_ASSERT_EQUAL(find(NULL), -EINVAL);
	scene.now.bits = 32;
	moves.size = 0;
	CU_ASSERT_EQUAL(qrt_vnc_move_find(move, &scene.now, &scene.shadow, NULL, &moves), -EINVAL);
	end();
}

static void configurations_that_are_none_are_refused(void)
{
	const struct qrt_vnc_move_config good = {.size = sizeof(good), .width = 1, .height = 1, .bits = 16};
	struct qrt_vnc_move_config bad[] = {good, good, good, good, good, good};
	struct qrt_vnc_move *none = NULL;
	struct qrt_vnc_error error;
	size_t i;

	bad[0].size = 0;
	bad[1].width = 0;
	bad[2].height = 65536;
	bad[3].bits = 24;
	bad[4].copies_max = QRT_VNC_MOVE_COPIES_MAX + 1;
	bad[5].mask = 0x10000;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(qrt_vnc_move_open(&bad[i], &none, &error), -EINVAL);
		CU_ASSERT_PTR_NULL(none);
		CU_ASSERT(strlen(error.message) > 0);
	}
	CU_ASSERT_EQUAL(qrt_vnc_move_open(&good, &none, &error), 0);
	qrt_vnc_move_close(none);
}

/* A hostile picture is full of places that are marks: what that costs has an end, and so has the table. */
static void patterns_cost_no_more_than_noise(void)
{
	uint32_t x, y, period;

	begin(640, 400, 0);
	for (period = 2; period < 40; period = period * 2 + 1) {
		for (y = 0; y < 400; y++) {
			for (x = 0; x < 640; x++)
				vncscene_set(&scene.before, x, y, (x + y * 3) % period * 0x1357);
		}
		vncscene_settle(&scene);
		for (y = 0; y < 400; y++) {
			for (x = 0; x < 640; x++)
				vncscene_set(&scene.now, x, y, (x + 1 + y * 3) % period * 0x1357);
		}
		CU_ASSERT(find_part() <= 100);
		CU_ASSERT(moves.count <= 16);
	}
	end();
}

static const struct tap_test tests[] = {
	{"what scrolls is copied", what_scrolls_is_copied},
	{"a part that scrolls is copied", a_part_that_scrolls_is_copied},
	{"a window that is moved is copied", a_window_that_is_moved_is_copied},
	{"of a ring one is left out", of_a_ring_one_is_left_out},
	{"copies wait for each other", copies_wait_for_each_other},
	{"what does not move is left alone", what_does_not_move_is_left_alone},
	{"only what is hinted is looked at", only_what_is_hinted_is_looked_at},
	{"other surfaces and hints are refused", other_surfaces_and_hints_are_refused},
	{"configurations that are none are refused", configurations_that_are_none_are_refused},
	{"patterns cost no more than noise", patterns_cost_no_more_than_noise},
};

TAP_MAIN("vnc_move", tests)
