/* SPDX-License-Identifier: MIT */
/* A table of memory that an engine has at hand, and where in it something is. */
#ifndef QRT_BLOCK_BUFFERS_P_H
#define QRT_BLOCK_BUFFERS_P_H

#include <stdint.h>
#include <sys/uio.h>

#define QRT_BLOCK_P_BUFFERS_MAX  1024u      /* that a caller gives */
#define QRT_BLOCK_P_BUFFER_BYTES (1u << 30) /* of one in the table: longer ones are there in pieces */
#define QRT_BLOCK_P_PIECES_MAX   16384u

struct qrt_block_p_buffers {
	struct iovec *pieces; /* by address */
	uint32_t count;
};

/* Makes the table. -EINVAL: they overlap, or one has no memory, or there are too many; -ENOMEM. */
int qrt_block_p_buffers_init(struct qrt_block_p_buffers *buffers, const struct iovec *parts, uint32_t count);
void qrt_block_p_buffers_finish(struct qrt_block_p_buffers *buffers);
/* The piece that has all of it; -1: none has. */
int qrt_block_p_buffers_find(const struct qrt_block_p_buffers *buffers, const struct iovec *part);

#endif
