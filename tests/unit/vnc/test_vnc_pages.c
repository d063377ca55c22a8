/* SPDX-License-Identifier: MIT */
/* Writes that the kernel notes: by whom, to what memory, and when. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pages_help.h"

/* Memory that is not there counts as written: so it is there first. */
static void touch_all(void)
{
	volatile uint32_t *memory = pages_memory;
	uint32_t row;

	for (row = 0; row < PAGES_HEIGHT; row++)
		memory[row * PAGES_WIDTH] = row;
	pages_take();
	while (pages_info().written)
		CU_ASSERT_FATAL(pages_take() >= 0);
}

static void a_write_is_told_once(enum pages_kind kind, uint32_t flags)
{
	volatile uint32_t *memory;

	if (!pages_begin(kind, flags | QRT_VNC_TRACKER_NO_PAUSE))
		return;
	memory = pages_memory;
	touch_all();
	CU_ASSERT_EQUAL(pages_take(), 0);
	memory[100 * PAGES_WIDTH + 5]++;
	memory[PAGES_HEIGHT * PAGES_WIDTH - 1]++;
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT(pages_is_hinted(5, 100) && pages_is_hinted(PAGES_WIDTH - 1, PAGES_HEIGHT - 1));
	CU_ASSERT_EQUAL(pages_count_rows(), 2);
	CU_ASSERT_EQUAL(pages_info().written, 2);
	CU_ASSERT_EQUAL(pages_info().pages, PAGES_HEIGHT);
	CU_ASSERT_EQUAL(pages_take(), 0);
	/* To read is not to write. */
	CU_ASSERT_EQUAL(memory[100 * PAGES_WIDTH + 6], 0);
	CU_ASSERT_EQUAL(pages_take(), 0);
	memory[100 * PAGES_WIDTH]++;
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), 1);
	pages_end();
}

static void writes_to_own_memory_are_told_once(void)
{
	a_write_is_told_once(PAGES_ANONYMOUS, 0);
}

static void writes_to_shared_memory_are_told_once(void)
{
	a_write_is_told_once(PAGES_SHARED, QRT_VNC_TRACKER_SOLE);
}

static void writes_to_a_file_of_ones_own_are_told_once(void)
{
	a_write_is_told_once(PAGES_FILE, QRT_VNC_TRACKER_SOLE);
}

static void what_the_kernel_writes_is_told(void)
{
	const char text[] = "hello";
	int ends[2];

	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	touch_all();
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], text, sizeof(text)), sizeof(text));
	CU_ASSERT_EQUAL(read(ends[0], &pages_memory[77 * PAGES_WIDTH], sizeof(text)), sizeof(text));
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), 1);
	CU_ASSERT(pages_is_hinted(0, 77));
	close(ends[0]);
	close(ends[1]);
	pages_end();
}

/* Given back, it reads as zeroes: without any write. A huge page of it leaves no page table. */
static void memory_that_is_given_back_is_told(void)
{
	size_t row_bytes = PAGES_WIDTH * 4;
	uint32_t row, missing = 0;

	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	touch_all();
	CU_ASSERT_EQUAL(madvise(&pages_memory[7 * PAGES_WIDTH], row_bytes, MADV_DONTNEED), 0);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT(pages_is_hinted(0, 7) && pages_count_rows() == 1);
	CU_ASSERT_EQUAL(madvise(pages_memory, 600 * row_bytes, MADV_DONTNEED), 0);
	CU_ASSERT_EQUAL(pages_take(), 1);
	for (row = 0; row < 600; row++)
		missing += !pages_is_hinted(0, row);
	CU_ASSERT_EQUAL(missing, 0);
	CU_ASSERT_EQUAL(pages_count_rows(), 600);
	pages_end();
}

/* One huge page is given back while its protection is that of the whole, and of the other one a page is
 * written. */
