/* SPDX-License-Identifier: MIT */
#include "pixel_format_p.h"

#include <errno.h>
#include <string.h>

#include "error_p.h"

static uint32_t bits_of(uint32_t max)
{
	return (uint32_t)__builtin_popcount(max);
}

/* The bits of one colour within a pixel; 0: it is not 2^n - 1, or lies outside. */
static uint64_t mask_of(uint32_t max, uint32_t shift, uint32_t bits)
{
	if (!max || max & (max + 1) || shift + bits_of(max) > bits)
		return 0;
	return (uint64_t)max << shift;
}

static int check_colours(const struct qrt_vnc_pixel_format *format, struct qrt_vnc_error *reterr)
{
	uint64_t red = mask_of(format->red_max, format->red_shift, format->bits);
	uint64_t green = mask_of(format->green_max, format->green_shift, format->bits);
	uint64_t blue = mask_of(format->blue_max, format->blue_shift, format->bits);

	if (!red || !green || !blue)
		return qrt_vnc_p_error(
			reterr, -EINVAL,
			"maxima %u, %u, %u shifted by %u, %u, %u: each must be 2^n - 1 within %u bits",
			format->red_max, format->green_max, format->blue_max, format->red_shift,
			format->green_shift, format->blue_shift, format->bits);
	if (red & green || red & blue || green & blue)
		return qrt_vnc_p_error(reterr, -EINVAL, "colours that overlap within a pixel");
	if (bits_of(format->red_max) + bits_of(format->green_max) + bits_of(format->blue_max) > format->depth)
		return qrt_vnc_p_error(reterr, -EINVAL, "colours of more bits than the depth, which is %u",
				       format->depth);
	return 0;
}

int qrt_vnc_pixel_format_check(const struct qrt_vnc_pixel_format *format, struct qrt_vnc_error *reterr)
{
	if (format->bits != 8 && format->bits != 16 && format->bits != 32)
		return qrt_vnc_p_error(reterr, -EINVAL, "pixels of %u bits: there are 8, 16 and 32",
				       format->bits);
	if (!format->true_colour)
		return qrt_vnc_p_error(reterr, -EINVAL, "a colour map: only true colour is sent");
	if (!format->depth || format->depth > format->bits)
		return qrt_vnc_p_error(reterr, -EINVAL, "a depth of %u in pixels of %u bits", format->depth,
				       format->bits);
	return check_colours(format, reterr);
}

static uint16_t read_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

int qrt_vnc_pixel_format_read(const uint8_t bytes[QRT_VNC_PIXEL_FORMAT_BYTES],
			      struct qrt_vnc_pixel_format *ret_format, struct qrt_vnc_error *reterr)
{
	const struct qrt_vnc_pixel_format format = {.bits = bytes[0],
						    .depth = bytes[1],
						    .big_endian = bytes[2] != 0,
						    .true_colour = bytes[3] != 0,
						    .red_max = read_u16(bytes + 4),
						    .green_max = read_u16(bytes + 6),
						    .blue_max = read_u16(bytes + 8),
						    .red_shift = bytes[10],
						    .green_shift = bytes[11],
						    .blue_shift = bytes[12]};
	int rc = qrt_vnc_pixel_format_check(&format, reterr);

	if (rc >= 0)
		*ret_format = format;
	return rc;
}

static void write_u16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

void qrt_vnc_pixel_format_write(const struct qrt_vnc_pixel_format *format,
				uint8_t ret_bytes[QRT_VNC_PIXEL_FORMAT_BYTES])
{
	memset(ret_bytes, 0, QRT_VNC_PIXEL_FORMAT_BYTES);
	ret_bytes[0] = format->bits;
	ret_bytes[1] = format->depth;
	ret_bytes[2] = format->big_endian != 0;
	ret_bytes[3] = format->true_colour != 0;
	write_u16(ret_bytes + 4, format->red_max);
	write_u16(ret_bytes + 6, format->green_max);
	write_u16(ret_bytes + 8, format->blue_max);
	ret_bytes[10] = format->red_shift;
	ret_bytes[11] = format->green_shift;
	ret_bytes[12] = format->blue_shift;
}

struct qrt_vnc_pixel_format qrt_vnc_p_pixel_format_of(const struct qrt_vnc_pixel_format *format)
{
	struct qrt_vnc_pixel_format own = *format;

	own.big_endian = format->bits > 8 && format->big_endian;
	own.true_colour = 1;
	memset(own.reserved, 0, sizeof(own.reserved));
	return own;
}
