/* SPDX-License-Identifier: MIT */
#include <turbojpeg.h>

#include "jpeg_p.h"

#define QUALITY_OF_FULL_COLOUR 80 /* from here on colours are as fine as brightness */

const int qrt_vnc_p_has_jpeg = 1;

struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_open(void)
{
	return tjInitCompress();
}

struct qrt_vnc_p_jpeg *qrt_vnc_p_jpeg_close(struct qrt_vnc_p_jpeg *jpeg)
{
	if (jpeg)
		tjDestroy(jpeg);
	return NULL;
}

size_t qrt_vnc_p_jpeg_make(struct qrt_vnc_p_jpeg *jpeg, const uint8_t *rgb, uint32_t width, uint32_t height,
			   uint32_t quality, uint8_t *out, size_t room)
{
	int sampling = quality >= QUALITY_OF_FULL_COLOUR ? TJSAMP_444 : TJSAMP_420;
	unsigned long need = tjBufSize((int)width, (int)height, sampling), size = room;

	if (!jpeg || need > room ||
	    tjCompress2(jpeg, rgb, (int)width, 0, (int)height, TJPF_RGB, &out, &size, sampling, (int)quality,
			TJFLAG_NOREALLOC) < 0)
		return 0;
	return size;
}