static void parts_of_transparent_huge_pages_are_told(void)
{
	const char *why = pages_why_not();
	uint32_t row, missing = 0;

	if (why) {
		tap_skip(why);
		return;
	}
	CU_ASSERT_FATAL(pages_map(PAGES_ANONYMOUS));
	madvise(pages_memory, PAGES_BYTES, MADV_HUGEPAGE);
	memset(pages_memory, 1, PAGES_BYTES);
	CU_ASSERT_EQUAL_FATAL(pages_open(QRT_VNC_TRACKER_PAGES, QRT_VNC_TRACKER_NO_PAUSE), 0);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_take(), 0);
	CU_ASSERT_EQUAL(madvise(pages_memory, PAGES_BYTES / 2, MADV_DONTNEED), 0);
	((volatile uint32_t *)pages_memory)[700 * PAGES_WIDTH] = 5;
	CU_ASSERT_EQUAL(pages_take(), 1);
	for (row = 0; row < PAGES_HEIGHT / 2; row++)
		missing += !pages_is_hinted(0, row);
	CU_ASSERT_EQUAL(missing, 0);
	CU_ASSERT(pages_is_hinted(0, 700));
	CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT / 2 + 1);
	pages_end();
}

#define WRITES 60000u

/* A word that a thread may write, and another one read, at the same time. */
static uint32_t get(uint32_t at)
{
	return __atomic_load_n(&pages_memory[at], __ATOMIC_RELAXED);
}

static void *write_anywhere(void *argument)
{
	_Atomic int *is_done = argument;
	uint64_t state = 1;
	uint32_t i;

	for (i = 1; i <= WRITES; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		__atomic_store_n(&pages_memory[(state >> 33) % (PAGES_BYTES / 4)], i, __ATOMIC_RELAXED);
	}
	atomic_store(is_done, 1);
	return NULL;
}

static void copy_hinted(uint32_t *shadow)
{
	uint32_t row, column, i;

	for (row = 0; row < PAGES_HEIGHT; row++) {
		for (column = 0; column < PAGES_WIDTH; column += 16) {
			if (!pages_is_hinted(column, row))
				continue;
			for (i = row * PAGES_WIDTH + column; i < row * PAGES_WIDTH + column + 16; i++)
				shadow[i] = get(i);
		}
	}
}

/* A shadow that is read from what is hinted, and nothing else, is in the end what the surface is. */
static void no_write_of_another_thread_is_lost(void)
{
	uint32_t *shadow = calloc(1, PAGES_BYTES);
	_Atomic int is_done = 0;
	uint32_t i, wrong = 0, rounds = 0;
	pthread_t thread;
	int was_done;

	CU_ASSERT_PTR_NOT_NULL_FATAL(shadow);
	if (!pages_begin(PAGES_ANONYMOUS, 0)) {
		free(shadow);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_anywhere, &is_done), 0);
	do {
		was_done = atomic_load(&is_done);
		if (pages_take())
			copy_hinted(shadow);
		rounds++;
	} while (!was_done);
	pthread_join(thread, NULL);
	for (i = 0; i < PAGES_BYTES / 4; i++)
		wrong += shadow[i] != pages_memory[i];
	CU_ASSERT_EQUAL(wrong, 0);
	tap_note("%u rounds", rounds);
	pages_end();
	free(shadow);
}

static void memory_of_others_is_refused(void)
{
	static const enum pages_kind kinds[] = {PAGES_SHARED, PAGES_FILE};
	size_t i;

	for (i = 0; i < 2; i++) {
		CU_ASSERT_FATAL(pages_map(kinds[i]));
		CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_PAGES, 0), -EPERM);
		CU_ASSERT_PTR_NOT_NULL(strstr(pages_error.message, "SOLE"));
		CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_AUTO, 0), 0);
		CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_ALL);
		CU_ASSERT_PTR_NOT_NULL(strstr(pages_info().reason, "SOLE"));
		CU_ASSERT_EQUAL(pages_take(), 1);
		CU_ASSERT_EQUAL(pages_take(), 1);
		pages_end();
	}
}

