/* SPDX-License-Identifier: MIT */
#include "vnc_help.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define IS_BIG       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define PATIENCE_MS  60000
#define GAP          3u /* pixels between rows */
#define TEXT_COLOURS 6u

const uint32_t encodings[5] = {QRT_VNC_ENCODING_RAW, QRT_VNC_ENCODING_HEXTILE, QRT_VNC_ENCODING_ZLIB,
			       QRT_VNC_ENCODING_TIGHT, QRT_VNC_ENCODING_ZRLE};

const struct qrt_vnc_pixel_format formats[10] = {
	{32, 24, IS_BIG, 1, 255, 255, 255, 16, 8, 0, {0}},
	{16, 16, IS_BIG, 1, 31, 63, 31, 11, 5, 0, {0}},
	{8, 8, 0, 1, 7, 7, 3, 0, 3, 6, {0}},
	{32, 24, !IS_BIG, 1, 255, 255, 255, 16, 8, 0, {0}},
	{32, 24, 0, 1, 255, 255, 255, 8, 16, 24, {0}},
	{32, 24, 1, 1, 255, 255, 255, 8, 16, 24, {0}},
	{16, 15, !IS_BIG, 1, 31, 31, 31, 10, 5, 0, {0}},
	{32, 30, 0, 1, 1023, 1023, 1023, 20, 10, 0, {0}},
	{32, 32, 1, 1, 2047, 2047, 1023, 21, 10, 0, {0}},
	{8, 6, 0, 1, 3, 3, 3, 4, 2, 0, {0}},
};

/* ---- chance ---- */

uint32_t random_next(struct random *random)
{
	random->state = random->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random->state >> 32);
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)((uint64_t)random_next(random) * limit >> 32);
}

/* ---- frames ---- */

void frame_init(struct frame *frame, uint32_t width, uint32_t height, int format, struct random *random)
{
	uint32_t bytes = formats[format].bits / 8u;
	size_t stride = (size_t)(width + GAP) * bytes;

	frame->format = formats[format];
	frame->memory = calloc(height, stride);
	frame->surface = (struct qrt_vnc_surface){.pixels = frame->memory,
						  .stride = (int64_t)stride,
						  .width = width,
						  .height = height,
						  .bits = formats[format].bits};
	if (random_below(random, 4) == 0) {
		frame->surface.pixels = frame->memory + stride * (height - 1);
		frame->surface.stride = -(int64_t)stride;
	}
}

void frame_finish(struct frame *frame)
{
	free(frame->memory);
}

static uint8_t *address(const struct frame *frame, uint32_t x, uint32_t y)
{
	return (uint8_t *)frame->surface.pixels + (int64_t)y * frame->surface.stride +
	       (size_t)x * (frame->surface.bits / 8);
}

uint32_t frame_get(const struct frame *frame, uint32_t x, uint32_t y)
{
	const uint8_t *at = address(frame, x, y);
	uint32_t pixel;
	uint16_t half;

	if (frame->surface.bits == 8)
		return *at;
	if (frame->surface.bits == 16) {
		memcpy(&half, at, 2);
		return half;
	}
	memcpy(&pixel, at, 4);
	return pixel;
}

static void set(struct frame *frame, uint32_t x, uint32_t y, uint32_t pixel)
{
	uint8_t *at = address(frame, x, y);
	uint16_t half = (uint16_t)pixel;

	if (frame->surface.bits == 8)
		*at = (uint8_t)pixel;
	else if (frame->surface.bits == 16)
		memcpy(at, &half, 2);
	else
		memcpy(at, &pixel, 4);
}

static uint32_t pixel_of(enum frame_kind kind, uint32_t x, uint32_t y, const uint32_t *colours,
			 struct random *random)
{
	switch (kind) {
	case FRAME_SOLID:
		return colours[0];
	case FRAME_TEXT: /* letters of two colours in places, of six in others */
		return random_below(random, 3) ? colours[0]
					       : colours[1 + random_below(random, 1 + x / 64 % 5)];
	case FRAME_WINDOWS:
		return colours[(x / 23 + y / 11) % TEXT_COLOURS];
	case FRAME_PHOTO:
		return (x * 3 + y) << 16 | (y * 2 + random_below(random, 4)) << 8 |
		       (x + random_below(random, 9));
	default:
		return random_next(random);
	}
}

void frame_draw(struct frame *frame, const struct qrt_vnc_rectangle *area, enum frame_kind kind,
		struct random *random)
{
	uint32_t x, y, i, colours[TEXT_COLOURS];
	uint32_t used = (uint32_t)frame->format.red_max << frame->format.red_shift |
			(uint32_t)frame->format.green_max << frame->format.green_shift |
			(uint32_t)frame->format.blue_max << frame->format.blue_shift;

