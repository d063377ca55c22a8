/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_JPEG_P_H
#define QRT_VNC_JPEG_P_H

#include <stddef.h>
#include <stdint.h>

extern const int qrt_vnc_p_has_jpeg;

struct qrt_vnc_p_jpeg;

/* NULL: no memory, or this build has none. */
struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_open(void);
struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_close(struct qrt_vnc_p_jpeg *jpeg);
/* Three bytes a pixel, quality 1 to 100. How much came out; 0: not into that room, or not at all. */
size_t qrt_vnc_p_jpeg_make(struct qrt_vnc_p_jpeg *jpeg, const uint8_t *rgb, uint32_t width, uint32_t height,
			   uint32_t quality, uint8_t *out, size_t room);

#endif
