/* SPDX-License-Identifier: MIT */
/* Tight, as the community's rfbproto has it. */
#include "convert_p.h"
#include "encode_p.h"
#include "put_p.h"

#define FILL             0x80u
#define JPEG             0x90u
#define WITH_FILTER      0x40u
#define FILTER_PALETTE   1u
#define STREAM_FULL      0u
#define STREAM_MONO      1u
#define STREAM_INDEXED   2u
#define LEAST_TO_DEFLATE 12u /* bytes: fewer go as they are, without a length */
#define LEAST_FOR_JPEG   16u /* pixels, either side */
#define LENGTH_MOST      3u  /* bytes of a compact length */

static int is_packed(const struct qrt_vnc_pixel_format *format)
{
	return format->bits == 32 && format->depth == 24 && format->red_max == 255 &&
	       format->green_max == 255 && format->blue_max == 255;
}

/* Red, green, blue where that is all of a pixel, else the pixel. */
static uint8_t *put(uint8_t *at, const uint32_t *pixels, size_t count,
		    const struct qrt_vnc_pixel_format *format)
{
	if (!is_packed(format))
		return qrt_vnc_p_put_pixels(at, pixels, count, format->bits / 8);
	qrt_vnc_p_convert_to_rgb(format, pixels, count, at);
	return at + 3 * count;
}

static struct qrt_vnc_p_made made_of(const struct qrt_vnc_p_scratch *scratch, const uint8_t *end)
{
	return (struct qrt_vnc_p_made){.size = (uint32_t)(end - scratch->out),
				       .stream = QRT_VNC_P_STREAM_NONE};
}

/* What is behind the place of the longest length moves to the end of the one that it has. */
static struct qrt_vnc_p_made close_gap(struct qrt_vnc_p_scratch *scratch, uint8_t *at, size_t size)
{
	struct qrt_vnc_p_made made = {.stream = QRT_VNC_P_STREAM_NONE,
				      .length_at = (uint32_t)(at - scratch->out)};
	uint8_t *data = qrt_vnc_p_put_compact(at, (uint32_t)size);

	if (!size)
		return made;
	memmove(data, at + LENGTH_MOST, size);
	made.data_at = (uint32_t)(data - scratch->out);
	made.size = made.data_at + (uint32_t)size;
	return made;
}

static size_t room_behind(const struct qrt_vnc_p_scratch *scratch, const uint8_t *at)
{
	return QRT_VNC_P_OUT_BYTES - (size_t)(at - scratch->out);
}

/* scratch->plain behind `at`. */
static struct qrt_vnc_p_made put_plain(struct qrt_vnc_p_scratch *scratch, uint8_t *at, size_t length,
				       uint32_t stream)
{
	struct qrt_vnc_p_made made;
	uint8_t *data = at + LENGTH_MOST;

	if (length < LEAST_TO_DEFLATE) {
		memcpy(at, scratch->plain, length);
		return made_of(scratch, at + length);
	}
	made = close_gap(scratch, at,
			 qrt_vnc_p_deflate(scratch->deflater, scratch->plain, length, data,
					   room_behind(scratch, data)));
	made.stream = QRT_VNC_P_STREAM_TIGHT + stream;
	return made;
}

/* ---- kinds ---- */

static struct qrt_vnc_p_made put_fill(struct qrt_vnc_p_scratch *scratch,
				      const struct qrt_vnc_pixel_format *format)
{
	uint8_t *at = qrt_vnc_p_put_u8(scratch->out + QRT_VNC_P_HEADER_BYTES, FILL);

	return made_of(scratch, put(at, scratch->pixels, 1, format));
}

static uint8_t *put_bits(uint8_t *at, const uint32_t *pixels, uint32_t width, uint32_t zero)
{
	uint32_t x, byte = 0;

	for (x = 0; x < width; x++) {
		byte = byte << 1 | (pixels[x] != zero);
		if (x % 8 == 7)
			*at++ = (uint8_t)byte;
	}
	if (width % 8)
		*at++ = (uint8_t)(byte << (8 - width % 8));
	return at;
}

