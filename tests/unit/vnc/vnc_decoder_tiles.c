/* SPDX-License-Identifier: MIT */
/* ZRLE, hextile and Tight of the test's client. */
#include <stdlib.h>

#include "vnc_decoder.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void each_tile(struct decoder *decoder, const struct area *area, uint32_t side,
		      void (*take)(struct decoder *decoder, const struct area *tile, void *data), void *data)
{
	uint32_t x, y;

	for (y = 0; y < area->height; y += side)
		for (x = 0; x < area->width; x += side) {
			const struct area tile = {area->x + x, area->y + y, least(side, area->width - x),
						  least(side, area->height - y)};

			take(decoder, &tile, data);
		}
}

/* ---- ZRLE: RFC 6143, 7.7.6 ---- */

static uint32_t cpixel(const struct decoder *decoder, struct reader *reader)
{
	const struct qrt_vnc_pixel_format *format = &decoder->format;
	uint64_t used = (uint64_t)format->red_max << format->red_shift |
			(uint64_t)format->green_max << format->green_shift |
			(uint64_t)format->blue_max << format->blue_shift;
	uint32_t a, b, c;

	/* As clients do it, whatever the depth is. */
	if (format->bits != 32 || (used >> 24 && used & 0xff))
		return decoder_pixel(decoder, reader);
	a = reader_u8(reader);
	b = reader_u8(reader);
	c = reader_u8(reader);
	if (format->big_endian)
		return (a << 16 | b << 8 | c) << (used & 0xff ? 0 : 8);
	return (c << 16 | b << 8 | a) << (used >> 24 ? 8 : 0);
}

static uint32_t run_length(struct reader *reader)
{
	uint32_t byte, length = 1;

	do {
		byte = reader_u8(reader);
		length += byte;
	} while (byte == 255 && !reader->is_bad);
	return length;
}

static void take_runs(struct decoder *decoder, const struct area *tile, struct reader *reader,
		      const uint32_t *palette)
{
	size_t at = 0, count = (size_t)tile->width * tile->height;
	uint32_t pixel, length, index;

	while (at < count && !reader->is_bad) {
		if (palette) {
			index = reader_u8(reader);
			pixel = palette[index & 127];
			length = index & 128 ? run_length(reader) : 1;
		} else {
			pixel = cpixel(decoder, reader);
			length = run_length(reader);
		}
		for (; length && at < count; length--)
			decoder_set(decoder, tile, at++, pixel);
		if (length)
			reader->is_bad = 1;
	}
}

static void take_packed(struct decoder *decoder, const struct area *tile, struct reader *reader,
			const uint32_t *palette, uint32_t colours)
{
	uint32_t x, y, bits = colours == 2 ? 1 : colours <= 4 ? 2 : 4, byte = 0;

	for (y = 0; y < tile->height; y++)
		for (x = 0; x < tile->width; x++) {
			if (x % (8 / bits) == 0)
				byte = reader_u8(reader);
			byte <<= bits;
			decoder_set(decoder, tile, (size_t)y * tile->width + x,
				    palette[byte >> 8 & ((1u << bits) - 1)]);
		}
}

static void take_zrle_tile(struct decoder *decoder, const struct area *tile, void *data)
{
	struct reader *reader = data;
	uint32_t i, kind = reader_u8(reader), palette[128] = {0};
	size_t at, count = (size_t)tile->width * tile->height;

	decoder->kinds[kind]++;
	for (i = 0; i < (kind & 127); i++)
		palette[i] = cpixel(decoder, reader);
	if (kind == 0)
		for (at = 0; at < count; at++)
			decoder_set(decoder, tile, at, cpixel(decoder, reader));
	else if (kind == 1)
		for (at = 0; at < count; at++)
			decoder_set(decoder, tile, at, palette[0]);
	else if (kind <= 16)
		take_packed(decoder, tile, reader, palette, kind);
	else if (kind < 128 || kind == 129)
		reader->is_bad = 1;
	else
		take_runs(decoder, tile, reader, kind == 128 ? NULL : palette);
}

void decoder_take_zrle(struct decoder *decoder, const struct area *area)
{
	size_t length = reader_u32(&decoder->reader);
	const uint8_t *bytes = reader_bytes(&decoder->reader, length);
	struct reader plain;
	uint8_t *memory;

	if (!bytes)
		return;
	memory = decoder_inflate(decoder, 0, bytes, length, (size_t)area->width * area->height * 5 + 16,
				 &plain);
	each_tile(decoder, area, 64, take_zrle_tile, &plain);
	if (plain.is_bad || plain.at != plain.end)
		decoder->reader.is_bad = 1;
	free(memory);
}

/* ---- hextile: RFC 6143, 7.7.4 ---- */

struct hextile {
	int has_background, has_foreground;
	uint32_t background, foreground;
};

static void take_part(struct decoder *decoder, const struct area *tile, uint32_t pixel)
{
	uint32_t place = reader_u8(&decoder->reader), size = reader_u8(&decoder->reader), i;
	const struct area part = {tile->x + (place >> 4), tile->y + (place & 15), (size >> 4) + 1,
				  (size & 15) + 1};

	if ((place >> 4) + part.width > tile->width || (place & 15) + part.height > tile->height) {
		decoder->reader.is_bad = 1;
		return;
	}
	for (i = 0; i < part.width * part.height; i++)
		decoder_set(decoder, &part, i, pixel);
}

