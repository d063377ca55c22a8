/* SPDX-License-Identifier: MIT */
#include "cut_p.h"

#include "encode_p.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Whole tiles of the largest kind, as far as there are. */
struct qrt_vnc_p_cut qrt_vnc_p_cut_of(const struct qrt_vnc_rectangle *whole)
{
	struct qrt_vnc_p_cut cut = {.whole = *whole};

	cut.width = least(whole->width, QRT_VNC_P_WIDTH_MAX);
	cut.height = QRT_VNC_P_PIXELS_MAX / cut.width / QRT_VNC_P_TILE_MAX * QRT_VNC_P_TILE_MAX;
	cut.height = least(whole->height, cut.height);
	cut.columns = (whole->width + cut.width - 1) / cut.width;
	cut.rows = (whole->height + cut.height - 1) / cut.height;
	return cut;
}

uint32_t qrt_vnc_p_cut_count(const struct qrt_vnc_p_cut *cut)
{
	return cut->columns * cut->rows;
}

struct qrt_vnc_rectangle qrt_vnc_p_cut_piece(const struct qrt_vnc_p_cut *cut, uint32_t index)
{
	uint32_t x = index % cut->columns * cut->width, y = index / cut->columns * cut->height;

	return (struct qrt_vnc_rectangle){(uint16_t)(cut->whole.x + x), (uint16_t)(cut->whole.y + y),
					  (uint16_t)least(cut->width, cut->whole.width - x),
					  (uint16_t)least(cut->height, cut->whole.height - y)};
}

struct qrt_vnc_rectangle qrt_vnc_p_around(const struct qrt_vnc_rectangle *a,
					  const struct qrt_vnc_rectangle *b)
{
	uint32_t x, y;

	if (!a->width || !a->height)
		return *b;
	if (!b->width || !b->height)
		return *a;
	x = least(a->x, b->x);
	y = least(a->y, b->y);
	return (struct qrt_vnc_rectangle){
		(uint16_t)x, (uint16_t)y,
		(uint16_t)(most((uint32_t)a->x + a->width, (uint32_t)b->x + b->width) - x),
		(uint16_t)(most((uint32_t)a->y + a->height, (uint32_t)b->y + b->height) - y)};
}

int qrt_vnc_p_is_within(const struct qrt_vnc_rectangle *rectangle, const struct qrt_vnc_surface *surface)
{
	return rectangle->width && rectangle->height &&
	       (uint32_t)rectangle->x + rectangle->width <= surface->width &&
	       (uint32_t)rectangle->y + rectangle->height <= surface->height;
}
