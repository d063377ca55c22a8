/* SPDX-License-Identifier: MIT */
#include "encode_p.h"

#include <errno.h>
#include <stdlib.h>

#include "put_p.h"

/* ---- scratch ---- */

int qrt_vnc_p_scratch_init(struct qrt_vnc_p_scratch *scratch)
{
	memset(scratch, 0, sizeof(*scratch));
	scratch->pixels = malloc(QRT_VNC_P_PIXELS_MAX * sizeof(*scratch->pixels));
	scratch->plain = malloc(QRT_VNC_P_PLAIN_BYTES);
	scratch->out = malloc(QRT_VNC_P_OUT_BYTES);
	scratch->deflater = qrt_vnc_p_deflater_open();
	scratch->jpeg = qrt_vnc_p_jpeg_open();
	if (scratch->pixels && scratch->plain && scratch->out && scratch->deflater &&
	    (scratch->jpeg || !qrt_vnc_p_has_jpeg))
		return 0;
	qrt_vnc_p_scratch_finish(scratch);
	return -ENOMEM;
}

void qrt_vnc_p_scratch_finish(struct qrt_vnc_p_scratch *scratch)
{
	scratch->jpeg = qrt_vnc_p_jpeg_close(scratch->jpeg);
	scratch->deflater = qrt_vnc_p_deflater_close(scratch->deflater);
	free(scratch->out);
	free(scratch->plain);
	free(scratch->pixels);
	scratch->out = scratch->plain = NULL;
	scratch->pixels = NULL;
}

void qrt_vnc_p_take_tile(struct qrt_vnc_p_scratch *scratch, uint32_t stride,
			 const struct qrt_vnc_rectangle *tile)
{
	const uint32_t *from = scratch->pixels + (size_t)tile->y * stride + tile->x;
	uint32_t y;

	for (y = 0; y < tile->height; y++)
		memcpy(scratch->tile + (size_t)y * tile->width, from + (size_t)y * stride,
		       tile->width * sizeof(*from));
}

/* ---- encodings that know nothing of tiles ---- */

struct qrt_vnc_p_made qrt_vnc_p_encode_stream(struct qrt_vnc_p_scratch *scratch, size_t length,
					      uint32_t stream)
{
	struct qrt_vnc_p_made made = {
		.stream = stream, .length_at = QRT_VNC_P_HEADER_BYTES, .data_at = QRT_VNC_P_HEADER_BYTES + 4};
	size_t size = qrt_vnc_p_deflate(scratch->deflater, scratch->plain, length,
					scratch->out + made.data_at, QRT_VNC_P_OUT_BYTES - made.data_at);

	qrt_vnc_p_put_u32(scratch->out + made.length_at, (uint32_t)size);
	made.size = size ? made.data_at + (uint32_t)size : 0;
	return made;
}

static struct qrt_vnc_p_made encode_raw(struct qrt_vnc_p_scratch *scratch,
					const struct qrt_vnc_p_wanted *wanted, size_t count)
{
	uint8_t *end = qrt_vnc_p_put_pixels(scratch->out + QRT_VNC_P_HEADER_BYTES, scratch->pixels, count,
					    wanted->format.bits / 8);

	return (struct qrt_vnc_p_made){.size = (uint32_t)(end - scratch->out),
				       .stream = QRT_VNC_P_STREAM_NONE};
}

static struct qrt_vnc_p_made encode_zlib(struct qrt_vnc_p_scratch *scratch,
					 const struct qrt_vnc_p_wanted *wanted, size_t count)
{
	uint8_t *end = qrt_vnc_p_put_pixels(scratch->plain, scratch->pixels, count, wanted->format.bits / 8);

	return qrt_vnc_p_encode_stream(scratch, (size_t)(end - scratch->plain), QRT_VNC_P_STREAM_ZLIB);
}

/* ---- all of them ---- */

struct qrt_vnc_p_made qrt_vnc_p_encode(struct qrt_vnc_p_scratch *scratch,
				       const struct qrt_vnc_p_wanted *wanted,
				       const struct qrt_vnc_rectangle *rectangle)
{
	uint32_t width = rectangle->width, height = rectangle->height;
	uint8_t *at = scratch->out;

	at = qrt_vnc_p_put_u16(at, rectangle->x);
	at = qrt_vnc_p_put_u16(at, rectangle->y);
	at = qrt_vnc_p_put_u16(at, width);
	at = qrt_vnc_p_put_u16(at, height);
	qrt_vnc_p_put_u32(at, wanted->encoding);
	switch (wanted->encoding) {
	case QRT_VNC_ENCODING_HEXTILE:
		return qrt_vnc_p_encode_hextile(scratch, wanted, width, height);
	case QRT_VNC_ENCODING_ZLIB:
		return encode_zlib(scratch, wanted, (size_t)width * height);
	case QRT_VNC_ENCODING_TIGHT:
		return qrt_vnc_p_encode_tight(scratch, wanted, width, height);
	case QRT_VNC_ENCODING_ZRLE:
		return qrt_vnc_p_encode_zrle(scratch, wanted, width, height);
	default:
		return encode_raw(scratch, wanted, (size_t)width * height);
	}
}
