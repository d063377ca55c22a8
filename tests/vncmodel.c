/* SPDX-License-Identifier: MIT */
#include "vncmodel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define UNIT  64u
#define GUARD 65536u /* bytes: a page or several */

/* ---- life ---- */

int vncmodel_init(struct vncmodel *model, const struct qrt_vnc_differ_info *info)
{
	size_t tiles = (size_t)info->columns * info->rows;

	model->info = *info;
	model->row_bytes = info->shadow.width * (info->shadow.bits / 8);
	model->shadow = calloc(info->shadow.height, model->row_bytes);
	model->forced = calloc(tiles, 1);
	model->tiles = calloc(tiles, 1);
	if (model->shadow && model->forced && model->tiles)
		return 0;
	vncmodel_finish(model);
	return -ENOMEM;
}

void vncmodel_finish(struct vncmodel *model)
{
	free(model->shadow);
	free(model->forced);
	free(model->tiles);
	memset(model, 0, sizeof(*model));
}

static size_t tiles_of(const struct vncmodel *model)
{
	return (size_t)model->info.columns * model->info.rows;
}

void vncmodel_force(struct vncmodel *model)
{
	memset(model->forced, 1, tiles_of(model));
}

/* ---- look ---- */

static size_t tile_at(const struct vncmodel *model, uint32_t x, uint32_t y)
{
	return (size_t)(y / model->info.tile_height) * model->info.columns + x / model->info.tile_width;
}

static int is_in_tiles(const struct vncmodel *model, const struct qrt_vnc_rectangle *one, uint32_t x,
		       uint32_t y)
{
	uint32_t w = model->info.tile_width, h = model->info.tile_height;

	return one->width && one->height && one->x < model->info.shadow.width &&
	       one->y < model->info.shadow.height && x / w >= one->x / w &&
	       x / w <= (one->x + one->width - 1u) / w && y / h >= one->y / h &&
	       y / h <= (one->y + one->height - 1u) / h;
}

static int is_in_cells(const struct qrt_vnc_hint *hint, uint32_t x, uint32_t past, uint32_t y)
{
	const uint64_t *row = hint->cells + (size_t)(y / hint->cell_height) * hint->words;

	for (; x < past; x++) {
		if (row[x / hint->cell_width / 64] >> x / hint->cell_width % 64 & 1)
			return 1;
	}
	return 0;
}

/* The unit of that row that begins at x. */
static int is_wanted(const struct vncmodel *model, const struct qrt_vnc_hint *hint, uint32_t x, uint32_t y)
{
	uint32_t past = x + UNIT * 8 / model->info.shadow.bits, i;

	if (!hint || model->forced[tile_at(model, x, y)])
		return 1;
	for (i = 0; i < hint->count; i++) {
		if (is_in_tiles(model, &hint->rectangles[i], x, y))
			return 1;
	}
	return hint->cells && is_in_cells(hint, x, past, y);
}

static int differs(const struct vncmodel *model, const uint8_t *before, const uint8_t *now, uint32_t bytes)
{
	uint32_t i, pixel = model->info.shadow.bits / 8;

	for (i = 0; i < bytes; i++) {
		if ((before[i] ^ now[i]) & (uint8_t)(model->info.mask >> 8 * (i % pixel)))
			return 1;
	}
	return 0;
}

static void look_at_unit(struct vncmodel *model, const uint8_t *now, uint32_t from, uint32_t y)
{
	uint8_t *before = model->shadow + (size_t)y * model->row_bytes + from;
	uint32_t bytes = model->row_bytes - from < UNIT ? model->row_bytes - from : UNIT;

	if (!differs(model, before, now + from, bytes))
		return;
	memcpy(before, now + from, bytes);
	model->tiles[tile_at(model, from * 8 / model->info.shadow.bits, y)] = 1;
}

void vncmodel_look(struct vncmodel *model, const struct qrt_vnc_surface *surface,
		   const struct qrt_vnc_hint *hint)
{
	uint32_t y, from;
	size_t i;

	memcpy(model->tiles, model->forced, tiles_of(model));
	for (y = 0; y < surface->height; y++) {
		const uint8_t *row = (const uint8_t *)surface->pixels + (int64_t)y * surface->stride;

		for (from = 0; from < model->row_bytes; from += UNIT) {
			if (is_wanted(model, hint, from * 8 / surface->bits, y))
				look_at_unit(model, row, from, y);
		}
	}
	memset(model->forced, 0, tiles_of(model));
	model->changed = 0;
	for (i = 0; i < tiles_of(model); i++)
		model->changed += model->tiles[i];
}

/* ---- check ---- */