	for (i = 0; i < TEXT_COLOURS; i++)
		colours[i] = random_next(random);
	for (y = area->y; y < (uint32_t)area->y + area->height; y++)
		for (x = area->x; x < (uint32_t)area->x + area->width; x++)
			set(frame, x, y,
			    (pixel_of(kind, x, y, colours, random) & used) | (random_next(random) & ~used));
}

static uint32_t scaled(uint32_t pixel, uint32_t from_shift, uint32_t from_max, uint32_t to_shift,
		       uint32_t to_max)
{
	double share = (double)(pixel >> from_shift & from_max) / from_max;

	return (uint32_t)(share * to_max + 0.5) << to_shift;
}

uint32_t frame_expected(const struct frame *frame, uint32_t x, uint32_t y,
			const struct qrt_vnc_pixel_format *to)
{
	const struct qrt_vnc_pixel_format *from = &frame->format;
	uint32_t pixel = frame_get(frame, x, y);

	return scaled(pixel, from->red_shift, from->red_max, to->red_shift, to->red_max) |
	       scaled(pixel, from->green_shift, from->green_max, to->green_shift, to->green_max) |
	       scaled(pixel, from->blue_shift, from->blue_max, to->blue_shift, to->blue_max);
}

size_t frame_count_wrong(const struct frame *frame, const struct qrt_vnc_rectangle *area,
			 const struct decoder *decoder)
{
	size_t wrong = 0;
	uint32_t x, y;

	for (y = area->y; y < (uint32_t)area->y + area->height; y++)
		for (x = area->x; x < (uint32_t)area->x + area->width; x++)
			wrong += decoder->pixels[(size_t)y * decoder->width + x] !=
				 frame_expected(frame, x, y, &decoder->format);
	return wrong;
}

/* ---- clients ---- */

void viewer_init(struct viewer *viewer, struct qrt_vnc_encoder *encoder, const struct frame *frame,
		 const struct qrt_vnc_client_config *config)
{
	struct qrt_vnc_client_config own = *config;

	own.size = sizeof(own);
	viewer->bytes = 0;
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_open(encoder, &own, &viewer->client, NULL), 0);
	decoder_init(&viewer->decoder, &own.format, frame->surface.width, frame->surface.height);
}

void viewer_finish(struct viewer *viewer)
{
	viewer->client = qrt_vnc_client_close(viewer->client);
	decoder_finish(&viewer->decoder);
}

static size_t copy_part(uint8_t *to, const struct iovec *segment, size_t most)
{
	size_t length = segment->iov_len < most ? segment->iov_len : most;

	memcpy(to, segment->iov_base, length);
	return length;
}

int viewer_take(struct viewer *viewer, size_t part)
{
	uint64_t total = qrt_vnc_client_get_backlog(viewer->client), at = 0;
	uint8_t *bytes = malloc(total + 1);
	const struct iovec *segments;
	size_t length;
	int is_good;

	while (qrt_vnc_client_get_segments(viewer->client, &segments) && at < total) {
		length = copy_part(bytes + at, segments, part);
		at += length;
		CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_consume(viewer->client, length), 0);
	}
	is_good = total && at == total && !qrt_vnc_client_get_backlog(viewer->client) &&
		  decoder_take(&viewer->decoder, bytes, total);
	viewer->bytes += total;
	free(bytes);
	return is_good;
}

/* ---- updates ---- */

struct qrt_vnc_encoder *open_encoder(uint32_t threads, uint32_t chunks)
{
	const struct qrt_vnc_encoder_config config = {
		.size = sizeof(config), .threads = threads, .chunks = chunks};
	struct qrt_vnc_encoder *encoder = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_encoder_open(&config, &encoder, NULL), 0);
	return encoder;
}

int wait_for(struct qrt_vnc_encoder *encoder)
{
	struct pollfd fd = {.fd = qrt_vnc_encoder_get_fd(encoder), .events = POLLIN};
	int rc;

	while ((rc = qrt_vnc_encoder_collect(encoder)) == -EAGAIN)
		if (poll(&fd, 1, PATIENCE_MS) != 1)
			return -ETIME;
	return rc;
}

int update(struct qrt_vnc_encoder *encoder, const struct frame *frame, const struct qrt_vnc_order *orders,
	   uint32_t count)
{
	const struct qrt_vnc_update posted = {.size = sizeof(posted),
					      .order_count = count,
					      .orders = orders,
					      .surface = frame->surface,
					      .format = frame->format};
	int rc = qrt_vnc_encoder_post(encoder, &posted);

	return rc < 0 ? rc : wait_for(encoder);
}
