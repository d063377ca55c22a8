/* SPDX-License-Identifier: MIT */
/* After a differ, a tracker or a move was opened nothing is allocated, whatever it does: the library's
 * allocations are led through this. */
#include <errno.h>
#include <poll.h>
#include <qrt/vnc_differ.h>
#include <qrt/vnc_move.h>
#include <qrt/vnc_tracker.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define SIDE 512u

static _Atomic uint32_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __real_aligned_alloc(alignment, size);
}

static uint32_t pixels[SIDE][SIDE];
static const struct qrt_vnc_surface surface = {
	.pixels = pixels, .stride = sizeof(pixels[0]), .width = SIDE, .height = SIDE, .bits = 32};
static struct qrt_vnc_differ *differ;
static struct qrt_vnc_difference found = {.size = sizeof(found)};

static int collect(void)
{
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};
	int rc;

	do {
		if (poll(&fd, 1, 60000) != 1)
			return -ETIMEDOUT;
		rc = qrt_vnc_differ_collect(differ, &found);
	} while (rc == -EAGAIN);
	return rc;
}

/* A checkerboard of tiles, which has too many rectangles. */
static void draw(uint32_t frame)
{
	uint32_t x, y;

	for (y = 0; y < SIDE; y++) {
		for (x = y % 2 * 16; x < SIDE; x += 32)
			pixels[y][x] = frame;
	}
}

static uint32_t do_all(void)
{
	const struct qrt_vnc_rectangle some = {0, 0, SIDE, SIDE};
	const struct qrt_vnc_hint hint = {.size = sizeof(hint), .rectangles = &some, .count = 1};
	uint32_t wrong = 0, frame;

	for (frame = 1; frame < 20; frame++) {
		draw(frame);
		wrong += qrt_vnc_differ_invalidate(differ, &some) != 0;
		wrong += qrt_vnc_differ_post(differ, &surface, &hint) != 0;
		wrong += frame % 2 ? collect() != 1 : qrt_vnc_differ_cancel(differ) != 0;
		draw(frame + 100);
		wrong += qrt_vnc_differ_run(differ, &surface, NULL, &found) != 1;
		wrong += found.is_widened != frame % 2 || found.count > 16; /* after a cancel all is told */
	}
	return wrong;
}

static void nothing_is_allocated_after_opening(void)
{
	const struct qrt_vnc_differ_config config = {.size = sizeof(config),
						     .width = SIDE,
						     .height = SIDE,
						     .bits = 32,
						     .tile_height = 1,
						     .rectangles_max = 16,
						     .threads = 2};
	uint32_t before, wrong;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(&config, &differ, NULL), 0);
	qrt_vnc_differ_run(differ, &surface, NULL, &found);
	before = atomic_load(&allocations);
	CU_ASSERT(before > 0);
	wrong = do_all();
	CU_ASSERT_EQUAL(atomic_load(&allocations), before);
	CU_ASSERT_EQUAL(wrong, 0);
	qrt_vnc_differ_close(differ);
}

static uint32_t scroll(struct qrt_vnc_tracker *tracker, struct qrt_vnc_move *move)
{
	const struct qrt_vnc_rectangle all = {0, 0, SIDE, SIDE};
	static uint32_t shadow[SIDE][SIDE];
	struct qrt_vnc_surface before = surface;
	struct qrt_vnc_moves moves = {.size = sizeof(moves)};
	struct qrt_vnc_hint hint = {.size = sizeof(hint)};
	uint32_t i, wrong = 0;

	before.pixels = shadow;
	for (i = 0; i < SIDE * SIDE; i++)
		pixels[i / SIDE][i % SIDE] = (i * 2654435761u ^ i >> 7) * 2246822519u >> 8;
	for (i = 0; i < 5; i++) {
		memcpy(shadow, pixels, sizeof(shadow));
		memmove(pixels, pixels[3], sizeof(pixels) - sizeof(pixels[0]) * 3);
		wrong += qrt_vnc_tracker_mark(tracker, &all, 1) != 0;
		wrong += qrt_vnc_tracker_take(tracker, &hint) != 1;
		wrong += qrt_vnc_move_find(move, &surface, &before, &hint, &moves) != 1;
	}
	return wrong;
}

static void nor_by_trackers_and_moves(void)
{
	const struct qrt_vnc_tracker_config tracker_config = {.size = sizeof(tracker_config),
							      .surface = surface};
	const struct qrt_vnc_move_config move_config = {
		.size = sizeof(move_config), .width = SIDE, .height = SIDE, .bits = 32};
	struct qrt_vnc_tracker *tracker;
	struct qrt_vnc_move *move;
	uint32_t before, wrong;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_tracker_open(&tracker_config, &tracker, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_move_open(&move_config, &move, NULL), 0);
	before = atomic_load(&allocations);
	wrong = scroll(tracker, move);
	CU_ASSERT_EQUAL(atomic_load(&allocations), before);
	CU_ASSERT_EQUAL(wrong, 0);
	qrt_vnc_tracker_close(tracker);
	qrt_vnc_move_close(move);
}

static const struct tap_test tests[] = {
	{"nothing is allocated after opening", nothing_is_allocated_after_opening},
	{"nor by trackers and moves", nor_by_trackers_and_moves},
};

TAP_MAIN("vnc_rt", tests)
