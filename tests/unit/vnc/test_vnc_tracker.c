/* SPDX-License-Identifier: MIT */
/* Trackers by what their callers mark: rectangles, bits of rows, bits of pages, and bits that others set at
 * the same time. */
#include <errno.h>
#include <pthread.h>
#include <qrt/vnc_tracker.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define WIDTH  1000u
#define HEIGHT 50u
#define PAGE   4096u

static uint32_t pixels[HEIGHT][WIDTH];
static const struct qrt_vnc_surface surface = {pixels, WIDTH * 4, WIDTH, HEIGHT, 32, 0};
static struct qrt_vnc_tracker *tracker;
static struct qrt_vnc_hint hint;

static int take(void)
{
	hint.size = sizeof(hint);
	return qrt_vnc_tracker_take(tracker, &hint);
}

static void begin(uint32_t way, const struct qrt_vnc_surface *of)
{
	const struct qrt_vnc_tracker_config config = {.size = sizeof(config), .way = way, .surface = *of};

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_tracker_open(&config, &tracker, NULL), 0);
	CU_ASSERT_EQUAL(take(), 1);
}

static void end(void)
{
	tracker = qrt_vnc_tracker_close(tracker);
	CU_ASSERT_PTR_NULL(tracker);
}

static bool is_hinted(uint32_t x, uint32_t y)
{
	uint32_t column = x / hint.cell_width;

	return hint.cells[(size_t)(y / hint.cell_height) * hint.words + column / 64] >> column % 64 & 1;
}

static uint32_t count_hinted(void)
{
	uint32_t x, y, count = 0;

	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x += 16)
			count += is_hinted(x, y);
	}
	return count;
}

static void the_first_hint_is_all(void)
{
	begin(QRT_VNC_TRACKER_MARKS, &surface);
	CU_ASSERT_EQUAL(count_hinted(), HEIGHT * 63);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(count_hinted(), 0);
	qrt_vnc_tracker_mark_all(tracker);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(count_hinted(), HEIGHT * 63);
	end();
}

static void rectangles_are_told_once(void)
{
	const struct qrt_vnc_rectangle two[] = {{5, 3, 40, 2}, {900, 40, 65535, 65535}};

	begin(QRT_VNC_TRACKER_MARKS, &surface);
	qrt_vnc_tracker_mark(tracker, NULL, 0);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark(tracker, two, 2), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT(is_hinted(0, 3) && is_hinted(44, 4) && !is_hinted(48, 4) && !is_hinted(0, 5));
	CU_ASSERT(is_hinted(WIDTH - 1, HEIGHT - 1) && !is_hinted(WIDTH - 1, 39));
	CU_ASSERT_EQUAL(count_hinted(), 2 * 3 + 10 * 7);
	CU_ASSERT_EQUAL(take(), 0);
	end();
}

static void without_a_way_each_hint_is_all(void)
{
	struct qrt_vnc_tracker_info info = {.size = sizeof(info)};
	int i;

	begin(QRT_VNC_TRACKER_ALL, &surface);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(take(), 1);
		CU_ASSERT_EQUAL(count_hinted(), HEIGHT * 63);
	}
	CU_ASSERT_EQUAL(qrt_vnc_tracker_get_info(tracker, &info), 0);
	CU_ASSERT_EQUAL(info.way, QRT_VNC_TRACKER_ALL);
	CU_ASSERT_EQUAL(info.pages, 0);
	CU_ASSERT(strlen(info.reason) > 0);
	end();
}

static void bits_of_rows_become_cells(void)
{
	uint64_t bits[HEIGHT][2] = {{0}};
	struct qrt_vnc_tracker_rows rows = {sizeof(rows), 0, bits[0], 2, 16};

	begin(QRT_VNC_TRACKER_MARKS, &surface);
	bits[0][0] = 1;
	bits[7][0] = 1ull << 62 | 1ull << 63; /* the last cell, and one that is none */
	bits[8][1] = ~0ull;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &rows), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(count_hinted(), 2);
	CU_ASSERT(is_hinted(0, 0) && is_hinted(WIDTH - 1, 7));
	CU_ASSERT_EQUAL(bits[0][0], 1);
	/* Wider ones; taken out, but for those that are none. */
	rows.cell_width = 64;
	rows.flags = QRT_VNC_TRACKER_TAKE;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &rows), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(count_hinted(), 4);
	CU_ASSERT(is_hinted(63, 0) && !is_hinted(64, 0));
	CU_ASSERT_EQUAL(bits[0][0], 0);
	CU_ASSERT_EQUAL(bits[8][1], ~0ull);
	bits[3][0] = 1u << 15;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &rows), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(count_hinted(), 3);
	CU_ASSERT(is_hinted(960, 3) && is_hinted(WIDTH - 1, 3));
	end();
}

