/* SPDX-License-Identifier: MIT */
/* An update, from post to collect or cancel. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "cut_p.h"
#include "encoder_p.h"
#include "pixel_format_p.h"
#include "struct_p.h"

/* ---- what is posted is right ---- */

static int check_surface(const struct qrt_vnc_surface *surface, const struct qrt_vnc_pixel_format *format)
{
	int64_t row = (int64_t)surface->width * (surface->bits / 8);
	int64_t unit = surface->bits / 8;

	if (!surface->width || surface->width > QRT_VNC_SIDE_MAX || !surface->height ||
	    surface->height > QRT_VNC_SIDE_MAX || !surface->pixels || surface->bits != format->bits)
		return -EINVAL;
	if (qrt_vnc_pixel_format_check(format, NULL) < 0 || format->red_max >= QRT_VNC_P_SHADES ||
	    format->green_max >= QRT_VNC_P_SHADES || format->blue_max >= QRT_VNC_P_SHADES)
		return -EINVAL;
	if (format->bits > 8 && (format->big_endian != 0) != QRT_VNC_P_HOST_IS_BIG)
		return -EINVAL;
	if (surface->stride % unit || (uintptr_t)surface->pixels % (uintptr_t)unit)
		return -EINVAL;
	return surface->height > 1 && surface->stride < row && surface->stride > -row ? -EINVAL : 0;
}

static int check_copy(const struct qrt_vnc_copy *copy, const struct qrt_vnc_surface *surface)
{
	const struct qrt_vnc_rectangle from = {copy->x, copy->y, copy->to.width, copy->to.height};

	return qrt_vnc_p_is_within(&copy->to, surface) && qrt_vnc_p_is_within(&from, surface) ? 0 : -EINVAL;
}

static int check_order(const struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order,
		       const struct qrt_vnc_surface *surface)
{
	uint32_t i;

	if (!order->client || order->client->encoder != encoder || order->copy_count > QRT_VNC_COPIES_MAX)
		return -EINVAL;
	if (order->client->backlog)
		return -EBUSY;
	for (i = 0; i < order->copy_count; i++)
		if (check_copy(&order->copies[i], surface) < 0)
			return -EINVAL;
	for (i = 0; i < order->rectangle_count; i++)
		if (!qrt_vnc_p_is_within(&order->rectangles[i], surface))
			return -EINVAL;
	return 0;
}

static int check(const struct qrt_vnc_encoder *encoder, const struct qrt_vnc_update *update)
{
	int rc = check_surface(&update->surface, &update->format);
	uint32_t i;

	if (update->order_count > encoder->clients_max)
		return -EINVAL;
	for (i = 0; i < update->order_count && rc >= 0; i++)
		rc = check_order(encoder, &update->orders[i], &update->surface);
	return rc;
}

/* ---- post ---- */

/* Takes back what was made of an update. Workers may still compress some of it. */
static void drop(struct qrt_vnc_encoder *encoder)
{
	struct qrt_vnc_p_crew *crew = &encoder->crew;
	struct qrt_vnc_client *client, *next;

	while (crew->chunks_count)
		qrt_vnc_p_pool_drop(&encoder->pool, crew->chunks[--crew->chunks_count]);
	for (client = encoder->clients; client; client = next) {
		next = client->next;
		if (!client->is_posted)
			continue;
		qrt_vnc_p_client_forget(client);
		if (client->is_closed)
			qrt_vnc_p_encoder_bury(encoder, client);
	}
	encoder->is_posted = 0;
}

static int add(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_order *order,
	       const struct qrt_vnc_pixel_format *format)
{
	struct qrt_vnc_client *client = order->client;
	int rc;

	if (client->is_posted)
		return -EINVAL;
	client->is_posted = 1;
	qrt_vnc_p_convert_set(&client->convert, format, &client->wanted.format);
	rc = qrt_vnc_p_order_add(encoder, order);
	if (rc >= 0)
		encoder->used += client->chunk_count;
	return rc;
}

static void count_work(struct qrt_vnc_encoder *encoder)
{
	const struct qrt_vnc_p_crew *crew = &encoder->crew;
	uint32_t i;

	encoder->encoded += crew->chunks_count;
	for (i = 0; i < crew->chunks_count; i++)
		encoder->pixels += (uint64_t)crew->chunks[i]->rectangle.width *
				   crew->chunks[i]->rectangle.height;
}

int qrt_vnc_encoder_post(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_update *update)
{
	struct qrt_vnc_update own;
	struct qrt_vnc_pixel_format format;
	uint64_t used = encoder->used;
	uint32_t i;
	int rc = qrt_p_struct_take(&own, sizeof(own), update);

	if (rc < 0)
		return rc;
	if (encoder->is_posted)
		return -EBUSY;
	rc = check(encoder, &own);
	if (rc < 0)
		return rc;
	format = qrt_vnc_p_pixel_format_of(&own.format);
	qrt_vnc_p_pool_begin(&encoder->pool);
	for (i = 0; i < own.order_count && rc >= 0; i++)
		rc = add(encoder, &own.orders[i], &format);
	if (rc < 0) {
		encoder->used = used;
		drop(encoder);
		return rc;
	}
	count_work(encoder);
	encoder->crew.surface = own.surface;
	encoder->is_posted = 1;
	qrt_vnc_p_crew_post(&encoder->crew);
	return 0;
}

/* ---- collect, cancel ---- */

static void silence(struct qrt_vnc_encoder *encoder)
{
	eventfd_t count;

	eventfd_read(encoder->crew.event, &count);
}

/* Of a client that was closed meanwhile nothing is written. */
static void hand_over(struct qrt_vnc_encoder *encoder)
{
	struct qrt_vnc_client *client, *next;

	for (client = encoder->clients; client; client = next) {
		next = client->next;
		if (!client->is_posted)
			continue;
		if (!client->is_closed) {
			qrt_vnc_p_client_take_update(client);
			continue;
		}
		while (client->chunk_count)
			qrt_vnc_p_pool_put(&encoder->pool, client->chunks[--client->chunk_count]);
		qrt_vnc_p_encoder_bury(encoder, client);
	}
}

/* The event may come after it was seen that nothing is left: then somebody looks once for nothing. */
int qrt_vnc_encoder_collect(struct qrt_vnc_encoder *encoder)
{
	silence(encoder);
	if (!encoder->is_posted)
		return -ENOENT;
	if (atomic_load(&encoder->crew.left))
		return -EAGAIN;
	qrt_vnc_p_crew_close(&encoder->crew);
	if (atomic_load(&encoder->crew.has_failed)) {
		drop(encoder);
		return -ENOMEM;
	}
	hand_over(encoder);
	encoder->crew.chunks_count = 0;
	encoder->is_posted = 0;
	return 0;
}

int qrt_vnc_encoder_cancel(struct qrt_vnc_encoder *encoder)
{
	if (!encoder->is_posted)
		return -ENOENT;
	qrt_vnc_p_crew_close(&encoder->crew);
	drop(encoder);
	silence(encoder);
	return 0;
}
