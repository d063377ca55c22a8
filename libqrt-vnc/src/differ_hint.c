/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "bits_p.h"
#include "differ_p.h"
#include "struct_p.h"

static uint32_t log2_of(uint32_t number)
{
	return (uint32_t)__builtin_ctz(number);
}

static int is_right(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_hint *hint)
{
	if (hint->reserved || hint->count > QRT_VNC_DIFFER_RECTANGLES_MAX ||
	    (hint->count && !hint->rectangles))
		return 0;
	if (!hint->cells)
		return 1;
	return hint->cell_height &&
	       (hint->cell_width == 16 || hint->cell_width == 32 || hint->cell_width == 64) &&
	       (uint64_t)hint->words * QRT_VNC_P_BITS * hint->cell_width >= shape->tiles.width;
}

static void take_cells(const struct qrt_vnc_p_shape *shape, struct qrt_vnc_p_run *run)
{
	uint32_t cell = log2_of(run->hint.cell_width), unit = shape->unit_pixels_log2;

	run->cell_to_unit = unit > cell ? unit - cell : 0;
	run->unit_to_cell = cell > unit ? cell - unit : 0;
}

static void take_rectangles(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_hint *hint)
{
	uint32_t i;

	memset(shape->hinted, 0, (size_t)shape->tiles.rows * shape->tiles.words * sizeof(*shape->hinted));
	for (i = 0; i < hint->count; i++)
		qrt_vnc_p_shape_mark(shape, shape->hinted, &hint->rectangles[i]);
}

int qrt_vnc_p_hint_take(const struct qrt_vnc_p_shape *shape, struct qrt_vnc_p_run *run,
			const struct qrt_vnc_hint *hint)
{
	struct qrt_vnc_hint own;
	int rc;

	if (hint) {
		rc = qrt_p_struct_take(&own, sizeof(own), hint);
		if (rc < 0)
			return rc;
		if (!is_right(shape, &own))
			return -EINVAL;
		run->hint = own;
		take_rectangles(shape, &own);
		if (own.cells)
			take_cells(shape, run);
	}
	run->is_whole = !hint;
	return 0;
}

void qrt_vnc_p_hint_add(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_p_run *run, uint32_t y,
			uint64_t *units)
{
	const struct qrt_vnc_hint *hint = &run->hint;
	const uint64_t *cells;

	if (run->is_whole || !hint->cells)
		return;
	cells = hint->cells + (size_t)(y / hint->cell_height) * hint->words;
	if (run->unit_to_cell)
		qrt_vnc_p_bits_spread(units, shape->unit_words, cells, hint->words, run->unit_to_cell);
	else
		qrt_vnc_p_bits_fold(units, shape->unit_words, cells, hint->words, run->cell_to_unit);
}