static void rows_that_are_none_are_refused(void)
{
	uint64_t bits[HEIGHT] = {0};
	const struct qrt_vnc_tracker_rows good = {sizeof(good), 0, bits, 1, 16};
	struct qrt_vnc_tracker_rows bad[] = {good, good, good, good, good, good};
	size_t i;

	bad[0].size = 0;
	bad[1].flags = 2;
	bad[2].bits = NULL;
	bad[3].words = 0;
	bad[4].cell_width = 8;
	bad[5].cell_width = 48;
	begin(QRT_VNC_TRACKER_MARKS, &surface);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &bad[i]), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &good), 0);
	end();
}

/* Any pages, offset, and a surface that stands on its head: each pixel of a marked page is hinted. */
static void check_pages(uint64_t offset, const struct qrt_vnc_surface *of, uint64_t page)
{
	uint64_t bits[2] = {0x8421084210842108ull >> page % 7, 0x1111222244448888ull};
	const struct qrt_vnc_tracker_pages pages = {sizeof(pages), QRT_VNC_TRACKER_TAKE, bits, 128, PAGE,
						    offset};
	const uint64_t had[2] = {bits[0], bits[1]};
	uint64_t first = offset / PAGE, last = (offset + sizeof(pixels) - 1) / PAGE, i;
	uint32_t x, y, missing = 0;

	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_pages(tracker, &pages), 0);
	CU_ASSERT_EQUAL(take(), 1);
	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++) {
			uint64_t at = offset + (uint64_t)((char *)of->pixels + of->stride * (int64_t)y +
							  x * 4L - (char *)pixels);

			missing += (had[at / PAGE / 64] >> at / PAGE % 64 & 1) && !is_hinted(x, y);
		}
	}
	CU_ASSERT_EQUAL(missing, 0);
	/* 1024 pixels of a page are at most in three rows, and in 66 cells. */
	for (i = first, missing = 0; i <= last; i++)
		missing += had[i / 64] >> i % 64 & 1;
	CU_ASSERT(count_hinted() <= 66 * missing);
	for (i = 0; i < 128; i++)
		CU_ASSERT_EQUAL(bits[i / 64] >> i % 64 & 1,
				(i < first || i > last) ? had[i / 64] >> i % 64 & 1 : 0);
}

static void bits_of_pages_become_cells(void)
{
	const struct qrt_vnc_surface upside_down = {
		pixels[HEIGHT - 1], -(int64_t)WIDTH * 4, WIDTH, HEIGHT, 32, 0};
	uint64_t i;

	begin(QRT_VNC_TRACKER_MARKS, &surface);
	for (i = 0; i < 64; i++)
		check_pages(i * 1357, &surface, i);
	end();
	begin(QRT_VNC_TRACKER_MARKS, &upside_down);
	for (i = 0; i < 64; i++)
		check_pages(i * 2468, &upside_down, i);
	end();
}

static void pages_that_are_none_are_refused(void)
{
	uint64_t bits[2] = {0};
	const struct qrt_vnc_tracker_pages good = {sizeof(good), 0, bits, 49, PAGE, 0};
	struct qrt_vnc_tracker_pages bad[] = {good, good, good, good, good, good, good, good};
	size_t i;

	bad[0].size = 0;
	bad[1].flags = 2;
	bad[2].bits = NULL;
	bad[3].count = 48;
	bad[4].page_bytes = 0;
	bad[5].page_bytes = 5000;
	bad[6].offset = 49 * PAGE - sizeof(pixels) + 1;
	bad[7].offset = UINT64_MAX;
	begin(QRT_VNC_TRACKER_MARKS, &surface);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_pages(tracker, &bad[i]), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_pages(tracker, &good), 0);
	bits[0] = 1ull << 48;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_pages(tracker, &good), 0);
	CU_ASSERT_EQUAL(take(), 1);
	end();
}

