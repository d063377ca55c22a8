/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_CLIENT_P_H
#define QRT_VNC_CLIENT_P_H

#include "chunk_p.h"

#define QRT_VNC_P_UPDATE_BYTES 4u  /* of FramebufferUpdate, before its rectangles: RFC 6143, 7.6.1 */
#define QRT_VNC_P_COPY_BYTES   16u /* of a CopyRect rectangle */
#define QRT_VNC_P_FIRST_BYTES  8u  /* a length, and how a stream of zlib begins */

/* The places of segments beside one for each chunk: the head, the end, and those of chunks that begin a
 * stream, which are in three parts. */
#define QRT_VNC_P_SEGMENTS_MORE (2 + 2 * QRT_VNC_P_STREAMS)

struct qrt_vnc_client {
	struct qrt_vnc_client *next; /* of the encoder's list */
	struct qrt_vnc_encoder *encoder;
	struct qrt_vnc_p_wanted wanted;
	uint32_t flags;     /* QRT_VNC_CLIENT_* */
	uint32_t is_posted; /* an update for it is */
	uint32_t is_closed; /* is freed as soon as that is over */
	struct qrt_vnc_p_convert convert;
	uint32_t streams; /* that have begun: bits 1 << enum qrt_vnc_p_stream */
	/* Of the update that is posted, or being written. */
	struct qrt_vnc_p_chunk **chunks;
	uint32_t chunk_count, copy_count;
	struct iovec *segments;
	size_t segment_at, segment_end;
	uint64_t backlog;
	uint8_t head[QRT_VNC_P_UPDATE_BYTES + QRT_VNC_COPIES_MAX * QRT_VNC_P_COPY_BYTES];
	uint8_t end[QRT_VNC_P_HEADER_BYTES];
	uint8_t firsts[QRT_VNC_P_STREAMS][QRT_VNC_P_FIRST_BYTES];
};

/* The copy is part of what is sent. */
void qrt_vnc_p_client_add_copy(struct qrt_vnc_client *client, const struct qrt_vnc_copy *copy);
/* What was posted for it is there: it has it to write. */
void qrt_vnc_p_client_take_update(struct qrt_vnc_client *client);
/* Nothing is posted for it any more, and nothing is written. The chunks are the caller's to drop. */
void qrt_vnc_p_client_forget(struct qrt_vnc_client *client);
void qrt_vnc_p_client_free(struct qrt_vnc_client *client);

#endif
