/* SPDX-License-Identifier: MIT */
/* A client that takes FramebufferUpdate messages, read from the specifications in the plainest way. */
#ifndef QRT_TESTS_VNC_DECODER_H
#define QRT_TESTS_VNC_DECODER_H

#include <qrt/vnc_encoder.h>
#include <zlib.h>

enum { DECODER_STREAMS = 6 }; /* ZRLE, zlib, four of Tight */

struct reader {
	const uint8_t *at, *end;
	int is_bad; /* something was read past the end, or makes no sense */
};

struct decoder {
	struct qrt_vnc_pixel_format format;
	uint32_t width, height;
	uint32_t *pixels; /* values as the format has them */
	z_stream streams[DECODER_STREAMS];
	int has_begun[DECODER_STREAMS];
	unsigned rectangles, copies; /* of all messages */
	unsigned kinds[256]; /* first bytes of tiles of ZRLE and hextile, and of rectangles of Tight */
	int has_last_rect;
	struct reader reader;
};

void decoder_init(struct decoder *decoder, const struct qrt_vnc_pixel_format *format, uint32_t width,
		  uint32_t height);
void decoder_finish(struct decoder *decoder);
/* One whole message: 1; 0: it makes no sense, or is not as long as it says. */
int decoder_take(struct decoder *decoder, const uint8_t *bytes, size_t length);

/* ---- for its parts ---- */

struct area {
	uint32_t x, y, width, height;
};

uint32_t reader_u8(struct reader *reader);
uint32_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
/* `length` bytes that are skipped; NULL: there are not so many. */
const uint8_t *reader_bytes(struct reader *reader, size_t length);
/* A pixel of so many bytes, 3 or those of the format; of 3 the missing one is the fourth, or the first. */
uint32_t decoder_pixel(const struct decoder *decoder, struct reader *reader);
void decoder_set(struct decoder *decoder, const struct area *area, size_t index, uint32_t pixel);
/* At most `room` bytes, which the caller frees; *ret_plain begins there. */
uint8_t *decoder_inflate(struct decoder *decoder, unsigned stream, const uint8_t *bytes, size_t length,
			 size_t room, struct reader *ret_plain);

void decoder_take_zrle(struct decoder *decoder, const struct area *area);
void decoder_take_tight(struct decoder *decoder, const struct area *area);
void decoder_take_hextile(struct decoder *decoder, const struct area *area);

#endif
