/* SPDX-License-Identifier: MIT */
/* Of a build without libzstd: images that need it are refused when they are opened. */
#include <errno.h>
#include <stddef.h>

#include "qcow2_p.h"

int qrt_block_p_qcow2_zstd_is_there(void)
{
	return 0;
}

void *qrt_block_p_qcow2_zstd_open(void)
{
	return NULL;
}

void qrt_block_p_qcow2_zstd_close(void *context)
{
	(void)context;
}

int qrt_block_p_qcow2_zstd_inflate(void *context, const uint8_t *in, size_t in_length, uint8_t *out,
				   size_t out_length)
{
	(void)context;
	(void)in;
	(void)in_length;
	(void)out;
	(void)out_length;
	return -EOPNOTSUPP;
}