static size_t make_mono(struct qrt_vnc_p_scratch *scratch, uint32_t width, uint32_t height)
{
	uint8_t *at = scratch->plain;
	uint32_t y;

	for (y = 0; y < height; y++)
		at = put_bits(at, scratch->pixels + (size_t)y * width, width, scratch->palette.colours[0]);
	return (size_t)(at - scratch->plain);
}

static size_t make_indexed(struct qrt_vnc_p_scratch *scratch, size_t count)
{
	uint32_t last = scratch->palette.colours[0], index = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (scratch->pixels[i] != last) {
			last = scratch->pixels[i];
			index = qrt_vnc_p_palette_index(&scratch->palette, last);
		}
		scratch->plain[i] = (uint8_t)index;
	}
	return count;
}

static struct qrt_vnc_p_made put_palette(struct qrt_vnc_p_scratch *scratch,
					 const struct qrt_vnc_pixel_format *format, uint32_t width,
					 uint32_t height)
{
	uint32_t colours = scratch->palette.count, stream = colours == 2 ? STREAM_MONO : STREAM_INDEXED;
	uint8_t *at = scratch->out + QRT_VNC_P_HEADER_BYTES;
	size_t length;

	at = qrt_vnc_p_put_u8(at, stream << 4 | WITH_FILTER);
	at = qrt_vnc_p_put_u8(at, FILTER_PALETTE);
	at = qrt_vnc_p_put_u8(at, colours - 1);
	at = put(at, scratch->palette.colours, colours, format);
	length = colours == 2 ? make_mono(scratch, width, height)
			      : make_indexed(scratch, (size_t)width * height);
	return put_plain(scratch, at, length, stream);
}

static struct qrt_vnc_p_made put_full(struct qrt_vnc_p_scratch *scratch,
				      const struct qrt_vnc_pixel_format *format, size_t count)
{
	uint8_t *at = qrt_vnc_p_put_u8(scratch->out + QRT_VNC_P_HEADER_BYTES, STREAM_FULL << 4);
	uint8_t *end = put(scratch->plain, scratch->pixels, count, format);

	return put_plain(scratch, at, (size_t)(end - scratch->plain), STREAM_FULL);
}

/* Of size 0: it is not to be had. */
static struct qrt_vnc_p_made put_jpeg(struct qrt_vnc_p_scratch *scratch,
				      const struct qrt_vnc_p_wanted *wanted, uint32_t width, uint32_t height)
{
	uint8_t *at = qrt_vnc_p_put_u8(scratch->out + QRT_VNC_P_HEADER_BYTES, JPEG);
	uint8_t *data = at + LENGTH_MOST;

	if (!wanted->quality || wanted->format.bits == 8 || width < LEAST_FOR_JPEG || height < LEAST_FOR_JPEG)
		return (struct qrt_vnc_p_made){0};
	qrt_vnc_p_convert_to_rgb(&wanted->format, scratch->pixels, (size_t)width * height, scratch->plain);
	return close_gap(scratch, at,
			 qrt_vnc_p_jpeg_make(scratch->jpeg, scratch->plain, width, height, wanted->quality,
					     data, room_behind(scratch, data)));
}

/* ---- which ---- */

/* Pixels of one byte gain nothing by an index of one byte, and few pixels nothing by a large palette. */
static int is_palette_worth_it(const struct qrt_vnc_p_palette *palette, uint32_t bytes, size_t count)
{
	if (palette->count == 2)
		return 1;
	return palette->count && bytes > 1 && (palette->count + 1) * (size_t)bytes + count < count * bytes;
}

struct qrt_vnc_p_made qrt_vnc_p_encode_tight(struct qrt_vnc_p_scratch *scratch,
					     const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					     uint32_t height)
{
	const struct qrt_vnc_pixel_format *format = &wanted->format;
	size_t count = (size_t)width * height;
	struct qrt_vnc_p_made made;

	qrt_vnc_p_palette_find(&scratch->palette, scratch->pixels, count, QRT_VNC_P_COLOURS);
	if (scratch->palette.count == 1)
		return put_fill(scratch, format);
	if (is_palette_worth_it(&scratch->palette, is_packed(format) ? 3 : format->bits / 8, count))
		return put_palette(scratch, format, width, height);
	made = put_jpeg(scratch, wanted, width, height);
	return made.size ? made : put_full(scratch, format, count);
}
