/* SPDX-License-Identifier: MIT */
#include "convert_p.h"

#include <string.h>

#include "pixel_format_p.h"

/* ---- tables ---- */

/* The value as it lies in memory in the format's order of bytes. */
static uint32_t in_order(const struct qrt_vnc_pixel_format *format, uint32_t value)
{
	if (format->big_endian == QRT_VNC_P_HOST_IS_BIG)
		return value;
	return format->bits == 16   ? __builtin_bswap16((uint16_t)value)
	       : format->bits == 32 ? __builtin_bswap32(value)
				    : value;
}

/* Rounded to the nearest. */
static void fill(uint32_t *table, uint32_t from_max, uint32_t to_max, uint32_t shift,
		 const struct qrt_vnc_pixel_format *to)
{
	uint32_t i;

	for (i = 0; i <= from_max; i++)
		table[i] = in_order(to, (i * to_max + from_max / 2) / from_max << shift);
}

static int are_same(const struct qrt_vnc_pixel_format *from, const struct qrt_vnc_pixel_format *to)
{
	return from->bits == to->bits && from->red_max == to->red_max && from->green_max == to->green_max &&
	       from->blue_max == to->blue_max && from->red_shift == to->red_shift &&
	       from->green_shift == to->green_shift && from->blue_shift == to->blue_shift &&
	       (to->bits == 8 || to->big_endian == QRT_VNC_P_HOST_IS_BIG);
}

void qrt_vnc_p_convert_set(struct qrt_vnc_p_convert *convert, const struct qrt_vnc_pixel_format *from,
			   const struct qrt_vnc_pixel_format *to)
{
	if (!memcmp(&convert->from, from, sizeof(*from)) && !memcmp(&convert->to, to, sizeof(*to)))
		return;
	convert->from = *from;
	convert->to = *to;
	convert->is_same = (uint32_t)are_same(from, to);
	convert->mask = (uint32_t)from->red_max << from->red_shift |
			(uint32_t)from->green_max << from->green_shift |
			(uint32_t)from->blue_max << from->blue_shift;
	fill(convert->red, from->red_max, to->red_max, to->red_shift, to);
	fill(convert->green, from->green_max, to->green_max, to->green_shift, to);
	fill(convert->blue, from->blue_max, to->blue_max, to->blue_shift, to);
}

/* ---- rows ---- */

static uint32_t look_up(const struct qrt_vnc_p_convert *convert, uint32_t pixel)
{
	const struct qrt_vnc_pixel_format *from = &convert->from;

	return convert->red[pixel >> from->red_shift & from->red_max] |
	       convert->green[pixel >> from->green_shift & from->green_max] |
	       convert->blue[pixel >> from->blue_shift & from->blue_max];
}

#define DEFINE_ROW(name, type)                                                                               \
	static void name(const struct qrt_vnc_p_convert *convert, const type *from, uint32_t width,          \
			 uint32_t *to)                                                                       \
	{                                                                                                    \
		uint32_t i, mask = convert->mask;                                                            \
                                                                                                             \
		if (convert->is_same)                                                                        \
			for (i = 0; i < width; i++)                                                          \
				to[i] = from[i] & mask;                                                      \
		else                                                                                         \
			for (i = 0; i < width; i++)                                                          \
				to[i] = look_up(convert, from[i]);                                           \
	}

DEFINE_ROW(row_8, uint8_t)
DEFINE_ROW(row_16, uint16_t)
DEFINE_ROW(row_32, uint32_t)

void qrt_vnc_p_convert_row(const struct qrt_vnc_p_convert *convert, const void *from, uint32_t width,
			   uint32_t *to)
{
	if (convert->from.bits == 32)
		row_32(convert, from, width, to);
	else if (convert->from.bits == 16)
		row_16(convert, from, width, to);
	else
		row_8(convert, from, width, to);
}

/* ---- back ---- */

static uint8_t shade_of(uint32_t value, uint32_t shift, uint32_t max)
{
	return (uint8_t)(((value >> shift & max) * 255 + max / 2) / max);
}

static int has_bytes(const struct qrt_vnc_pixel_format *format)
{
	return format->red_max == 255 && format->green_max == 255 && format->blue_max == 255;
}

/* By shifts alone. */
static void bytes_to_rgb(const struct qrt_vnc_pixel_format *format, const uint32_t *pixels, size_t count,
			 uint8_t *rgb)
{
	uint32_t red = format->red_shift, green = format->green_shift, blue = format->blue_shift, value;
	int is_swapped = format->big_endian != QRT_VNC_P_HOST_IS_BIG;
	size_t i;

	for (i = 0; i < count; i++) {
		value = is_swapped ? __builtin_bswap32(pixels[i]) : pixels[i];
		rgb[3 * i] = (uint8_t)(value >> red);
		rgb[3 * i + 1] = (uint8_t)(value >> green);
		rgb[3 * i + 2] = (uint8_t)(value >> blue);
	}
}

void qrt_vnc_p_convert_to_rgb(const struct qrt_vnc_pixel_format *format, const uint32_t *pixels, size_t count,
			      uint8_t *rgb)
{
	size_t i;

	if (has_bytes(format)) {
		bytes_to_rgb(format, pixels, count, rgb);
		return;
	}
	for (i = 0; i < count; i++) {
		uint32_t value = in_order(format, pixels[i]);

		rgb[3 * i] = shade_of(value, format->red_shift, format->red_max);
		rgb[3 * i + 1] = shade_of(value, format->green_shift, format->green_max);
		rgb[3 * i + 2] = shade_of(value, format->blue_shift, format->blue_max);
	}
}
