/* SPDX-License-Identifier: MIT */
/* Bytes compressed by themselves: raw deflate blocks that refer to nothing before them, and end with a sync
 * flush, so that they go into any stream, after anything. */
#ifndef QRT_VNC_DEFLATE_P_H
#define QRT_VNC_DEFLATE_P_H

#include <stddef.h>
#include <stdint.h>

extern const char qrt_vnc_p_deflate_name[];

struct qrt_vnc_p_deflater;

/* NULL: no memory. */
struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_open(void);
struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_close(struct qrt_vnc_p_deflater *deflater);
/* How much came out; 0: it does not go into `room`. */
size_t qrt_vnc_p_deflate(struct qrt_vnc_p_deflater *deflater, const uint8_t *in, size_t length, uint8_t *out,
			 size_t room);

#endif
