/* SPDX-License-Identifier: MIT */
/* By zlib, which is everywhere. */
#include <stdlib.h>
#include <zlib.h>

#include "deflate_p.h"

#define LEVEL       1
#define RAW_WINDOW  (-15)
#define USUAL_LEVEL 8 /* of memory */

const char qrt_vnc_p_deflate_name[] = "zlib";

struct qrt_vnc_p_deflater {
	z_stream stream;
};

struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_open(void)
{
	struct qrt_vnc_p_deflater *deflater = calloc(1, sizeof(*deflater));

	if (deflater && deflateInit2(&deflater->stream, LEVEL, Z_DEFLATED, RAW_WINDOW, USUAL_LEVEL,
				     Z_DEFAULT_STRATEGY) != Z_OK) {
		free(deflater);
		return NULL;
	}
	return deflater;
}

struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_close(struct qrt_vnc_p_deflater *deflater)
{
	if (deflater)
		deflateEnd(&deflater->stream);
	free(deflater);
	return NULL;
}

size_t qrt_vnc_p_deflate(struct qrt_vnc_p_deflater *deflater, const uint8_t *in, size_t length, uint8_t *out,
			 size_t room)
{
	z_stream *stream = &deflater->stream;

	if (deflateReset(stream) != Z_OK)
		return 0;
	stream->next_in = (Bytef *)(uintptr_t)in; /* is only read */
	stream->avail_in = (uInt)length;
	stream->next_out = out;
	stream->avail_out = (uInt)room;
	/* With room left nothing is held back. */
	if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in || !stream->avail_out)
		return 0;
	return stream->total_out;
}
