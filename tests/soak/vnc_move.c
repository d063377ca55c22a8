/* SPDX-License-Identifier: MIT */
/*
 * Moves at random: screens of all kinds and sizes change as screens do, or not at all as they do. A client of
 * its own carries the copies out, through a buffer, and must have what the shadow has; each copy must be what
 * the new picture has, and whatever no copy touched must be as it was. So the copies, and then the rest, make
 * the new picture of the old one.
 *
 * Usage: vnc_move COUNT [SEED]. Prints TAP.
 */
#include <qrt/vnc_move.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vncscene.h"

static uint64_t copies, useful;

static struct qrt_vnc_rectangle any_rectangle(struct vncscene *scene)
{
	uint32_t width = scene->now.width, height = scene->now.height;
	struct qrt_vnc_rectangle one = {(uint16_t)vncscene_below(scene, width),
					(uint16_t)vncscene_below(scene, height), 0, 0};

	one.width = (uint16_t)(1 + vncscene_below(scene, width - one.x));
	one.height = (uint16_t)(1 + vncscene_below(scene, height - one.y));
	return one;
}

static void draw_at(struct vncscene *scene, const struct qrt_vnc_surface *on,
		    const struct qrt_vnc_rectangle *where)
{
	if (vncscene_below(scene, 2))
		vncscene_text(scene, on, where);
	else
		vncscene_noise(scene, on, where);
}

static void draw(struct vncscene *scene, const struct qrt_vnc_surface *on)
{
	const struct qrt_vnc_rectangle where = any_rectangle(scene);

	draw_at(scene, on, &where);
}

/* A part of the old picture is somewhere else in the new one, and another one is where it was, mostly. */
static void shift(struct vncscene *scene)
{
	struct qrt_vnc_rectangle to = any_rectangle(scene), from = to;
	uint32_t x = vncscene_below(scene, scene->now.width - to.width + 1);
	uint32_t y = vncscene_below(scene, scene->now.height - to.height + 1);

	switch (vncscene_below(scene, 3)) {
	case 0:
		x = to.x;
		break;
	case 1:
		y = to.y;
		break;
	}
	from.x = (uint16_t)x;
	from.y = (uint16_t)y;
	if (vncscene_below(scene, 4))
		draw_at(scene, &scene->now, &from);
	vncscene_move(scene, x, y, &to);
}

static void change(struct vncscene *scene)
{
	uint32_t steps = 1 + vncscene_below(scene, 4);

	while (steps--) {
		if (vncscene_below(scene, 4))
			shift(scene);
		else
			draw(scene, &scene->now);
	}
}

/* As a client that knows nothing of memmove. */
static void copy_by_buffer(const struct qrt_vnc_surface *picture, const struct qrt_vnc_copy *copy)
{
	uint32_t *buffer = calloc((size_t)copy->to.width * copy->to.height, sizeof(*buffer)), x, y;

	if (!buffer)
		exit(1);
	for (y = 0; y < copy->to.height; y++) {
		for (x = 0; x < copy->to.width; x++)
			buffer[(size_t)y * copy->to.width + x] = vncscene_get(picture, copy->x + x,
									      copy->y + y);
	}
	for (y = 0; y < copy->to.height; y++) {
		for (x = 0; x < copy->to.width; x++)
			vncscene_set(picture, copy->to.x + x, copy->to.y + y,
				     buffer[(size_t)y * copy->to.width + x]);
	}
	free(buffer);
}

static bool is_covered(const struct qrt_vnc_moves *moves, uint32_t x, uint32_t y)
{
	uint32_t i;

	for (i = 0; i < moves->count; i++) {
		const struct qrt_vnc_rectangle *one = &moves->rectangles[i];

		if (x >= one->x && x < one->x + (uint32_t)one->width && y >= one->y &&
		    y < one->y + (uint32_t)one->height)
			return true;
	}
	return false;
}

static bool is_within(const struct vncscene *scene, const struct qrt_vnc_copy *copy)
{
	return copy->to.width && copy->to.height && copy->to.x + copy->to.width <= (int)scene->now.width &&
	       copy->to.y + copy->to.height <= (int)scene->now.height &&
	       copy->x + copy->to.width <= (int)scene->now.width &&
	       copy->y + copy->to.height <= (int)scene->now.height;
}

/* Covered pixels are those of the new picture; others are in the shadow as the client has them. */
static bool are_right(const struct vncscene *scene, const struct qrt_vnc_moves *moves)
{
	uint32_t x, y;

	for (y = 0; y < scene->now.height; y++) {
		for (x = 0; x < scene->now.width; x++) {
			uint32_t now = vncscene_get(&scene->now, x, y);
			uint32_t client = vncscene_get(&scene->before, x, y);

			if (client != vncscene_get(&scene->shadow, x, y) ||
			    (is_covered(moves, x, y) && (now ^ client) & scene->mask))
				return false;
		}
	}
	return true;
}

static bool check(struct vncscene *scene, const struct qrt_vnc_moves *moves)
{
	uint64_t wrong = vncscene_compare(scene, &scene->now, &scene->before);
	uint32_t i;

	for (i = 0; i < moves->count; i++) {
		if (!is_within(scene, &moves->copies[i]))
			return false;
		copy_by_buffer(&scene->before, &moves->copies[i]);
	}
	copies += moves->count;
	useful += moves->count && vncscene_compare(scene, &scene->now, &scene->before) < wrong;
	return are_right(scene, moves);
}

static bool run(uint64_t seed)
{
	struct vncscene scene = {.random = seed * 0x9e3779b97f4a7c15ull + 1};
	uint32_t width = 40 + vncscene_below(&scene, 200), height = 24 + vncscene_below(&scene, 160);
	uint32_t bits = 8u << vncscene_below(&scene, 3);
	int64_t stride = (int64_t)(width + vncscene_below(&scene, 9)) * bits / 8;
	const struct qrt_vnc_move_config config = {.size = sizeof(config),
						   .width = width,
						   .height = height,
						   .bits = bits,
						   .copies_max = 1 + vncscene_below(&scene, 40),
						   .area_min = 1 + vncscene_below(&scene, 800)};
	struct qrt_vnc_moves moves = {.size = sizeof(moves)};
	struct qrt_vnc_move *move;
	bool is_right;

	if (qrt_vnc_move_open(&config, &move, NULL) < 0)
		return false;
	vncscene_open(&scene, width, height, bits, vncscene_below(&scene, 4) ? stride : -stride);
	draw_at(&scene, &scene.before,
		&(const struct qrt_vnc_rectangle){0, 0, (uint16_t)width, (uint16_t)height});
	draw(&scene, &scene.before);
	vncscene_settle(&scene);
	change(&scene);
	is_right = qrt_vnc_move_find(move, &scene.now, &scene.shadow, NULL, &moves) >= 0 &&
		   check(&scene, &moves);
	vncscene_close(&scene);
	qrt_vnc_move_close(move);
	return is_right;
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, i;

	if (!count) {
		fputs("usage: vnc_move COUNT [SEED]\n", stderr);
		return 2;
	}
	for (i = 0; i < count; i++, seed++) {
		if (run(seed))
			continue;
		printf("1..1\nnot ok 1 - copies are exact\n# seed %llu\n", (unsigned long long)seed);
		return 1;
	}
	printf("1..1\n%s 1 - copies are exact\n# %llu screens, %llu with copies that spare pixels, %llu "
	       "copies\n",
	       useful ? "ok" : "not ok", (unsigned long long)count, (unsigned long long)useful,
	       (unsigned long long)copies);
	return !useful;
}
