/* SPDX-License-Identifier: MIT */
/* Compressed clusters: raw deflate with a window of 4 KiB, or zstd. What zlib needs it gets from memory that
 * is there from the start. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "qcow2_p.h"

#define WINDOW_BITS 12
#define ARENA_BYTES 65536u

struct qrt_block_p_qcow2_inflater {
	uint32_t compression, is_open;
	void *zstd;
	z_stream stream;
	size_t arena_used;
	_Alignas(16) char arena[ARENA_BYTES];
};

/* Nothing is given back before the end. */
static void *take_memory(void *data, unsigned items, unsigned size)
{
	struct qrt_block_p_qcow2_inflater *inflater = data;
	size_t bytes = ((size_t)items * size + 15) / 16 * 16, at = inflater->arena_used;

	if (bytes > ARENA_BYTES - at)
		return NULL;
	inflater->arena_used += bytes;
	return inflater->arena + at;
}

static void leave_memory(void *data, void *memory)
{
	(void)data;
	(void)memory;
}

static int begin(struct qrt_block_p_qcow2_inflater *inflater)
{
	if (inflater->compression == QRT_BLOCK_P_QCOW2_ZSTD) {
		if (!qrt_block_p_qcow2_zstd_is_there())
			return -EOPNOTSUPP;
		inflater->zstd = qrt_block_p_qcow2_zstd_open();
		return inflater->zstd ? 0 : -ENOMEM;
	}
	inflater->stream.zalloc = take_memory;
	inflater->stream.zfree = leave_memory;
	inflater->stream.opaque = inflater;
	inflater->is_open = inflateInit2(&inflater->stream, -WINDOW_BITS) == Z_OK;
	return inflater->is_open ? 0 : -ENOMEM;
}

int qrt_block_p_qcow2_inflater_open(uint32_t compression, struct qrt_block_p_qcow2_inflater **ret)
{
	struct qrt_block_p_qcow2_inflater *inflater = calloc(1, sizeof(*inflater));
	int rc;

	if (!inflater)
		return -ENOMEM;
	inflater->compression = compression;
	rc = begin(inflater);
	if (rc < 0)
		qrt_block_p_qcow2_inflater_close(inflater);
	else
		*ret = inflater;
	return rc;
}

void qrt_block_p_qcow2_inflater_close(struct qrt_block_p_qcow2_inflater *inflater)
{
	if (!inflater)
		return;
	if (inflater->is_open)
		inflateEnd(&inflater->stream);
	qrt_block_p_qcow2_zstd_close(inflater->zstd);
	free(inflater);
}

/* The input's end is known to the sector only, and what fills the cluster is all of it. */
static int inflate_zlib(z_stream *stream, const uint8_t *in, size_t in_length, uint8_t *out,
			size_t out_length)
{
	if (inflateReset(stream) != Z_OK)
		return -EUCLEAN;
	stream->next_in = (uint8_t *)(uintptr_t)in;
	stream->avail_in = (unsigned)in_length;
	stream->next_out = out;
	stream->avail_out = (unsigned)out_length;
	/* That there is no more room is no error: nothing but the end may be left. */
	inflate(stream, Z_FINISH);
	return stream->avail_out ? -EUCLEAN : 0;
}

int qrt_block_p_qcow2_inflate(struct qrt_block_p_qcow2_inflater *inflater, const uint8_t *in,
			      size_t in_length, uint8_t *out, size_t out_length)
{
	if (inflater->compression == QRT_BLOCK_P_QCOW2_ZSTD)
		return qrt_block_p_qcow2_zstd_inflate(inflater->zstd, in, in_length, out, out_length);
	return inflate_zlib(&inflater->stream, in, in_length, out, out_length);
}
