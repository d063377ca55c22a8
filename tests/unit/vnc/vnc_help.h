/* SPDX-License-Identifier: MIT */
/* Frames, formats, and whether what a client shows is what the frame has. */
#ifndef QRT_TESTS_VNC_HELP_H
#define QRT_TESTS_VNC_HELP_H

#include <qrt/vnc_encoder.h>

#include "tap.h"
#include "vnc_decoder.h"

extern const uint32_t encodings[5];
/* True colour of 8, 15, 16, 24, 30 and 32 bits, in either order of bytes. */
extern const struct qrt_vnc_pixel_format formats[10];
/* The first of them that are a surface's, too: in this host's order, 32, 16 and 8 bits. */
enum { FORMAT_32, FORMAT_16, FORMAT_8, SURFACE_FORMATS };

struct random {
	uint64_t state;
};

uint32_t random_next(struct random *random); /* 32 bits */
uint32_t random_below(struct random *random, uint32_t limit);

enum frame_kind { FRAME_SOLID, FRAME_TEXT, FRAME_WINDOWS, FRAME_PHOTO, FRAME_NOISE, FRAME_KINDS };

struct frame {
	struct qrt_vnc_surface surface;
	struct qrt_vnc_pixel_format format;
	uint8_t *memory;
};

/* Rows with gaps, and sometimes the last row first. */
void frame_init(struct frame *frame, uint32_t width, uint32_t height, int format, struct random *random);
void frame_finish(struct frame *frame);
/* Bits that mean nothing get anything. */
void frame_draw(struct frame *frame, const struct qrt_vnc_rectangle *area, enum frame_kind kind,
		struct random *random);
uint32_t frame_get(const struct frame *frame, uint32_t x, uint32_t y);
/* The same pixel in another format. */
uint32_t frame_expected(const struct frame *frame, uint32_t x, uint32_t y,
			const struct qrt_vnc_pixel_format *to);
/* How many pixels of the area the client shows differently. */
size_t frame_count_wrong(const struct frame *frame, const struct qrt_vnc_rectangle *area,
			 const struct decoder *decoder);

/* A client and what it shows. */
struct viewer {
	struct qrt_vnc_client *client;
	struct decoder decoder;
	uint64_t bytes; /* that it got */
};

void viewer_init(struct viewer *viewer, struct qrt_vnc_encoder *encoder, const struct frame *frame,
		 const struct qrt_vnc_client_config *config);
void viewer_finish(struct viewer *viewer);
/* Takes the message that is to be written, in parts of at most `part` bytes. Whether it made sense. */
int viewer_take(struct viewer *viewer, size_t part);

struct qrt_vnc_encoder *open_encoder(uint32_t threads, uint32_t chunks);
/* Posts for these viewers, and waits until it is collected. What collect or post says. */
int update(struct qrt_vnc_encoder *encoder, const struct frame *frame, const struct qrt_vnc_order *orders,
	   uint32_t count);
int wait_for(struct qrt_vnc_encoder *encoder); /* collect(), as soon as it is not -EAGAIN */

#endif
