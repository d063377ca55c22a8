/* SPDX-License-Identifier: MIT */
/* What a client lacks, as chunks. */
#include <errno.h>

#include "cut_p.h"
#include "encoder_p.h"

#define RECTANGLES_MAX 65534u /* of an update; 65535 are as many as LastRect says */

/* Where an order began, to go back there. */
struct mark {
	uint32_t jobs;
};

static uint32_t is_new(const struct qrt_vnc_encoder *encoder, const struct mark *mark,
		       const struct qrt_vnc_p_chunk *chunk)
{
	uint32_t jobs = encoder->crew.chunks_count;

	return jobs > mark->jobs && encoder->crew.chunks[jobs - 1] == chunk;
}

/* In reverse, so that the pool finds its way back. */
static void undo(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client, const struct mark *mark)
{
	while (client->chunk_count) {
		struct qrt_vnc_p_chunk *chunk = client->chunks[--client->chunk_count];
		uint32_t was_new = chunk->references == 1 && is_new(encoder, mark, chunk);

		encoder->crew.chunks_count -= was_new;
		qrt_vnc_p_pool_unget(&encoder->pool, chunk, (int)was_new);
	}
}

static int add_piece(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client,
		     const struct qrt_vnc_rectangle *piece)
{
	struct qrt_vnc_p_crew *crew = &encoder->crew;
	struct qrt_vnc_p_chunk *chunk;
	int is_first;

	if (client->chunk_count + client->copy_count >= RECTANGLES_MAX ||
	    client->chunk_count >= encoder->chunks_max)
		return -ENOSPC;
	chunk = qrt_vnc_p_pool_get(&encoder->pool, piece, &client->wanted, &is_first);
	if (!chunk)
		return -ENOSPC;
	if (is_first) {
		chunk->convert = &client->convert;
		crew->chunks[crew->chunks_count++] = chunk;
	}
	client->chunks[client->chunk_count++] = chunk;
	return 0;
}

static int add_rectangle(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client,
			 const struct qrt_vnc_rectangle *rectangle)
{
	const struct qrt_vnc_p_cut cut = qrt_vnc_p_cut_of(rectangle);
	uint32_t i, count = qrt_vnc_p_cut_count(&cut);
	int rc = 0;

	for (i = 0; i < count && rc >= 0; i++) {
		const struct qrt_vnc_rectangle piece = qrt_vnc_p_cut_piece(&cut, i);

		rc = add_piece(encoder, client, &piece);
	}
	return rc;
}

/* Of copies that the client cannot do, where they go. */
static uint32_t count_encoded_copies(const struct qrt_vnc_order *order)
{
	return order->client->flags & QRT_VNC_CLIENT_COPY_RECT ? 0 : order->copy_count;
}

static int add_each(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order)
{
	uint32_t i, copies = count_encoded_copies(order);
	int rc = 0;

	for (i = 0; i < copies && rc >= 0; i++)
		rc = add_rectangle(encoder, order->client, &order->copies[i].to);
	for (i = 0; i < order->rectangle_count && rc >= 0; i++)
		rc = add_rectangle(encoder, order->client, &order->rectangles[i]);
	return rc;
}

/* One around all of them. */
static int add_whole(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order)
{
	struct qrt_vnc_rectangle whole = {0, 0, 0, 0};
	uint32_t i, copies = count_encoded_copies(order);

	for (i = 0; i < copies; i++)
		whole = qrt_vnc_p_around(&whole, &order->copies[i].to);
	for (i = 0; i < order->rectangle_count; i++)
		whole = qrt_vnc_p_around(&whole, &order->rectangles[i]);
	return add_rectangle(encoder, order->client, &whole);
}

int qrt_vnc_p_order_add(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order)
{
	struct qrt_vnc_client *client = order->client;
	const struct mark mark = {encoder->crew.chunks_count};
	uint32_t i;
	int rc;

	client->chunk_count = client->copy_count = 0;
	for (i = 0; i < order->copy_count && client->flags & QRT_VNC_CLIENT_COPY_RECT; i++)
		qrt_vnc_p_client_add_copy(client, &order->copies[i]);
	rc = add_each(encoder, order);
	if (rc < 0) {
		undo(encoder, client, &mark);
		rc = add_whole(encoder, order);
	}
	if (rc < 0)
		undo(encoder, client, &mark);
	return rc;
}