static int is_shadow_right(const struct vncmodel *model)
{
	const struct qrt_vnc_surface *shadow = &model->info.shadow;
	uint32_t y;

	for (y = 0; y < shadow->height; y++) {
		if (memcmp((const uint8_t *)shadow->pixels + (int64_t)y * shadow->stride,
			   model->shadow + (size_t)y * model->row_bytes, model->row_bytes) != 0)
			return 0;
	}
	return 1;
}

static int are_tiles_right(const struct vncmodel *model, const struct qrt_vnc_difference *found)
{
	uint32_t row, column, bit;

	for (row = 0; row < model->info.rows; row++) {
		for (column = 0; column < model->info.words * 64; column++) {
			bit = found->tiles[(size_t)row * model->info.words + column / 64] >> column % 64 & 1;
			if (bit != (column < model->info.columns &&
				    model->tiles[(size_t)row * model->info.columns + column]))
				return 0;
		}
	}
	return 1;
}

/* It ends where tiles end, or the surface does. */
static int is_whole(uint32_t from, uint32_t size, uint32_t tile, uint32_t limit)
{
	return size && from % tile == 0 && from + size <= limit &&
	       ((from + size) % tile == 0 || from + size == limit);
}

static const char *cover(const struct vncmodel *model, const struct qrt_vnc_rectangle *one, uint8_t *covered)
{
	uint32_t x, y;

	if (!is_whole(one->x, one->width, model->info.tile_width, model->info.shadow.width) ||
	    !is_whole(one->y, one->height, model->info.tile_height, model->info.shadow.height))
		return "a rectangle that is not of whole tiles";
	for (y = one->y; y < (uint32_t)one->y + one->height; y += model->info.tile_height) {
		for (x = one->x; x < (uint32_t)one->x + one->width; x += model->info.tile_width) {
			if (covered[tile_at(model, x, y)]++)
				return "rectangles that overlap";
		}
	}
	return NULL;
}

static const char *compare_cover(const struct vncmodel *model, const struct qrt_vnc_difference *found,
				 const uint8_t *covered)
{
	size_t i;

	for (i = 0; i < tiles_of(model); i++) {
		if (model->tiles[i] && !covered[i])
			return "a tile that changed is in no rectangle";
		if (covered[i] && !model->tiles[i] && !found->is_widened)
			return "a rectangle has what did not change";
	}
	return NULL;
}

static const char *check_rectangles(const struct vncmodel *model, const struct qrt_vnc_difference *found)
{
	uint8_t *covered = calloc(tiles_of(model) + 1, 1);
	const struct qrt_vnc_rectangle *all = found->rectangles;
	const char *wrong = covered ? NULL : "no memory";
	uint32_t i;

	if (found->count > model->info.rectangles_max)
		wrong = "too many rectangles";
	for (i = 0; i < found->count && !wrong; i++) {
		if (i && (all[i].y < all[i - 1].y || (all[i].y == all[i - 1].y && all[i].x < all[i - 1].x)))
			wrong = "rectangles out of order";
		else
			wrong = cover(model, &all[i], covered);
	}
	if (!wrong)
		wrong = compare_cover(model, found, covered);
	free(covered);
	return wrong;
}

const char *vncmodel_check(const struct vncmodel *model, const struct qrt_vnc_differ *differ, int code,
			   const struct qrt_vnc_difference *found)
{
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	struct vncmodel own = *model;

	if (qrt_vnc_differ_get_info(differ, &info) < 0)
		return "no info";
	own.info.shadow = info.shadow;
	if (code != (model->changed > 0) || found->changed != model->changed)
		return "another number of tiles";
	if (!are_tiles_right(model, found))
		return "other tiles";
	if (!is_shadow_right(&own))
		return "another shadow";
	return check_rectangles(model, found);
}

/* ---- around ---- */

uint64_t vncmodel_random(uint64_t *seed, uint64_t below)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + GUARD - 1) / GUARD * GUARD;
}

uint8_t *vncmodel_guarded(uint64_t bytes, int at_front)
{
	uint64_t inside = pages_of(bytes);
	uint8_t *all = mmap(NULL, inside + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		return NULL;
	if (mprotect(all + GUARD, inside, PROT_READ | PROT_WRITE) < 0) {
		munmap(all, inside + 2 * GUARD);
		return NULL;
	}
	return all + GUARD + (at_front ? 0 : inside - bytes);
}

void vncmodel_let_go(uint8_t *guarded, uint64_t bytes, int at_front)
{
	uint64_t inside = pages_of(bytes);

	if (guarded)
		munmap(guarded - (at_front ? 0 : inside - bytes) - GUARD, inside + 2 * GUARD);
}
