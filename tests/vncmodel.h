/* SPDX-License-Identifier: MIT */
/* What a differ has to find, by a byte at a time: a model of its shadow, and what its results are held
 * against. */
#ifndef QRT_TESTS_VNCMODEL_H
#define QRT_TESTS_VNCMODEL_H

#include <qrt/vnc_differ.h>

struct vncmodel {
	struct qrt_vnc_differ_info info;
	uint32_t row_bytes;
	uint8_t *shadow; /* rows of that many bytes */
	uint8_t *forced; /* of each tile: counts as changed */
	uint8_t *tiles;  /* of each tile: changed */
	uint32_t changed;
};

/* As a new differ that says this of itself; 0 or a negative errno. */
int vncmodel_init(struct vncmodel *model, const struct qrt_vnc_differ_info *info);
void vncmodel_finish(struct vncmodel *model);
/* The first result tells all tiles: of a shadow of the differ's own. */
void vncmodel_force(struct vncmodel *model);

/* Looks at the surface; hint NULL: at all. */
void vncmodel_look(struct vncmodel *model, const struct qrt_vnc_surface *surface,
		   const struct qrt_vnc_hint *hint);
/* Whether a differ came to the same: NULL, or what is wrong. */
const char *vncmodel_check(const struct vncmodel *model, const struct qrt_vnc_differ *differ, int code,
			   const struct qrt_vnc_difference *found);

/* 0 ... below - 1 */
uint64_t vncmodel_random(uint64_t *seed, uint64_t below);
/* Memory between pages that nobody may touch: it ends where the one behind it begins, or, with at_front,
 * begins where the one before it ends. NULL: none. */
uint8_t *vncmodel_guarded(uint64_t bytes, int at_front);
void vncmodel_let_go(uint8_t *guarded, uint64_t bytes, int at_front);

#endif
