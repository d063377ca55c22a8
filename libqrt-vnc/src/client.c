/* SPDX-License-Identifier: MIT */
#include "client_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encoder_p.h"
#include "encodings_p.h"
#include "error_p.h"
#include "pixel_format_p.h"

#define KNOWN_FLAGS (QRT_VNC_CLIENT_COPY_RECT | QRT_VNC_CLIENT_LAST_RECT)

/* ---- configuration ---- */

static int take_config(struct qrt_vnc_client_config *own, const struct qrt_vnc_client_config *config,
		       struct qrt_vnc_error *reterr)
{
	int rc = qrt_p_struct_take(own, sizeof(*own), config);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc,
				       "a client's configuration of another version, or without its size");
	if (!qrt_vnc_p_encoding_is_known(own->encoding))
		return qrt_vnc_p_error(
			reterr, -EINVAL,
			"encoding %u: there are raw (0), hextile (5), zlib (6), Tight (7), ZRLE (16)",
			own->encoding);
	if (own->flags & ~KNOWN_FLAGS || own->quality > 100)
		return qrt_vnc_p_error(reterr, -EINVAL,
				       "a client with unknown flags, or a quality above 100");
	return qrt_vnc_pixel_format_check(&own->format, reterr);
}

/* Where quality makes no difference it is none, so that clients share what is the same. */
static void set(struct qrt_vnc_client *client, const struct qrt_vnc_client_config *config)
{
	int has_quality = qrt_vnc_p_has_jpeg && config->encoding == QRT_VNC_ENCODING_TIGHT &&
			  config->format.bits > 8;

	client->flags = config->flags;
	client->wanted.format = qrt_vnc_p_pixel_format_of(&config->format);
	client->wanted.encoding = config->encoding;
	client->wanted.quality = has_quality ? config->quality : 0;
}

int qrt_vnc_client_set(struct qrt_vnc_client *client, const struct qrt_vnc_client_config *config,
		       struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_client_config own;
	int rc = take_config(&own, config, reterr);

	if (rc < 0)
		return rc;
	if (client->is_posted)
		return qrt_vnc_p_error(reterr, -EBUSY, "an update for this client is posted");
	set(client, &own);
	return 0;
}

/* ---- life ---- */

static struct qrt_vnc_client *new_client(uint32_t chunks)
{
	struct qrt_vnc_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->chunks = calloc(chunks, sizeof(struct qrt_vnc_p_chunk *));
	client->segments = calloc((size_t)chunks + QRT_VNC_P_SEGMENTS_MORE, sizeof(*client->segments));
	if (client->chunks && client->segments)
		return client;
	qrt_vnc_p_client_free(client);
	return NULL;
}

void qrt_vnc_p_client_free(struct qrt_vnc_client *client)
{
	free(client->segments);
	free(client->chunks);
	free(client);
}

int qrt_vnc_client_open(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_client_config *config,
			struct qrt_vnc_client **ret_client, struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_client_config own;
	struct qrt_vnc_client *client;
	int rc = take_config(&own, config, reterr);

	if (rc < 0)
		return rc;
	qrt_vnc_p_encoder_free_dead(encoder);
	if (encoder->clients_count >= encoder->clients_max)
		return qrt_vnc_p_error(reterr, -ENOSPC,
				       "the encoder has %u clients, and is configured for no more",
				       encoder->clients_count);
	client = new_client(encoder->chunks_max);
	if (!client)
		return qrt_vnc_p_error(reterr, -ENOMEM, "no memory for a client");
	set(client, &own);
	client->encoder = encoder;
	client->next = encoder->clients;
	encoder->clients = client;
	encoder->clients_count++;
	*ret_client = client;
	return 0;
}

static void release_chunks(struct qrt_vnc_client *client)
{
	while (client->chunk_count)
		qrt_vnc_p_pool_put(&client->encoder->pool, client->chunks[--client->chunk_count]);
}

struct qrt_vnc_client *qrt_vnc_client_close(struct qrt_vnc_client *client)
{
	struct qrt_vnc_encoder *encoder;

	if (!client)
		return NULL;
	encoder = client->encoder;
	if (client->is_posted) {
		client->is_closed = 1;
	} else {
		release_chunks(client);
		qrt_vnc_p_encoder_bury(encoder, client);
	}
	qrt_vnc_p_encoder_free_dead(encoder);
	return NULL;
}

void qrt_vnc_p_client_forget(struct qrt_vnc_client *client)
{
	client->is_posted = 0;
	client->chunk_count = client->copy_count = 0;
	client->segment_at = client->segment_end = 0;
	client->backlog = 0;
}

/* ---- what is to be written ---- */

size_t qrt_vnc_client_get_segments(const struct qrt_vnc_client *client, const struct iovec **ret_segments)
{
	*ret_segments = client->segments + client->segment_at;
	return client->segment_end - client->segment_at;
}

uint64_t qrt_vnc_client_get_backlog(const struct qrt_vnc_client *client)
{
	return client->backlog;
}

int qrt_vnc_client_consume(struct qrt_vnc_client *client, uint64_t bytes)
{
	struct iovec *segment;

	if (bytes > client->backlog)
		return -EINVAL;
	if (!bytes) /* nothing came to its end, and an update may be on its way */
		return 0;
	client->backlog -= bytes;
	for (; bytes; bytes -= segment->iov_len) {
		segment = &client->segments[client->segment_at];
		if (bytes < segment->iov_len) {
			segment->iov_base = (uint8_t *)segment->iov_base + bytes;
			segment->iov_len -= bytes;
			break;
		}
		client->segment_at++;
	}
	if (!client->backlog) {
		release_chunks(client);
		qrt_vnc_p_client_forget(client);
	}
	return 0;
}
