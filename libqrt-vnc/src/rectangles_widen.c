/* SPDX-License-Identifier: MIT */
/* Where there are too many rectangles, tiles between them are added, in steps: gaps in rows are closed, or
 * rows made alike that are side by side, whichever wastes less for each rectangle that it saves. In the end
 * there is one. */
#include <string.h>

#include "bits_p.h"
#include "rectangles_p.h"

struct state {
	uint32_t gap, group; /* of the next step of each kind */
	uint32_t count;      /* rectangles */
	uint64_t area;       /* tiles */
};

static size_t size_of(const struct qrt_vnc_p_tiles *tiles)
{
	return (size_t)tiles->rows * tiles->words;
}

/* ---- steps ---- */

static void close_gaps_of(uint64_t *row, uint32_t words, uint32_t gap)
{
	uint32_t past, next, all = words * QRT_VNC_P_BITS;

	past = qrt_vnc_p_bits_find_clear(row, words, qrt_vnc_p_bits_find_set(row, words, 0));
	while ((next = qrt_vnc_p_bits_find_set(row, words, past)) < all) {
		if (next - past <= gap)
			qrt_vnc_p_bits_set(row, past, next);
		past = qrt_vnc_p_bits_find_clear(row, words, next);
	}
}

void qrt_vnc_p_rectangles_close_gaps(const struct qrt_vnc_p_tiles *tiles, uint64_t *bits, uint32_t gap)
{
	uint32_t row;

	for (row = 0; row < tiles->rows; row++)
		close_gaps_of(bits + (size_t)row * tiles->words, tiles->words, gap);
}

static int is_empty(const uint64_t *row, uint32_t words)
{
	return qrt_vnc_p_bits_find_set(row, words, 0) == words * QRT_VNC_P_BITS;
}

static void join(uint64_t *first, uint32_t rows, uint32_t words)
{
	uint32_t row, i;

	for (row = 1; row < rows; row++) {
		for (i = 0; i < words; i++)
			first[i] |= first[(size_t)row * words + i];
	}
	for (row = 1; row < rows; row++)
		memcpy(first + (size_t)row * words, first, words * sizeof(*first));
}

void qrt_vnc_p_rectangles_join_rows(const struct qrt_vnc_p_tiles *tiles, uint64_t *bits, uint32_t group)
{
	uint32_t row, first, past, words = tiles->words;

	for (row = 0; row < tiles->rows; row += group) {
		first = row;
		past = tiles->rows - row < group ? tiles->rows : row + group;
		while (first < past && is_empty(bits + (size_t)first * words, words))
			first++;
		while (past > first && is_empty(bits + (size_t)(past - 1) * words, words))
			past--;
		if (first < past)
			join(bits + (size_t)first * words, past - first, words);
	}
}

/* ---- choice ---- */

static void count(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits,
		  const struct qrt_vnc_p_workbench *bench, struct state *state)
{
	struct qrt_vnc_p_list none = {.max = 0};

	state->count = qrt_vnc_p_rectangles_list(tiles, bits, bench->stretches, &none);
	state->area = qrt_vnc_p_bits_count(bits, size_of(tiles));
}

/* Whether `one` wastes no more than `other` for each rectangle that it saves. */
static int is_better(const struct state *now, const struct state *one, const struct state *other)
{
	double saved = (double)now->count - one->count, saved_other = (double)now->count - other->count;

	if (saved <= 0 || saved_other <= 0)
		return saved >= saved_other;
	return (double)(one->area - now->area) * saved_other <= (double)(other->area - now->area) * saved;
}

/* A kind that has come to its end is not taken any more where that would save nothing. */
static int is_closing(const struct qrt_vnc_p_tiles *tiles, const struct state *now,
		      const struct state *closed, const struct state *joined)
{
	if (now->group / 2 >= tiles->rows)
		return 1;
	if (now->gap >= tiles->words * QRT_VNC_P_BITS && closed->count >= now->count)
		return 0;
	return is_better(now, closed, joined);
}

static void step(const struct qrt_vnc_p_tiles *tiles, const struct qrt_vnc_p_workbench *bench,
		 struct state *state)
{
	struct state closed = *state, joined = *state;
	size_t bytes = size_of(tiles) * sizeof(uint64_t);

	memcpy(bench->bits[1], bench->bits[0], bytes);
	qrt_vnc_p_rectangles_join_rows(tiles, bench->bits[1], state->group);
	count(tiles, bench->bits[1], bench, &joined);
	joined.group *= 2;
	qrt_vnc_p_rectangles_close_gaps(tiles, bench->bits[0], state->gap);
	count(tiles, bench->bits[0], bench, &closed);
	if (closed.gap < tiles->words * QRT_VNC_P_BITS)
		closed.gap *= 2;
	if (!is_closing(tiles, state, &closed, &joined)) {
		memcpy(bench->bits[0], bench->bits[1], bytes);
		closed = joined;
	}
	*state = closed;
}

/* A step that was not taken is tried again later, wider ones come after it. Both kinds together end at one.
 */
int qrt_vnc_p_rectangles_make(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits,
			      const struct qrt_vnc_p_workbench *bench, struct qrt_vnc_p_list *list)
{
	struct state state = {.gap = 1, .group = 2};

	state.count = qrt_vnc_p_rectangles_list(tiles, bits, bench->stretches, list);
	if (state.count <= list->max)
		return 0;
	memcpy(bench->bits[0], bits, size_of(tiles) * sizeof(*bits));
	state.area = qrt_vnc_p_bits_count(bits, size_of(tiles));
	while (state.count > list->max)
		step(tiles, bench, &state);
	qrt_vnc_p_rectangles_list(tiles, bench->bits[0], bench->stretches, list);
	return 1;
}
