/* SPDX-License-Identifier: MIT */
#include "encoder_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "threads_p.h"

#define CLIENTS_USUAL 64u
#define CHUNKS_USUAL  4096u

/* ---- life ---- */

static int take_config(struct qrt_vnc_encoder_config *own, const struct qrt_vnc_encoder_config *config,
		       struct qrt_vnc_error *reterr)
{
	int rc = qrt_p_struct_take(own, sizeof(*own), config);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc,
				       "an encoder's configuration of another version, or without its size");
	if (own->threads > QRT_VNC_ENCODER_THREADS_MAX || own->clients > QRT_VNC_ENCODER_CLIENTS_MAX ||
	    own->chunks > QRT_VNC_ENCODER_CHUNKS_MAX)
		return qrt_vnc_p_error(
			reterr, -EINVAL, "an encoder has at most %u threads, %u clients and %u chunks",
			QRT_VNC_ENCODER_THREADS_MAX, QRT_VNC_ENCODER_CLIENTS_MAX, QRT_VNC_ENCODER_CHUNKS_MAX);
	if (!own->clients)
		own->clients = CLIENTS_USUAL;
	if (!own->chunks)
		own->chunks = CHUNKS_USUAL;
	return 0;
}

static int begin(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_encoder_config *config,
		 struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_thread_operations operations;
	int rc = qrt_vnc_p_threads_take(&operations, config->operations);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc, "thread operations that cannot be used");
	encoder->clients_max = config->clients;
	encoder->chunks_max = config->chunks;
	encoder->crew.chunks = calloc(config->chunks, sizeof(struct qrt_vnc_p_chunk *));
	if (!encoder->crew.chunks || qrt_vnc_p_pool_init(&encoder->pool, config->chunks) < 0)
		return qrt_vnc_p_error(reterr, -ENOMEM, "no memory for %u chunks", config->chunks);
	rc = qrt_vnc_p_crew_init(&encoder->crew, config->threads, &operations);
	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc, "no %u threads for an encoder, or no memory for them",
				       config->threads);
	return 0;
}

static void free_encoder(struct qrt_vnc_encoder *encoder)
{
	qrt_vnc_p_pool_finish(&encoder->pool);
	free(encoder->crew.chunks);
	free(encoder);
}

int qrt_vnc_encoder_open(const struct qrt_vnc_encoder_config *config, struct qrt_vnc_encoder **ret_encoder,
			 struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_encoder_config own;
	struct qrt_vnc_encoder *encoder;
	int rc = take_config(&own, config, reterr);

	if (rc < 0)
		return rc;
	encoder = calloc(1, sizeof(*encoder));
	if (!encoder)
		return qrt_vnc_p_error(reterr, -ENOMEM, "no memory for an encoder");
	rc = begin(encoder, &own, reterr);
	if (rc < 0) {
		free_encoder(encoder);
		return rc;
	}
	*ret_encoder = encoder;
	return 0;
}

struct qrt_vnc_encoder *qrt_vnc_encoder_close(struct qrt_vnc_encoder *encoder)
{
	if (!encoder)
		return NULL;
	qrt_vnc_encoder_cancel(encoder);
	qrt_vnc_p_crew_finish(&encoder->crew);
	qrt_vnc_p_encoder_free_dead(encoder);
	free_encoder(encoder);
	return NULL;
}

void qrt_vnc_p_encoder_bury(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client)
{
	struct qrt_vnc_client **link = &encoder->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->next = encoder->dead;
	encoder->dead = client;
	encoder->clients_count--;
}

void qrt_vnc_p_encoder_free_dead(struct qrt_vnc_encoder *encoder)
{
	struct qrt_vnc_client *client;

	while ((client = encoder->dead)) {
		encoder->dead = client->next;
		qrt_vnc_p_client_free(client);
	}
}

/* ---- what it is like ---- */

int qrt_vnc_encoder_get_fd(const struct qrt_vnc_encoder *encoder)
{
	return encoder->crew.event;
}

int qrt_vnc_encoder_get_info(const struct qrt_vnc_encoder *encoder, struct qrt_vnc_encoder_info *ret_info)
{
	struct qrt_vnc_encoder_info own = {.threads = encoder->crew.threads,
					   .clients = encoder->clients_max,
					   .chunks = encoder->chunks_max,
					   .has_jpeg = (uint32_t)qrt_vnc_p_has_jpeg,
					   .free_chunks = encoder->pool.free_count,
					   .encoded = encoder->encoded,
					   .used = encoder->used,
					   .pixels = encoder->pixels};

	snprintf(own.deflate, sizeof(own.deflate), "%s", qrt_vnc_p_deflate_name);
	return qrt_p_struct_give(ret_info, &own, sizeof(own));
}
