/* SPDX-License-Identifier: MIT */
#include "put_p.h"

uint8_t *qrt_vnc_p_put_pixels(uint8_t *at, const uint32_t *pixels, size_t count, uint32_t bytes)
{
	size_t i;

	if (bytes == 4)
		memcpy(at, pixels, count * 4);
	else
		for (i = 0; i < count; i++)
			qrt_vnc_p_put_pixel(at + i * bytes, pixels[i], bytes);
	return at + count * bytes;
}
