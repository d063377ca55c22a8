/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bits_p.h"
#include "differ_p.h"

/* A row of pixels, of both surfaces. */
struct row {
	uint8_t *shadow;
	const uint8_t *surface;
};

static struct row row_at(const struct qrt_vnc_differ *differ, uint32_t y)
{
	const struct qrt_vnc_surface *surface = &differ->run.surface, *shadow = &differ->shape.shadow;

	return (struct row){.shadow = (uint8_t *)shadow->pixels + (int64_t)y * shadow->stride,
			    .surface = (const uint8_t *)surface->pixels + (int64_t)y * surface->stride};
}

/* ---- units ---- */

static uint64_t compare_stretches(const struct qrt_vnc_differ *differ, const struct row *row, uint64_t wanted)
{
	uint64_t found = 0, rest;
	uint32_t first, count;

	while (wanted) {
		first = (uint32_t)__builtin_ctzll(wanted);
		rest = ~(wanted >> first);
		count = rest ? (uint32_t)__builtin_ctzll(rest) : QRT_VNC_P_BITS;
		found |= differ->kernel->compare(row->shadow + first * QRT_VNC_P_UNIT,
						 row->surface + first * QRT_VNC_P_UNIT, count,
						 differ->shape.mask)
			 << first;
		wanted &= ~(qrt_vnc_p_bits_low(count) << first);
	}
	return found;
}

/* The last unit is not whole: nothing behind the row is touched. */
static uint64_t compare_rest(const struct qrt_vnc_differ *differ, uint8_t *shadow, const uint8_t *surface,
			     uint32_t bytes)
{
	uint8_t before[QRT_VNC_P_UNIT] = {0}, now[QRT_VNC_P_UNIT] = {0};

	memcpy(now, surface, bytes);
	memcpy(before, shadow, bytes);
	if (!differ->kernel->compare(before, now, 1, differ->shape.mask))
		return 0;
	memcpy(shadow, now, bytes);
	return 1;
}

static void compare_row(const struct qrt_vnc_differ *differ, uint32_t y, const uint64_t *wanted,
			uint64_t *found)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	uint32_t i, whole = shape->row_bytes / QRT_VNC_P_UNIT, rest = shape->row_bytes % QRT_VNC_P_UNIT;
	uint64_t is_rest = rest ? 1ull << whole % QRT_VNC_P_BITS : 0, mine;
	struct row row = row_at(differ, y);

	for (i = 0; i < shape->unit_words; i++) {
		mine = wanted[i];
		if (i == whole / QRT_VNC_P_BITS && mine & is_rest) {
			mine &= ~is_rest;
			found[i] |= compare_rest(differ, row.shadow + whole % QRT_VNC_P_BITS * QRT_VNC_P_UNIT,
						 row.surface + whole % QRT_VNC_P_BITS * QRT_VNC_P_UNIT, rest)
				    << whole % QRT_VNC_P_BITS;
		}
		found[i] |= compare_stretches(differ, &row, mine);
		row.shadow += QRT_VNC_P_BITS * QRT_VNC_P_UNIT;
		row.surface += QRT_VNC_P_BITS * QRT_VNC_P_UNIT;
	}
}

/* ---- rows of tiles ---- */

static void cut_to_row(const struct qrt_vnc_p_shape *shape, uint64_t *units)
{
	if (shape->units % QRT_VNC_P_BITS)
		units[shape->unit_words - 1] &= qrt_vnc_p_bits_low(shape->units % QRT_VNC_P_BITS);
}

/* Units that are wanted in all rows of pixels of these tiles. */
static void want(const struct qrt_vnc_differ *differ, uint32_t tile_row, uint64_t *units)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	const struct qrt_vnc_p_run *run = &differ->run;
	size_t first = (size_t)tile_row * shape->tiles.words;
	uint64_t tiles[QRT_VNC_P_ROW_WORDS];
	uint32_t i;

	if (run->is_whole || shape->done[tile_row] + 1 != run->number) {
		memset(units, 0xff, shape->unit_words * sizeof(*units));
		return;
	}
	memset(units, 0, shape->unit_words * sizeof(*units));
	for (i = 0; i < shape->tiles.words; i++)
		tiles[i] = shape->forced[first + i] | shape->hinted[first + i];
	qrt_vnc_p_bits_spread(units, shape->unit_words, tiles, shape->tiles.words, shape->tile_units_log2);
}

/* 0: the run was cancelled before its end; what was found is in `found`. */
static int compare_tiles(const struct qrt_vnc_differ *differ, uint32_t tile_row, uint64_t *found)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	uint32_t y = tile_row * shape->tiles.tile_height, left = shape->tiles.height - y;
	uint32_t past = left < shape->tiles.tile_height ? y + left : y + shape->tiles.tile_height;
	uint64_t always[QRT_VNC_P_ROW_WORDS], wanted[QRT_VNC_P_ROW_WORDS];

	want(differ, tile_row, always);
	for (; y < past; y++) {
		if (atomic_load_explicit(&differ->is_cancelled, memory_order_relaxed))
			return 0;
		memcpy(wanted, always, shape->unit_words * sizeof(*wanted));
		qrt_vnc_p_hint_add(shape, &differ->run, y, wanted);
		cut_to_row(shape, wanted);
		compare_row(differ, y, wanted, found);
	}
	return 1;
}

static void do_tiles(const struct qrt_vnc_differ *differ, uint32_t tile_row)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	uint64_t units[QRT_VNC_P_ROW_WORDS] = {0};
	size_t first = (size_t)tile_row * shape->tiles.words;
	int is_done = compare_tiles(differ, tile_row, units);
	uint32_t i;

	qrt_vnc_p_bits_fold(shape->found + first, shape->tiles.words, units, shape->unit_words,
			    shape->tile_units_log2);
	if (!is_done)
		return;
	for (i = 0; i < shape->tiles.words; i++) {
		shape->found[first + i] |= shape->forced[first + i];
		shape->forced[first + i] = 0;
	}
	shape->done[tile_row] = differ->run.number;
}

void qrt_vnc_p_strip_do(struct qrt_vnc_differ *differ, uint32_t strip)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	uint32_t row = strip * shape->strip_rows, past = row + shape->strip_rows;

	for (; row < past && row < shape->tiles.rows; row++)
		do_tiles(differ, row);
}
