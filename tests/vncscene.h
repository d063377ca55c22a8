/* SPDX-License-Identifier: MIT */
/* Two pictures, of which the second comes from the first as screens do: text that scrolls, windows that are
 * moved, noise. */
#ifndef QRT_TESTS_VNCSCENE_H
#define QRT_TESTS_VNCSCENE_H

#include <qrt/vnc.h>

struct vncscene {
	uint64_t random;
	uint32_t mask; /* of pixels that differ */
	uint64_t bytes;
	struct qrt_vnc_surface before, now;
	struct qrt_vnc_surface shadow; /* is like before, in all bits, when a scene was made */
};

/* Both empty; of rows that are further apart than they need, upside down where stride < 0. Exits where there
 * is no memory. */
void vncscene_open(struct vncscene *scene, uint32_t width, uint32_t height, uint32_t bits, int64_t stride);
void vncscene_close(struct vncscene *scene);

uint32_t vncscene_below(struct vncscene *scene, uint32_t limit);
uint32_t vncscene_get(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y);
void vncscene_set(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y, uint32_t value);

/* Lines of letters of 8x16, as many as fit. */
void vncscene_text(struct vncscene *scene, const struct qrt_vnc_surface *on,
		   const struct qrt_vnc_rectangle *where);
void vncscene_noise(struct vncscene *scene, const struct qrt_vnc_surface *on,
		    const struct qrt_vnc_rectangle *where);
/* What the old picture has at `from` is in the new one at the rectangle; both within the pictures. */
void vncscene_move(struct vncscene *scene, uint32_t from_x, uint32_t from_y,
		   const struct qrt_vnc_rectangle *to);
/* The new picture is the old one, and the shadow, too. */
void vncscene_settle(struct vncscene *scene);
/* Pixels of both that are not equal. */
uint64_t vncscene_compare(const struct vncscene *scene, const struct qrt_vnc_surface *one,
			  const struct qrt_vnc_surface *other);

#endif
