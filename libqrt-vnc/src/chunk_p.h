/* SPDX-License-Identifier: MIT */
/* Rectangles that are encoded once, and may be sent to many. */
#ifndef QRT_VNC_CHUNK_P_H
#define QRT_VNC_CHUNK_P_H

#include <stdatomic.h>

#include "convert_p.h"
#include "encode_p.h"

enum qrt_vnc_p_chunk_state {
	QRT_VNC_P_CHUNK_WAITS,
	QRT_VNC_P_CHUNK_TAKEN, /* is a worker's */
	QRT_VNC_P_CHUNK_DONE,
	QRT_VNC_P_CHUNK_ORPHAN, /* is a worker's, and nobody else wants it any more */
	QRT_VNC_P_CHUNK_LEFT,   /* was an orphan, and is no worker's any more */
};

struct qrt_vnc_p_chunk {
	struct qrt_vnc_p_chunk *next; /* of a list */
	struct qrt_vnc_rectangle rectangle;
	struct qrt_vnc_p_wanted wanted;
	const struct qrt_vnc_p_convert *convert; /* as long as the surface is there */
	_Atomic uint32_t state;                  /* enum qrt_vnc_p_chunk_state */
	uint32_t references;                     /* clients */
	/* What came out. The memory stays with the chunk, for the next time. */
	struct qrt_vnc_p_made made;
	uint8_t *bytes;
	size_t room;
};

/* Made once; what is not used is in a list, the last one first. One thread's. */
struct qrt_vnc_p_pool {
	struct qrt_vnc_p_chunk *chunks, *free, *orphans;
	uint32_t count, free_count;
	/* Those of the update that is being made, by what they are: open addressing. */
	struct qrt_vnc_p_chunk **slots;
	uint32_t slots_count; /* a power of two */
};

int qrt_vnc_p_pool_init(struct qrt_vnc_p_pool *pool, uint32_t count);
void qrt_vnc_p_pool_finish(struct qrt_vnc_p_pool *pool);

/* An update begins: there is nothing to be found. Orphans that were left come back. */
void qrt_vnc_p_pool_begin(struct qrt_vnc_p_pool *pool);
/* The chunk of that kind, with one reference more; NULL: there is no free one. *ret_is_new: it was not there.
 */
struct qrt_vnc_p_chunk *qrt_vnc_p_pool_get(struct qrt_vnc_p_pool *pool,
					   const struct qrt_vnc_rectangle *rectangle,
					   const struct qrt_vnc_p_wanted *wanted, int *ret_is_new);
/* As if it had never been got: of those that are new, the last one first. */
void qrt_vnc_p_pool_unget(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk, int is_new);
/* A reference less. */
void qrt_vnc_p_pool_put(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk);
/* Nobody wants it, whatever its references. No worker comes to it any more, but one may have it. */
void qrt_vnc_p_pool_drop(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk);

/* By who has it: what was made goes from `out` to the chunk. -ENOMEM. */
int qrt_vnc_p_chunk_fill(struct qrt_vnc_p_chunk *chunk, const struct qrt_vnc_p_made *made,
			 const uint8_t *out);

#endif
