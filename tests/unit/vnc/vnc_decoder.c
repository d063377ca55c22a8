/* SPDX-License-Identifier: MIT */
#include "vnc_decoder.h"

#include <stdlib.h>
#include <string.h>

enum { ENCODING_COPY_RECT = 1, ENCODING_LAST_RECT = -224 };

/* ---- reading ---- */

const uint8_t *reader_bytes(struct reader *reader, size_t length)
{
	const uint8_t *bytes = reader->at;

	if (reader->is_bad || (size_t)(reader->end - reader->at) < length) {
		reader->is_bad = 1;
		return NULL;
	}
	reader->at += length;
	return bytes;
}

uint32_t reader_u8(struct reader *reader)
{
	const uint8_t *bytes = reader_bytes(reader, 1);

	return bytes ? bytes[0] : 0;
}

uint32_t reader_u16(struct reader *reader)
{
	uint32_t high = reader_u8(reader);

	return high << 8 | reader_u8(reader);
}

uint32_t reader_u32(struct reader *reader)
{
	uint32_t high = reader_u16(reader);

	return high << 16 | reader_u16(reader);
}

uint32_t decoder_pixel(const struct decoder *decoder, struct reader *reader)
{
	uint32_t i, pixel = 0, bytes = decoder->format.bits / 8;

	for (i = 0; i < bytes; i++) {
		uint32_t shift = decoder->format.big_endian ? 8 * (bytes - 1 - i) : 8 * i;

		pixel |= reader_u8(reader) << shift;
	}
	return pixel;
}

void decoder_set(struct decoder *decoder, const struct area *area, size_t index, uint32_t pixel)
{
	uint32_t x = area->x + (uint32_t)(index % area->width), y = area->y + (uint32_t)(index / area->width);

	decoder->pixels[(size_t)y * decoder->width + x] = pixel;
}

uint8_t *decoder_inflate(struct decoder *decoder, unsigned stream, const uint8_t *bytes, size_t length,
			 size_t room, struct reader *ret_plain)
{
	z_stream *z = &decoder->streams[stream];
	uint8_t *plain = malloc(room);
	int rc = Z_OK;

	if (!decoder->has_begun[stream])
		rc = inflateInit(z);
	decoder->has_begun[stream] = 1;
	z->next_in = (Bytef *)(uintptr_t)bytes;
	z->avail_in = (uInt)length;
	z->next_out = plain;
	z->avail_out = (uInt)room;
	if (rc == Z_OK)
		rc = inflate(z, Z_SYNC_FLUSH);
	if (rc != Z_OK || z->avail_in)
		decoder->reader.is_bad = 1;
	*ret_plain = (struct reader){plain, plain + (room - z->avail_out), decoder->reader.is_bad};
	return plain;
}

/* ---- encodings without tiles ---- */

static void take_pixels(struct decoder *decoder, const struct area *area, struct reader *reader)
{
	size_t i;

	for (i = 0; i < (size_t)area->width * area->height; i++)
		decoder_set(decoder, area, i, decoder_pixel(decoder, reader));
	if (reader->is_bad)
		decoder->reader.is_bad = 1;
}

static void take_zlib(struct decoder *decoder, const struct area *area)
{
	size_t length = reader_u32(&decoder->reader);
	const uint8_t *bytes = reader_bytes(&decoder->reader, length);
	size_t room = (size_t)area->width * area->height * (decoder->format.bits / 8);
	struct reader plain;
	uint8_t *memory;

	if (!bytes)
		return;
	memory = decoder_inflate(decoder, 1, bytes, length, room, &plain);
	take_pixels(decoder, area, &plain);
	free(memory);
}

static void take_copy(struct decoder *decoder, const struct area *area)
{
	uint32_t x = reader_u16(&decoder->reader), y = reader_u16(&decoder->reader);
	size_t i, count = (size_t)area->width * area->height;
	uint32_t *before;

	if (x + area->width > decoder->width || y + area->height > decoder->height) {
		decoder->reader.is_bad = 1;
		return;
	}
	before = malloc(count * sizeof(*before));
	for (i = 0; i < count; i++)
		before[i] = decoder->pixels[(y + i / area->width) * decoder->width + x + i % area->width];
	for (i = 0; i < count; i++)
		decoder_set(decoder, area, i, before[i]);
	free(before);
	decoder->copies++;
}

/* ---- messages ---- */

static void take_encoded(struct decoder *decoder, const struct area *area, int32_t encoding)
{
	switch (encoding) {
	case QRT_VNC_ENCODING_RAW:
		take_pixels(decoder, area, &decoder->reader);
		break;
	case ENCODING_COPY_RECT:
		take_copy(decoder, area);
		break;
	case QRT_VNC_ENCODING_HEXTILE:
		decoder_take_hextile(decoder, area);
		break;
	case QRT_VNC_ENCODING_ZLIB:
		take_zlib(decoder, area);
		break;
	case QRT_VNC_ENCODING_TIGHT:
		decoder_take_tight(decoder, area);
		break;
	case QRT_VNC_ENCODING_ZRLE:
		decoder_take_zrle(decoder, area);
		break;
	default:
		decoder->reader.is_bad = 1;
	}
}

/* 0: it was the last one. */
static int take_rectangle(struct decoder *decoder)
{
	struct area area;
	int32_t encoding;

	area.x = reader_u16(&decoder->reader);
	area.y = reader_u16(&decoder->reader);
	area.width = reader_u16(&decoder->reader);
	area.height = reader_u16(&decoder->reader);
	encoding = (int32_t)reader_u32(&decoder->reader);
	if (encoding == ENCODING_LAST_RECT) {
		decoder->has_last_rect = 1;
		return 0;
	}
	decoder->rectangles++;
	if (!area.width || !area.height || area.x + area.width > decoder->width ||
	    area.y + area.height > decoder->height)
		decoder->reader.is_bad = 1;
	else
		take_encoded(decoder, &area, encoding);
	return !decoder->reader.is_bad;
}

int decoder_take(struct decoder *decoder, const uint8_t *bytes, size_t length)
{
	uint32_t i, count;

	decoder->reader = (struct reader){bytes, bytes + length, 0};
	decoder->has_last_rect = 0;
	if (reader_u8(&decoder->reader) != 0)
		return 0;
	reader_u8(&decoder->reader);
	count = reader_u16(&decoder->reader);
	for (i = 0; i < count && take_rectangle(decoder); i++)
		;
	if (!decoder->has_last_rect && i < count)
		return 0;
	return !decoder->reader.is_bad && decoder->reader.at == decoder->reader.end;
}

void decoder_init(struct decoder *decoder, const struct qrt_vnc_pixel_format *format, uint32_t width,
		  uint32_t height)
{
	memset(decoder, 0, sizeof(*decoder));
	decoder->format = *format;
	decoder->width = width;
	decoder->height = height;
	decoder->pixels = calloc((size_t)width * height, sizeof(*decoder->pixels));
}

void decoder_finish(struct decoder *decoder)
{
	int i;

	for (i = 0; i < DECODER_STREAMS; i++)
		if (decoder->has_begun[i])
			inflateEnd(&decoder->streams[i]);
	free(decoder->pixels);
}