static void take_hextile_tile(struct decoder *decoder, const struct area *tile, void *data)
{
	struct reader *reader = &decoder->reader;
	struct hextile *state = data;
	uint32_t i, kind = reader_u8(reader), parts;

	decoder->kinds[kind]++;
	if (kind & 1)
		*state = (struct hextile){0}; /* nothing is said of what is after a raw one */
	if (kind & 2)
		state->background = decoder_pixel(decoder, reader);
	if (kind & 4)
		state->foreground = decoder_pixel(decoder, reader);
	state->has_background |= !!(kind & 2);
	state->has_foreground |= !!(kind & 4);
	if (!(kind & 1) && (!state->has_background || ((kind & 24) == 8 && !state->has_foreground)))
		reader->is_bad = 1;
	for (i = 0; i < tile->width * tile->height; i++)
		decoder_set(decoder, tile, i, kind & 1 ? decoder_pixel(decoder, reader) : state->background);
	parts = kind & 8 ? reader_u8(reader) : 0;
	for (i = 0; i < parts && !reader->is_bad; i++)
		take_part(decoder, tile, kind & 16 ? decoder_pixel(decoder, reader) : state->foreground);
	if (kind & 16)
		state->has_foreground = 0;
}

void decoder_take_hextile(struct decoder *decoder, const struct area *area)
{
	struct hextile state = {0};

	each_tile(decoder, area, 16, take_hextile_tile, &state);
}

/* ---- Tight: rfbproto ---- */

static int is_rgb(const struct qrt_vnc_pixel_format *format)
{
	return format->bits == 32 && format->depth == 24 && format->red_max == 255 &&
	       format->green_max == 255 && format->blue_max == 255;
}

static uint32_t tpixel(const struct decoder *decoder, struct reader *reader)
{
	const struct qrt_vnc_pixel_format *format = &decoder->format;
	uint32_t pixel;

	if (!is_rgb(format))
		return decoder_pixel(decoder, reader);
	pixel = reader_u8(reader) << format->red_shift;
	pixel |= reader_u8(reader) << format->green_shift;
	return pixel | reader_u8(reader) << format->blue_shift;
}

static size_t compact_length(struct reader *reader)
{
	uint32_t byte = reader_u8(reader), length = byte & 127;

	if (byte & 128) {
		byte = reader_u8(reader);
		length |= (byte & 127) << 7;
		if (byte & 128)
			length |= reader_u8(reader) << 14;
	}
	return length;
}

static void take_indices(struct decoder *decoder, const struct area *area, struct reader *plain,
			 const uint32_t *palette, uint32_t colours)
{
	uint32_t x, y, byte = 0;

	for (y = 0; y < area->height; y++)
		for (x = 0; x < area->width; x++) {
			if (colours > 2 || x % 8 == 0)
				byte = reader_u8(plain);
			decoder_set(decoder, area, (size_t)y * area->width + x,
				    palette[colours > 2 ? byte : byte >> (7 - x % 8) & 1]);
		}
}

static void take_basic(struct decoder *decoder, const struct area *area, uint32_t control)
{
	struct reader *reader = &decoder->reader, plain;
	uint32_t i, colours = 0, palette[256] = {0};
	size_t length, at, row, count = (size_t)area->width * area->height;
	uint8_t *memory = NULL;

	if (control & 0x40 && reader_u8(reader) == 1) {
		colours = reader_u8(reader) + 1;
		for (i = 0; i < colours; i++)
			palette[i] = tpixel(decoder, reader);
	}
	row = colours == 2 ? (area->width + 7) / 8
	      : colours    ? area->width
			   : (size_t)area->width * (is_rgb(&decoder->format) ? 3 : decoder->format.bits / 8);
	plain = *reader;
	if (row * area->height >= 12) {
		length = compact_length(reader);
		if (!reader_bytes(reader, length))
			return;
		memory = decoder_inflate(decoder, 2 + (control >> 4 & 3), reader->at - length, length,
					 row * area->height, &plain);
	}
	if (colours)
		take_indices(decoder, area, &plain, palette, colours);
	else
		for (at = 0; at < count; at++)
			decoder_set(decoder, area, at, tpixel(decoder, &plain));
	if (plain.is_bad || (memory && plain.at != plain.end) || colours == 1)
		reader->is_bad = 1;
	if (!memory)
		*reader = plain;
	free(memory);
}

void decoder_take_tight(struct decoder *decoder, const struct area *area)
{
	uint32_t control = reader_u8(&decoder->reader), pixel;
	size_t i;

	decoder->kinds[control]++;
	if (control >> 4 == 8) {
		pixel = tpixel(decoder, &decoder->reader);
		for (i = 0; i < (size_t)area->width * area->height; i++)
			decoder_set(decoder, area, i, pixel);
	} else if (control < 0x80 && area->width <= 2048 && !(control & 15)) {
		take_basic(decoder, area, control);
	} else {
		decoder->reader.is_bad = 1;
	}
}
