/* SPDX-License-Identifier: MIT */
/* Without TurboJPEG all is lossless. */
#include "jpeg_p.h"

const int qrt_vnc_p_has_jpeg = 0;

struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_open(void)
{
	return NULL;
}

struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_close(struct qrt_vnc_p_jpeg *jpeg)
{
	return jpeg;
}

size_t qrt_vnc_p_jpeg_make(struct qrt_vnc_p_jpeg *jpeg, const uint8_t *rgb, uint32_t width, uint32_t height,
			   uint32_t quality, uint8_t *out, size_t room)
{
	(void)jpeg;
	(void)rgb;
	(void)width;
	(void)height;
	(void)quality;
	(void)out;
	(void)room;
	return 0;
}
