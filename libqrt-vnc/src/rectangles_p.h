/* SPDX-License-Identifier: MIT */
/* From tiles to rectangles, and no more of them than are wanted. */
#ifndef QRT_VNC_RECTANGLES_P_H
#define QRT_VNC_RECTANGLES_P_H

#include <qrt/vnc.h>

/* A stretch of tiles in a row, and the rectangle that it belongs to. */
struct qrt_vnc_p_stretch {
	uint32_t first, past, rectangle;
};

/* Tiles: `rows` rows of `words` words of 64 bits, which are 0 behind the surface's width. */
struct qrt_vnc_p_tiles {
	uint32_t rows, words;
	uint32_t tile_width, tile_height;
	uint32_t width, height; /* of the surface, in pixels */
};

/* Memory to work in. */
struct qrt_vnc_p_workbench {
	struct qrt_vnc_p_stretch *stretches[2]; /* words * 32 each: of one row there are no more */
	uint64_t *bits[2];                      /* rows * words each */
};

struct qrt_vnc_p_list {
	struct qrt_vnc_rectangle *rectangles;
	uint32_t max, count;
};

/* Fills the list with rectangles that cover all tiles that are set, and, where these would be too many (1 is
 * returned), others between them. Time is bounded by the number of tiles. */
int qrt_vnc_p_rectangles_make(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits,
			      const struct qrt_vnc_p_workbench *bench, struct qrt_vnc_p_list *list);

/* ---- steps of it, for tests ---- */

/* How many they are; those that have room are in the list, which may have none. */
uint32_t qrt_vnc_p_rectangles_list(const struct qrt_vnc_p_tiles *tiles, const uint64_t *bits,
				   struct qrt_vnc_p_stretch *const stretches[2], struct qrt_vnc_p_list *list);
/* Sets what is between two that are set in a row, where that is `gap` tiles at most. */
void qrt_vnc_p_rectangles_close_gaps(const struct qrt_vnc_p_tiles *tiles, uint64_t *bits, uint32_t gap);
/* Makes those of each group of rows alike, from the first to the last one that has some. */
void qrt_vnc_p_rectangles_join_rows(const struct qrt_vnc_p_tiles *tiles, uint64_t *bits, uint32_t group);

#endif
