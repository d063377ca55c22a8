/* SPDX-License-Identifier: MIT */
/* What the caller of a tracker knows: rectangles, bits of rows, bits of pages. */
#include <errno.h>
#include <stdatomic.h>

#include "struct_p.h"
#include "tracker_p.h"

#define WORD_BITS      64u
#define PAGE_BYTES_MAX (1ull << 40)

int qrt_vnc_tracker_mark(struct qrt_vnc_tracker *tracker, const struct qrt_vnc_rectangle *rectangles,
			 uint32_t count)
{
	struct qrt_vnc_p_view *view = tracker->view;
	uint32_t i;

	for (i = 0; i < count; i++)
		qrt_vnc_p_cells_set_rectangle(&view->cells[view->now], &rectangles[i]);
	return 0;
}

void qrt_vnc_tracker_mark_all(struct qrt_vnc_tracker *tracker)
{
	tracker->view->is_all = true;
}

static bool is_power_of_two(uint64_t number)
{
	return number && !(number & (number - 1));
}

/* The bits of a word, and which of them are looked at. Taking acquires: who set a bit had written the pixels
 * before, and they are read after this. */
static uint64_t read_word(uint64_t *word, uint64_t mask, uint32_t flags)
{
	_Atomic uint64_t *shared = (_Atomic uint64_t *)word;

	if (!(atomic_load_explicit(shared, memory_order_relaxed) & mask))
		return 0;
	if (flags & QRT_VNC_TRACKER_TAKE)
		return atomic_fetch_and_explicit(shared, ~mask, memory_order_acq_rel) & mask;
	return atomic_load_explicit(shared, memory_order_acquire) & mask;
}

struct run {
	uint64_t begin, end;
};

/* The lowest run of set bits, which is taken out of the word. */
static struct run take_run(uint64_t *word)
{
	uint32_t begin = (uint32_t)__builtin_ctzll(*word);
	uint64_t rest = ~(*word >> begin);
	uint32_t length = rest ? (uint32_t)__builtin_ctzll(rest) : WORD_BITS;
	uint32_t end = begin + length > WORD_BITS ? WORD_BITS : begin + length;

	*word &= end < WORD_BITS ? ~0ull << end : 0;
	return (struct run){begin, end};
}

static uint64_t low_bits(uint64_t count)
{
	return count < WORD_BITS ? (1ull << count) - 1 : ~0ull;
}

static void mark_cells(struct qrt_vnc_p_cells *cells, uint32_t row, const struct run *run, uint32_t width)
{
	uint64_t left = run->begin * width, right = run->end * width;
	struct qrt_vnc_rectangle one = {(uint16_t)left, (uint16_t)row, 0, 1};

	if (right > cells->width)
		right = cells->width;
	one.width = (uint16_t)(right - left);
	qrt_vnc_p_cells_set_rectangle(cells, &one);
}

int qrt_vnc_tracker_mark_rows(struct qrt_vnc_tracker *tracker, const struct qrt_vnc_tracker_rows *rows)
{
	struct qrt_vnc_p_cells *cells = &tracker->view->cells[tracker->view->now];
	struct qrt_vnc_tracker_rows own;
	uint64_t columns, at, word;
	struct run run;
	uint32_t row;
	int rc = qrt_p_struct_take(&own, sizeof(own), rows);

	if (rc < 0)
		return rc;
	if (own.flags & ~QRT_VNC_TRACKER_TAKE || !own.bits || own.cell_width < QRT_VNC_P_CELL ||
	    own.cell_width > UINT16_MAX + 1u || !is_power_of_two(own.cell_width))
		return -EINVAL;
	columns = (cells->width + own.cell_width - 1) / own.cell_width;
	if ((uint64_t)own.words * WORD_BITS < columns)
		return -EINVAL;
	for (row = 0; row < cells->height; row++) {
		for (at = 0; at < columns; at += WORD_BITS) {
			word = read_word(own.bits + (uint64_t)row * own.words + at / WORD_BITS,
					 low_bits(columns - at), own.flags);
			while (word) {
				run = take_run(&word);
				run.begin += at;
				run.end += at;
				mark_cells(cells, row, &run, own.cell_width);
			}
		}
	}
	return 0;
}

static void mark_page_run(struct qrt_vnc_p_view *view, const struct qrt_vnc_tracker_pages *pages,
			  const struct run *run)
{
	uint64_t begin = run->begin * pages->page_bytes, end = run->end * pages->page_bytes;

	begin = begin > pages->offset ? begin - pages->offset : 0;
	qrt_vnc_p_cells_set_bytes(&view->cells[view->now], &view->layout, begin, end - pages->offset);
}

int qrt_vnc_tracker_mark_pages(struct qrt_vnc_tracker *tracker, const struct qrt_vnc_tracker_pages *pages)
{
	struct qrt_vnc_p_view *view = tracker->view;
	struct qrt_vnc_tracker_pages own;
	uint64_t at, first, last, word, mask;
	struct run run;
	int rc = qrt_p_struct_take(&own, sizeof(own), pages);

	if (rc < 0)
		return rc;
	if (own.flags & ~QRT_VNC_TRACKER_TAKE || !own.bits || !is_power_of_two(own.page_bytes) ||
	    own.page_bytes > PAGE_BYTES_MAX || own.offset > INT64_MAX || own.count > INT64_MAX)
		return -EINVAL;
	first = own.offset / own.page_bytes;
	last = (own.offset + view->layout.bytes - 1) / own.page_bytes;
	if (last >= own.count)
		return -EINVAL;
	for (at = first / WORD_BITS; at <= last / WORD_BITS; at++) {
		mask = at == first / WORD_BITS ? ~0ull << first % WORD_BITS : ~0ull;
		mask &= low_bits(last + 1 - at * WORD_BITS);
		word = read_word(&own.bits[at], mask, own.flags);
		while (word) {
			run = take_run(&word);
			run.begin += at * WORD_BITS;
			run.end += at * WORD_BITS;
			mark_page_run(view, &own, &run);
		}
	}
	return 0;
}
