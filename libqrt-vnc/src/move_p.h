/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_MOVE_P_H
#define QRT_VNC_MOVE_P_H

#include <qrt/vnc_move.h>
#include <stdbool.h>

#define QRT_VNC_P_TILE       16u /* pixels, both ways */
#define QRT_VNC_P_MARKS      (1u << 16)
#define QRT_VNC_P_VOTES      1024u
#define QRT_VNC_P_CANDIDATES 6u

/* What is known of a tile. */
#define QRT_VNC_P_HINTED  1u
#define QRT_VNC_P_CHANGED 2u
#define QRT_VNC_P_MATCHED 4u /* by the vector that is looked at */
#define QRT_VNC_P_TAKEN   8u /* a copy makes it right */

struct qrt_vnc_p_pictures {
	struct qrt_vnc_surface now, before;
	uint32_t mask;
};

/* From a place in the new picture to the one in the old picture that it came from. */
struct qrt_vnc_p_vector {
	int32_t x, y;
	uint32_t votes;
};

/* A place that what is drawn there picks out, wherever it is. */
struct qrt_vnc_p_mark {
	uint64_t key;
	uint32_t round;
	uint16_t x, y;
	bool is_ambiguous;
};

/* Of tiles. */
struct qrt_vnc_p_span {
	uint32_t left, top, right, bottom; /* up to, but without right and bottom */
};

struct qrt_vnc_move {
	struct qrt_vnc_move_config config;
	uint64_t secret; /* odd */
	uint32_t round;
	uint32_t columns, rows; /* tiles */
	uint8_t *tiles;
	uint32_t *heights, *stack; /* columns + 1 each */
	struct qrt_vnc_p_mark *marks;
	struct qrt_vnc_p_vector votes[QRT_VNC_P_VOTES];
	uint32_t count;
	uint64_t pixels;
	struct qrt_vnc_copy copies[QRT_VNC_MOVE_COPIES_MAX], ordered[QRT_VNC_MOVE_COPIES_MAX];
	struct qrt_vnc_rectangle rectangles[QRT_VNC_MOVE_COPIES_MAX];
	uint64_t worth[QRT_VNC_MOVE_COPIES_MAX]; /* of copies: changed pixels */
};

static inline const uint8_t *qrt_vnc_p_row(const struct qrt_vnc_surface *surface, uint32_t y)
{
	return (const uint8_t *)surface->pixels + surface->stride * (int64_t)y;
}

/* ---- move_tiles.c ---- */

/* Whether pixels of the new picture are what the vector leads to in the old one, which has them. */
bool qrt_vnc_p_is_moved(const struct qrt_vnc_p_pictures *pictures, const struct qrt_vnc_rectangle *to,
			const struct qrt_vnc_p_vector *by);
/* Marks the tiles that the hint touches. -EINVAL. */
int qrt_vnc_p_tiles_hint(struct qrt_vnc_move *move, const struct qrt_vnc_hint *hint);
/* Marks those of them that changed; the span that has all of those; returns how many. */
uint32_t qrt_vnc_p_tiles_change(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
				struct qrt_vnc_p_span *ret_span);
/* Marks those of the span that the vector makes right; returns how many of these changed. */
uint32_t qrt_vnc_p_tiles_match(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			       const struct qrt_vnc_p_span *span, const struct qrt_vnc_p_vector *by);
/* Pixels of a span, which is not empty, of a surface. */
struct qrt_vnc_rectangle qrt_vnc_p_span_pixels(const struct qrt_vnc_move *move,
					       const struct qrt_vnc_p_span *span);

/* ---- move_vote.c ---- */

/* Where tiles that changed may have come from: up to QRT_VNC_P_CANDIDATES, the best first; returns how many.
 */
uint32_t qrt_vnc_p_vote(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			const struct qrt_vnc_p_span *span, struct qrt_vnc_p_vector *ret_vectors);

/* ---- move_rectangle.c ---- */

/* Makes copies of what matched. */
void qrt_vnc_p_take_copies(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			   const struct qrt_vnc_p_span *span, const struct qrt_vnc_p_vector *by);

/* ---- move_order.c ---- */

/* Puts copies in an order in which none reads what another one wrote; those that have none are left out. */
void qrt_vnc_p_order(struct qrt_vnc_move *move);
/* As a client does it. */
void qrt_vnc_p_carry_out(const struct qrt_vnc_surface *picture, const struct qrt_vnc_copy *copy);

#endif