static void huge_pages_are_refused(void)
{
	const char *why = pages_why_not();

	if (!why && !pages_map(PAGES_HUGE))
		why = "no huge pages are set aside here";
	if (why) {
		tap_skip(why);
		return;
	}
	CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_PAGES, QRT_VNC_TRACKER_SOLE), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(pages_error.message, "huge"));
	pages_unmap();
}

static void memory_that_is_mapped_anew_is_all(void)
{
	const struct qrt_vnc_surface surface = {
		pages_memory, PAGES_WIDTH * 4, PAGES_WIDTH, PAGES_HEIGHT, 32, 0};
	struct qrt_vnc_surface again = surface;

	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	touch_all();
	CU_ASSERT_FATAL(mmap(pages_memory, PAGES_BYTES, PROT_READ | PROT_WRITE,
			     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == pages_memory);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_ALL);
	CU_ASSERT_PTR_NOT_NULL(strstr(pages_info().reason, "anew"));
	CU_ASSERT_EQUAL(pages_take(), 1);
	again.pixels = pages_memory;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_set_surface(pages_tracker, &again, &pages_error), 0);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_PAGES);
	CU_ASSERT_EQUAL(pages_take(), 1);
	touch_all();
	CU_ASSERT_EQUAL(pages_take(), 0);
	pages_end();
}

/* A surface that is refused leaves what there was; memory has one tracker that notes. */
static void one_tracker_notes_at_a_time(void)
{
	struct qrt_vnc_tracker *first;
	struct qrt_vnc_surface none = {pages_memory, 0, 1, 2, 32, 0};
	volatile uint32_t *memory;

	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	touch_all();
	memory = pages_memory;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_set_surface(pages_tracker, &none, &pages_error), -EINVAL);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_PAGES);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT);
	memory[3]++;
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), 1);
	first = pages_tracker;
	CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_PAGES, 0), -EBUSY);
	qrt_vnc_tracker_close(first);
	CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_AUTO, 0), 0);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_PAGES);
	pages_end();
}

static void write_rows(uint32_t count)
{
	volatile uint32_t *memory = pages_memory;
	uint32_t row;

	for (row = 0; row < count; row++)
		memory[row * PAGES_WIDTH]++;
}

/* Where most is written in each round it is not noted for longer and longer, and noted again when that ends.
 */
static void a_storm_is_not_noted(void)
{
	uint32_t i, pauses = 0;

	if (!pages_begin(PAGES_ANONYMOUS, 0))
		return;
	for (i = 0; i < 60; i++) {
		write_rows(PAGES_HEIGHT);
		CU_ASSERT_EQUAL(pages_take(), 1);
		CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT);
		pauses += !pages_info().written;
	}
	CU_ASSERT(pauses >= 40 && pauses < 56);
	for (i = 0; i < 12; i++) {
		write_rows(10);
		CU_ASSERT_EQUAL(pages_take(), 1);
	}
	CU_ASSERT_EQUAL(pages_count_rows(), 10);
	CU_ASSERT_EQUAL(pages_take(), 0);
	pages_end();
}

static const struct tap_test tests[] = {
	{"writes to own memory are told once", writes_to_own_memory_are_told_once},
	{"writes to shared memory are told once", writes_to_shared_memory_are_told_once},
	{"writes to a file of one's own are told once", writes_to_a_file_of_ones_own_are_told_once},
	{"what the kernel writes is told", what_the_kernel_writes_is_told},
	{"memory that is given back is told", memory_that_is_given_back_is_told},
	{"parts of transparent huge pages are told", parts_of_transparent_huge_pages_are_told},
	{"no write of another thread is lost", no_write_of_another_thread_is_lost},
	{"memory of others is refused", memory_of_others_is_refused},
	{"huge pages are refused", huge_pages_are_refused},
	{"memory that is mapped anew is all", memory_that_is_mapped_anew_is_all},
	{"one tracker notes at a time", one_tracker_notes_at_a_time},
	{"a storm is not noted", a_storm_is_not_noted},
};

TAP_MAIN("vnc_pages", tests)
