/* SPDX-License-Identifier: MIT */
#include "cells_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64u

int qrt_vnc_p_layout_init(struct qrt_vnc_p_layout *layout, const struct qrt_vnc_surface *surface)
{
	uint64_t pixel_bytes = surface->bits / 8, row_bytes = surface->width * pixel_bytes;
	uint64_t stride = surface->stride < 0 ? -(uint64_t)surface->stride : (uint64_t)surface->stride;
	uint64_t rows_before, bytes;

	if (!surface->pixels || !surface->width || surface->width > QRT_VNC_SIDE_MAX || !surface->height ||
	    surface->height > QRT_VNC_SIDE_MAX || surface->reserved ||
	    (surface->bits != 8 && surface->bits != 16 && surface->bits != 32))
		return -EINVAL;
	if (surface->height == 1)
		stride = row_bytes;
	if (stride < row_bytes || stride > INT64_MAX / QRT_VNC_SIDE_MAX || stride % pixel_bytes ||
	    (uintptr_t)surface->pixels % pixel_bytes)
		return -EINVAL;
	rows_before = stride * (surface->height - 1);
	bytes = rows_before + row_bytes;
	*layout = (struct qrt_vnc_p_layout){.begin = (uintptr_t)surface->pixels,
					    .bytes = bytes,
					    .stride = stride,
					    .row_bytes = row_bytes,
					    .pixel_bytes = (uint32_t)pixel_bytes,
					    .height = surface->height,
					    .is_upside_down = surface->height > 1 && surface->stride < 0};
	if (layout->is_upside_down) {
		if (rows_before > layout->begin)
			return -EINVAL;
		layout->begin -= rows_before;
	}
	return bytes > UINTPTR_MAX - layout->begin ? -EINVAL : 0;
}

int qrt_vnc_p_cells_init(struct qrt_vnc_p_cells *cells, uint32_t width, uint32_t height)
{
	uint32_t columns = (width + QRT_VNC_P_CELL - 1) / QRT_VNC_P_CELL;
	uint32_t row_words = (columns + WORD_BITS - 1) / WORD_BITS;

	*cells = (struct qrt_vnc_p_cells){calloc((size_t)row_words * height, sizeof(*cells->words)), width,
					  height, columns, row_words};
	return cells->words ? 0 : -ENOMEM;
}

void qrt_vnc_p_cells_finish(struct qrt_vnc_p_cells *cells)
{
	free(cells->words);
	*cells = (struct qrt_vnc_p_cells){0};
}

void qrt_vnc_p_cells_clear(struct qrt_vnc_p_cells *cells)
{
	memset(cells->words, 0, (size_t)cells->row_words * cells->height * sizeof(*cells->words));
}

bool qrt_vnc_p_cells_is_empty(const struct qrt_vnc_p_cells *cells)
{
	size_t i, count = (size_t)cells->row_words * cells->height;

	for (i = 0; i < count; i++) {
		if (cells->words[i])
			return false;
	}
	return true;
}

/* Cells first to last of a row. */
static void set_columns(struct qrt_vnc_p_cells *cells, uint32_t row, uint32_t first, uint32_t last)
{
	uint64_t *words = cells->words + (size_t)row * cells->row_words;
	uint32_t at = first / WORD_BITS, end = last / WORD_BITS;
	uint64_t head = ~0ull << first % WORD_BITS, tail = ~0ull >> (WORD_BITS - 1 - last % WORD_BITS);

	if (at == end) {
		words[at] |= head & tail;
		return;
	}
	words[at] |= head;
	while (++at < end)
		words[at] = ~0ull;
	words[end] |= tail;
}

void qrt_vnc_p_cells_set_rectangle(struct qrt_vnc_p_cells *cells, const struct qrt_vnc_rectangle *rectangle)
{
	uint32_t right = rectangle->x + (uint32_t)rectangle->width;
	uint32_t bottom = rectangle->y + (uint32_t)rectangle->height;
	uint32_t row;

	if (right > cells->width)
		right = cells->width;
	if (bottom > cells->height)
		bottom = cells->height;
	if (rectangle->x >= right)
		return;
	for (row = rectangle->y; row < bottom; row++)
		set_columns(cells, row, rectangle->x / QRT_VNC_P_CELL, (right - 1) / QRT_VNC_P_CELL);
}

void qrt_vnc_p_cells_set_bytes(struct qrt_vnc_p_cells *cells, const struct qrt_vnc_p_layout *layout,
			       uint64_t begin, uint64_t end)
{
	uint32_t cell_bytes = QRT_VNC_P_CELL * layout->pixel_bytes;
	uint64_t row, from, to;

	if (end > layout->bytes)
		end = layout->bytes;
	for (row = begin / layout->stride; begin < end; row++) {
		from = begin - row * layout->stride;
		to = end - row * layout->stride;
		if (to > layout->row_bytes)
			to = layout->row_bytes;
		if (from < to)
			set_columns(cells,
				    (uint32_t)(layout->is_upside_down ? layout->height - 1 - row : row),
				    (uint32_t)(from / cell_bytes), (uint32_t)((to - 1) / cell_bytes));
		begin = (row + 1) * layout->stride;
	}
}
