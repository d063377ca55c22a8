/* SPDX-License-Identifier: MIT */
/* One rectangle of pixels, in one of the encodings. */
#ifndef QRT_VNC_ENCODE_P_H
#define QRT_VNC_ENCODE_P_H

#include <qrt/vnc_encoder.h>

#include "deflate_p.h"
#include "jpeg_p.h"
#include "palette_p.h"

#define QRT_VNC_P_WIDTH_MAX    1024u  /* of what is encoded at once; Tight allows 2048 */
#define QRT_VNC_P_PIXELS_MAX   65536u /* of the same */
#define QRT_VNC_P_TILE_MAX     64u    /* pixels, either side: that of ZRLE */
#define QRT_VNC_P_PLAIN_BYTES  (QRT_VNC_P_PIXELS_MAX * 4 + 8192)
#define QRT_VNC_P_OUT_BYTES    (QRT_VNC_P_PIXELS_MAX * 7)
#define QRT_VNC_P_HEADER_BYTES 12u /* of a rectangle: RFC 6143, 7.6.1 */

/* Streams of zlib that a connection has. */
enum qrt_vnc_p_stream {
	QRT_VNC_P_STREAM_ZRLE,
	QRT_VNC_P_STREAM_ZLIB,
	QRT_VNC_P_STREAM_TIGHT, /* and the three after it */
	QRT_VNC_P_STREAMS = QRT_VNC_P_STREAM_TIGHT + 4,
	QRT_VNC_P_STREAM_NONE = QRT_VNC_P_STREAMS,
};

/* What an encoder has to work with; one thread's. */
struct qrt_vnc_p_scratch {
	uint32_t *pixels; /* QRT_VNC_P_PIXELS_MAX, without gaps between rows, in the client's form */
	uint8_t *plain;   /* QRT_VNC_P_PLAIN_BYTES: before it is compressed */
	uint8_t *out;     /* QRT_VNC_P_OUT_BYTES: a whole rectangle, with its header */
	uint32_t tile[QRT_VNC_P_TILE_MAX * QRT_VNC_P_TILE_MAX];
	struct qrt_vnc_p_palette palette;
	struct qrt_vnc_p_deflater *deflater;
	struct qrt_vnc_p_jpeg *jpeg;
};

int qrt_vnc_p_scratch_init(struct qrt_vnc_p_scratch *scratch);
void qrt_vnc_p_scratch_finish(struct qrt_vnc_p_scratch *scratch);

/* How a client wants it, and what is made. */
struct qrt_vnc_p_wanted {
	struct qrt_vnc_pixel_format format; /* in the form of qrt_vnc_p_pixel_format_of() */
	uint32_t encoding;                  /* enum qrt_vnc_encoding */
	uint32_t quality;
};

struct qrt_vnc_p_made {
	uint32_t size;   /* bytes of scratch->out; 0: it could not be made */
	uint32_t stream; /* enum qrt_vnc_p_stream */
	/* Where the compressed bytes are in it, and before them their length. */
	uint32_t length_at, data_at;
};

/* Of scratch->pixels, to scratch->out. */
struct qrt_vnc_p_made qrt_vnc_p_encode(struct qrt_vnc_p_scratch *scratch,
				       const struct qrt_vnc_p_wanted *wanted,
				       const struct qrt_vnc_rectangle *rectangle);

/* ---- of one encoding, from behind the header on ---- */

struct qrt_vnc_p_made qrt_vnc_p_encode_hextile(struct qrt_vnc_p_scratch *scratch,
					       const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					       uint32_t height);
struct qrt_vnc_p_made qrt_vnc_p_encode_zrle(struct qrt_vnc_p_scratch *scratch,
					    const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					    uint32_t height);
struct qrt_vnc_p_made qrt_vnc_p_encode_tight(struct qrt_vnc_p_scratch *scratch,
					     const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					     uint32_t height);

/* Compresses scratch->plain to out, with a length of 4 bytes before it. */
struct qrt_vnc_p_made qrt_vnc_p_encode_stream(struct qrt_vnc_p_scratch *scratch, size_t length,
					      uint32_t stream);

/* ---- parts ---- */

/* The tile's pixels to scratch->tile, without gaps. */
void qrt_vnc_p_take_tile(struct qrt_vnc_p_scratch *scratch, uint32_t stride,
			 const struct qrt_vnc_rectangle *tile);

#endif
