/* SPDX-License-Identifier: MIT */
/* By ISA-L, which is made of vector instructions. */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "deflate_p.h"

#define LEVEL 1

const char qrt_vnc_p_deflate_name[] = "isa-l";

struct qrt_vnc_p_deflater {
	struct isal_zstream stream;
	uint8_t buffer[ISAL_DEF_LVL1_DEFAULT];
};

struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_open(void)
{
	return aligned_alloc(_Alignof(struct qrt_vnc_p_deflater), sizeof(struct qrt_vnc_p_deflater));
}

struct qrt_vnc_p_deflater *qrt_vnc_p_deflater_close(struct qrt_vnc_p_deflater *deflater)
{
	free(deflater);
	return NULL;
}

size_t qrt_vnc_p_deflate(struct qrt_vnc_p_deflater *deflater, const uint8_t *in, size_t length, uint8_t *out,
			 size_t room)
{
	struct isal_zstream *stream = &deflater->stream;

	isal_deflate_init(stream);
	stream->level = LEVEL;
	stream->level_buf = deflater->buffer;
	stream->level_buf_size = sizeof(deflater->buffer);
	stream->flush = SYNC_FLUSH;
	stream->next_in = (uint8_t *)(uintptr_t)in; /* is only read */
	stream->avail_in = (uint32_t)length;
	stream->next_out = out;
	stream->avail_out = (uint32_t)room;
	/* With room left nothing is held back. */
	if (isal_deflate(stream) != COMP_OK || stream->avail_in || !stream->avail_out)
		return 0;
	return stream->total_out;
}
