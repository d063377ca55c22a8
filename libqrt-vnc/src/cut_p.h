/* SPDX-License-Identifier: MIT */
/* Rectangles, cut to what is encoded at once. */
#ifndef QRT_VNC_CUT_P_H
#define QRT_VNC_CUT_P_H

#include <qrt/vnc_encoder.h>

/* Pieces of a rectangle, as a grid that begins at its corner. */
struct qrt_vnc_p_cut {
	struct qrt_vnc_rectangle whole;
	uint32_t width, height; /* of a piece, but for the last ones */
	uint32_t columns, rows;
};

struct qrt_vnc_p_cut qrt_vnc_p_cut_of(const struct qrt_vnc_rectangle *whole);
uint32_t qrt_vnc_p_cut_count(const struct qrt_vnc_p_cut *cut);
struct qrt_vnc_rectangle qrt_vnc_p_cut_piece(const struct qrt_vnc_p_cut *cut, uint32_t index);

/* Around both; one without pixels does not count. */
struct qrt_vnc_rectangle qrt_vnc_p_around(const struct qrt_vnc_rectangle *a,
					  const struct qrt_vnc_rectangle *b);
/* Has pixels, all of them within the surface. */
int qrt_vnc_p_is_within(const struct qrt_vnc_rectangle *rectangle, const struct qrt_vnc_surface *surface);

#endif
