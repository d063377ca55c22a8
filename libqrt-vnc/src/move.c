/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cells_p.h"
#include "error_p.h"
#include "move_p.h"

#define COPIES    16u
#define AREA_MIN  4096u
#define LOOKS_MAX (2u << 20)

static int check_config(struct qrt_vnc_move_config *config)
{
	if (!config->width || config->width > QRT_VNC_SIDE_MAX || !config->height ||
	    config->height > QRT_VNC_SIDE_MAX || config->copies_max > QRT_VNC_MOVE_COPIES_MAX ||
	    (config->bits != 8 && config->bits != 16 && config->bits != 32) ||
	    (config->bits < 32 && config->mask >> config->bits))
		return -EINVAL;
	if (!config->mask)
		config->mask = config->bits == 32 ? 0xffffff : (1u << config->bits) - 1;
	if (!config->copies_max)
		config->copies_max = COPIES;
	if (!config->area_min)
		config->area_min = AREA_MIN;
	if (!config->looks_max)
		config->looks_max = LOOKS_MAX;
	return 0;
}

static int allocate(struct qrt_vnc_move *move)
{
	move->columns = (move->config.width + QRT_VNC_P_TILE - 1) / QRT_VNC_P_TILE;
	move->rows = (move->config.height + QRT_VNC_P_TILE - 1) / QRT_VNC_P_TILE;
	move->tiles = calloc((size_t)move->columns * move->rows, sizeof(*move->tiles));
	move->heights = calloc(move->columns + 1, sizeof(*move->heights));
	move->stack = calloc(move->columns + 1, sizeof(*move->stack));
	move->marks = calloc(QRT_VNC_P_MARKS, sizeof(*move->marks));
	return move->tiles && move->heights && move->stack && move->marks ? 0 : -ENOMEM;
}

static int start(struct qrt_vnc_move *move, const struct qrt_vnc_move_config *config,
		 struct qrt_vnc_error *reterr)
{
	int rc = qrt_p_struct_take(&move->config, sizeof(move->config), config);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc, "a move's config is of another version");
	rc = check_config(&move->config);
	if (rc < 0)
		return qrt_vnc_p_error(
			reterr, rc, "%ux%u pixels of %u bits, or %u copies, cannot be looked at",
			move->config.width, move->config.height, move->config.bits, move->config.copies_max);
	rc = allocate(move);
	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc, "out of memory");
	if (getentropy(&move->secret, sizeof(move->secret)) < 0) {
		rc = -errno;
		return qrt_vnc_p_error(reterr, rc, "the kernel gives no random number: %s", strerror(-rc));
	}
	move->secret |= 1;
	return 0;
}

int qrt_vnc_move_open(const struct qrt_vnc_move_config *config, struct qrt_vnc_move **ret_move,
		      struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_move *move = calloc(1, sizeof(*move));
	int rc;

	if (!move)
		return qrt_vnc_p_error(reterr, -ENOMEM, "out of memory");
	rc = start(move, config, reterr);
	if (rc < 0) {
		qrt_vnc_move_close(move);
		return rc;
	}
	*ret_move = move;
	return 0;
}

struct qrt_vnc_move *qrt_vnc_move_close(struct qrt_vnc_move *move)
{
	if (move) {
		free(move->tiles);
		free(move->heights);
		free(move->stack);
		free(move->marks);
		free(move);
	}
	return NULL;
}

static bool is_such(const struct qrt_vnc_move *move, const struct qrt_vnc_surface *surface)
{
	struct qrt_vnc_p_layout layout;

	return surface->width == move->config.width && surface->height == move->config.height &&
	       surface->bits == move->config.bits && qrt_vnc_p_layout_init(&layout, surface) >= 0;
}

static void find(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures)
{
	struct qrt_vnc_p_vector vectors[QRT_VNC_P_CANDIDATES];
	struct qrt_vnc_p_span span;
	uint32_t i, count, changed;

	move->count = 0;
	move->pixels = 0;
	changed = qrt_vnc_p_tiles_change(move, pictures, &span);
	if (!changed || changed < move->config.area_min / (QRT_VNC_P_TILE * QRT_VNC_P_TILE))
		return;
	count = qrt_vnc_p_vote(move, pictures, &span, vectors);
	for (i = 0; i < count && move->count < move->config.copies_max; i++)
		qrt_vnc_p_take_copies(move, pictures, &span, &vectors[i]);
	qrt_vnc_p_order(move);
	for (i = 0; i < move->count; i++)
		qrt_vnc_p_carry_out(&pictures->before, &move->ordered[i]);
}

int qrt_vnc_move_find(struct qrt_vnc_move *move, const struct qrt_vnc_surface *surface,
		      const struct qrt_vnc_surface *shadow, const struct qrt_vnc_hint *hint,
		      struct qrt_vnc_moves *ret_moves)
{
	struct qrt_vnc_p_pictures pictures = {*surface, *shadow, move->config.mask};
	struct qrt_vnc_moves moves = {0};
	struct qrt_vnc_hint own;
	int rc = hint ? qrt_p_struct_take(&own, sizeof(own), hint) : 0;

	if (rc < 0)
		return rc;
	if (ret_moves->size < sizeof(ret_moves->size) || !is_such(move, surface) || !is_such(move, shadow))
		return -EINVAL;
	rc = qrt_vnc_p_tiles_hint(move, hint ? &own : NULL);
	if (rc < 0)
		return rc;
	find(move, &pictures);
	moves.count = move->count;
	moves.copies = move->ordered;
	moves.rectangles = move->rectangles;
	moves.pixels = move->pixels;
	qrt_p_struct_give(ret_moves, &moves, sizeof(moves));
	return (int)move->count;
}
