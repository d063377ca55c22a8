/* SPDX-License-Identifier: MIT */
/* An update as one client gets it. */
#include "client_p.h"
#include "encodings_p.h"
#include "put_p.h"

#define UNKNOWN_COUNT 65535u  /* of rectangles: LastRect ends them */
#define STREAM_BEGINS 0x7801u /* RFC 1950, 2.2: a window of 32 KiB, no dictionary, the fastest */
#define STREAM_BYTES  2u

static uint8_t *put_rectangle(uint8_t *at, const struct qrt_vnc_rectangle *rectangle, uint32_t encoding)
{
	at = qrt_vnc_p_put_u16(at, rectangle->x);
	at = qrt_vnc_p_put_u16(at, rectangle->y);
	at = qrt_vnc_p_put_u16(at, rectangle->width);
	at = qrt_vnc_p_put_u16(at, rectangle->height);
	return qrt_vnc_p_put_u32(at, encoding);
}

void qrt_vnc_p_client_add_copy(struct qrt_vnc_client *client, const struct qrt_vnc_copy *copy)
{
	uint8_t *at = client->head + QRT_VNC_P_UPDATE_BYTES + client->copy_count * QRT_VNC_P_COPY_BYTES;

	at = put_rectangle(at, &copy->to, QRT_VNC_P_ENCODING_COPY_RECT);
	qrt_vnc_p_put_u16(qrt_vnc_p_put_u16(at, copy->x), copy->y);
	client->copy_count++;
}

static void add_segment(struct qrt_vnc_client *client, uint8_t *bytes, size_t length)
{
	client->segments[client->segment_end++] = (struct iovec){bytes, length};
	client->backlog += length;
}

/* A stream's first chunk has two bytes more than it has for those who had something of the stream before. */
static void add_first(struct qrt_vnc_client *client, const struct qrt_vnc_p_chunk *chunk)
{
	const struct qrt_vnc_p_made *made = &chunk->made;
	uint32_t length = made->size - made->data_at + STREAM_BYTES;
	uint8_t *first = client->firsts[made->stream], *end;

	end = made->stream >= QRT_VNC_P_STREAM_TIGHT ? qrt_vnc_p_put_compact(first, length)
						     : qrt_vnc_p_put_u32(first, length);
	end = qrt_vnc_p_put_u16(end, STREAM_BEGINS);
	add_segment(client, chunk->bytes, made->length_at);
	add_segment(client, first, (size_t)(end - first));
	add_segment(client, chunk->bytes + made->data_at, made->size - made->data_at);
	client->streams |= 1u << made->stream;
}

static void add_chunk(struct qrt_vnc_client *client, const struct qrt_vnc_p_chunk *chunk)
{
	uint32_t stream = chunk->made.stream;

	if (stream != QRT_VNC_P_STREAM_NONE && !(client->streams & 1u << stream))
		add_first(client, chunk);
	else
		add_segment(client, chunk->bytes, chunk->made.size);
}

static uint32_t has_last_rect(const struct qrt_vnc_client *client)
{
	return client->flags & QRT_VNC_CLIENT_LAST_RECT;
}

static void add_head(struct qrt_vnc_client *client)
{
	uint32_t count = client->copy_count + client->chunk_count;
	uint8_t *at = client->head;

	at = qrt_vnc_p_put_u8(at, 0); /* FramebufferUpdate */
	at = qrt_vnc_p_put_u8(at, 0);
	qrt_vnc_p_put_u16(at, has_last_rect(client) ? UNKNOWN_COUNT : count);
	add_segment(client, client->head, QRT_VNC_P_UPDATE_BYTES + client->copy_count * QRT_VNC_P_COPY_BYTES);
}

void qrt_vnc_p_client_take_update(struct qrt_vnc_client *client)
{
	static const struct qrt_vnc_rectangle nowhere;
	uint32_t i;

	client->is_posted = 0;
	add_head(client);
	for (i = 0; i < client->chunk_count; i++)
		add_chunk(client, client->chunks[i]);
	if (has_last_rect(client)) {
		put_rectangle(client->end, &nowhere, QRT_VNC_P_ENCODING_LAST_RECT);
		add_segment(client, client->end, sizeof(client->end));
	}
}
