/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_PIXEL_FORMAT_P_H
#define QRT_VNC_PIXEL_FORMAT_P_H

#include <qrt/vnc_encoder.h>

#define QRT_VNC_P_HOST_IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* The same in one form, in which formats that mean the same have the same bytes. */
struct qrt_vnc_pixel_format qrt_vnc_p_pixel_format_of(const struct qrt_vnc_pixel_format *format);

#endif
