/* SPDX-License-Identifier: MIT */
/* Pixels of a surface as a client wants them: 32 bits each here, of which as many count as its pixels have,
 * in the order in which they go over the wire once they are stored. */
#ifndef QRT_VNC_CONVERT_P_H
#define QRT_VNC_CONVERT_P_H

#include <qrt/vnc_encoder.h>

#define QRT_VNC_P_SHADES 1024u /* of a colour of a surface, at most */

struct qrt_vnc_p_convert {
	struct qrt_vnc_pixel_format from, to;
	uint32_t is_same; /* but for bits that mean nothing */
	uint32_t mask;    /* those that do */
	uint32_t red[QRT_VNC_P_SHADES], green[QRT_VNC_P_SHADES], blue[QRT_VNC_P_SHADES];
};

/* Both are in the form of qrt_vnc_p_pixel_format_of(). Costs nothing when they are those of the last time. */
void qrt_vnc_p_convert_set(struct qrt_vnc_p_convert *convert, const struct qrt_vnc_pixel_format *from,
			   const struct qrt_vnc_pixel_format *to);
/* `from` is a row of the surface, from its first pixel on that counts. */
void qrt_vnc_p_convert_row(const struct qrt_vnc_p_convert *convert, const void *from, uint32_t width,
			   uint32_t *to);
/* 255 is the most of each colour. `rgb` has three bytes a pixel. */
void qrt_vnc_p_convert_to_rgb(const struct qrt_vnc_pixel_format *format, const uint32_t *pixels, size_t count,
			      uint8_t *rgb);

#endif
