/* SPDX-License-Identifier: MIT */
/* What a tile consists of: one colour, two, some, many. */
#ifndef QRT_VNC_PALETTE_P_H
#define QRT_VNC_PALETTE_P_H

#include <stddef.h>
#include <stdint.h>

#define QRT_VNC_P_COLOURS 256u
#define QRT_VNC_P_SLOTS   1024u /* a power of two */

struct qrt_vnc_p_palette {
	uint32_t count;                      /* of colours; 0: more than were asked for */
	uint32_t runs, singles;              /* of equal pixels; those of them that are one pixel long */
	uint32_t colours[QRT_VNC_P_COLOURS]; /* in the order in which they come */
	uint32_t weights[QRT_VNC_P_COLOURS]; /* pixels of each */
	uint32_t used;                       /* slots */
	uint16_t places[QRT_VNC_P_COLOURS];  /* of the slots that are used */
	uint16_t slots[QRT_VNC_P_SLOTS];     /* 1 + a colour's index; 0: free */
};

/* A palette begins as zeroes. At most `max` colours, of `count` pixels, one at least; without the rest, if
 * there are more, but `runs` is always right. */
void qrt_vnc_p_palette_find(struct qrt_vnc_p_palette *palette, const uint32_t *pixels, size_t count,
			    uint32_t max);
/* Of a colour that is in it. */
uint32_t qrt_vnc_p_palette_index(const struct qrt_vnc_p_palette *palette, uint32_t colour);

#endif