/* ---- others that set bits meanwhile ---- */

#define WRITES 20000u

struct writer {
	uint64_t bits[HEIGHT];
	_Atomic uint32_t done;
	uint32_t cells[HEIGHT]; /* what each row shows, in its first pixel */
};

/* The pixel first, plainly, and then the bit: who has the bit must have the pixel. */
static void *write_rows(void *argument)
{
	struct writer *writer = argument;
	uint32_t i;

	for (i = 1; i <= WRITES; i++) {
		uint32_t row = i * 7 % HEIGHT;

		__atomic_store_n(&writer->cells[row], i, __ATOMIC_RELAXED);
		__atomic_fetch_or(&writer->bits[row], 1, __ATOMIC_RELEASE);
	}
	atomic_store(&writer->done, 1);
	return NULL;
}

static void look_at_hinted(const struct writer *writer, uint32_t seen[HEIGHT])
{
	uint32_t row;

	for (row = 0; row < HEIGHT; row++) {
		if (is_hinted(0, row))
			seen[row] = __atomic_load_n(&writer->cells[row], __ATOMIC_RELAXED);
	}
}

static void no_write_is_lost_between_threads(void)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	const struct qrt_vnc_tracker_rows rows = {sizeof(rows), QRT_VNC_TRACKER_TAKE, writer->bits, 1, 16};
	uint32_t seen[HEIGHT] = {0}, done;
	pthread_t thread;

	begin(QRT_VNC_TRACKER_MARKS, &surface);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_rows, writer), 0);
	do {
		done = atomic_load(&writer->done);
		CU_ASSERT_EQUAL(qrt_vnc_tracker_mark_rows(tracker, &rows), 0);
		if (take())
			look_at_hinted(writer, seen);
	} while (!done);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(memcmp(seen, writer->cells, sizeof(seen)), 0);
	end();
	free(writer);
}

static void configurations_that_are_none_are_refused(void)
{
	const struct qrt_vnc_tracker_config good = {.size = sizeof(good), .surface = surface};
	struct qrt_vnc_tracker_config bad[] = {good, good, good, good, good};
	struct qrt_vnc_tracker *none = NULL;
	struct qrt_vnc_error error;
	size_t i;

	bad[0].size = 0;
	bad[1].way = QRT_VNC_TRACKER_PAGES + 1;
	bad[2].flags = 4;
	bad[3].reserved = 1;
	bad[4].surface.bits = 24;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(qrt_vnc_tracker_open(&bad[i], &none, &error), -EINVAL);
		CU_ASSERT_EQUAL(error.code, -EINVAL);
		CU_ASSERT(strlen(error.message) > 0);
		CU_ASSERT_PTR_NULL(none);
	}
}

static void another_surface_begins_anew(void)
{
	const struct qrt_vnc_surface small = {pixels, WIDTH * 4, 100, 10, 32, 0};
	const struct qrt_vnc_surface none = {pixels, 0, 100, 10, 32, 0};
	struct qrt_vnc_error error;

	begin(QRT_VNC_TRACKER_MARKS, &surface);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_set_surface(tracker, &small, &error), 0);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(hint.words, 1);
	CU_ASSERT_EQUAL(hint.cells[9], 0x7f);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(qrt_vnc_tracker_set_surface(tracker, &none, &error), -EINVAL);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(hint.cells[9], 0x7f);
	CU_ASSERT_EQUAL(take(), 0);
	end();
}

static const struct tap_test tests[] = {
	{"the first hint is all", the_first_hint_is_all},
	{"rectangles are told once", rectangles_are_told_once},
	{"without a way each hint is all", without_a_way_each_hint_is_all},
	{"bits of rows become cells", bits_of_rows_become_cells},
	{"rows that are none are refused", rows_that_are_none_are_refused},
	{"bits of pages become cells", bits_of_pages_become_cells},
	{"pages that are none are refused", pages_that_are_none_are_refused},
	{"no write is lost between threads", no_write_is_lost_between_threads},
	{"configurations that are none are refused", configurations_that_are_none_are_refused},
	{"another surface begins anew", another_surface_begins_anew},
};

TAP_MAIN("vnc_tracker", tests)
