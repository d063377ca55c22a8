/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <zstd.h>

#include "qcow2_p.h"

int qrt_block_p_qcow2_zstd_is_there(void)
{
	return 1;
}

void *qrt_block_p_qcow2_zstd_open(void)
{
	return ZSTD_createDCtx();
}

void qrt_block_p_qcow2_zstd_close(void *context)
{
	ZSTD_freeDCtx(context);
}

/* Frames, one behind the other, until the cluster is full; what is behind them is anything. In one step each:
 * a stream would allocate a window. */
int qrt_block_p_qcow2_zstd_inflate(void *context, const uint8_t *in, size_t in_length, uint8_t *out,
				   size_t out_length)
{
	while (out_length) {
		size_t frame = ZSTD_findFrameCompressedSize(in, in_length), bytes;

		if (ZSTD_isError(frame) || !frame)
			return -EUCLEAN;
		bytes = ZSTD_decompressDCtx(context, out, out_length, in, frame);
		if (ZSTD_isError(bytes) || bytes > out_length)
			return -EUCLEAN;
		in += frame;
		in_length -= frame;
		out += bytes;
		out_length -= bytes;
	}
	return 0;
}
