/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_CELLS_P_H
#define QRT_VNC_CELLS_P_H

#include <qrt/vnc.h>
#include <stdbool.h>

#define QRT_VNC_P_CELL 16u /* pixels of a row that share a bit */

/* A bit for each cell of each row; rows begin with a word of their own, cells with its lowest bit. */
struct qrt_vnc_p_cells {
	uint64_t *words;
	uint32_t width, height; /* pixels */
	uint32_t columns;       /* cells of a row */
	uint32_t row_words;
};

/* Where the bytes of a surface are. */
struct qrt_vnc_p_layout {
	uintptr_t begin; /* the lowest address */
	uint64_t bytes;  /* from there to the end of the last row in memory */
	uint64_t stride, row_bytes;
	uint32_t pixel_bytes, height;
	bool is_upside_down;
};

/* -EINVAL: it is no surface: sides, bits, rows that overlap, pixels at odd places, an end past the address
 * space. */
int qrt_vnc_p_layout_init(struct qrt_vnc_p_layout *layout, const struct qrt_vnc_surface *surface);

/* -ENOMEM. */
int qrt_vnc_p_cells_init(struct qrt_vnc_p_cells *cells, uint32_t width, uint32_t height);
void qrt_vnc_p_cells_finish(struct qrt_vnc_p_cells *cells);
void qrt_vnc_p_cells_clear(struct qrt_vnc_p_cells *cells);
bool qrt_vnc_p_cells_is_empty(const struct qrt_vnc_p_cells *cells);
/* What is outside is left out. */
void qrt_vnc_p_cells_set_rectangle(struct qrt_vnc_p_cells *cells, const struct qrt_vnc_rectangle *rectangle);
/* The cells that have bytes from begin to before end, counted from the layout's begin. */
void qrt_vnc_p_cells_set_bytes(struct qrt_vnc_p_cells *cells, const struct qrt_vnc_p_layout *layout,
			       uint64_t begin, uint64_t end);

#endif
