/* SPDX-License-Identifier: MIT */
#include "vncscene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qrt_vnc_surface make(struct vncscene *scene, uint32_t width, uint32_t height, uint32_t bits,
				   int64_t stride)
{
	struct qrt_vnc_surface surface = {calloc(1, scene->bytes), stride, width, height, bits, 0};

	if (!surface.pixels) {
		perror("vncscene");
		exit(1);
	}
	if (stride < 0)
		surface.pixels = (char *)surface.pixels - stride * (int64_t)(height - 1);
	return surface;
}

void vncscene_open(struct vncscene *scene, uint32_t width, uint32_t height, uint32_t bits, int64_t stride)
{
	scene->bytes = (uint64_t)(stride < 0 ? -stride : stride) * height;
	scene->mask = bits == 32 ? 0xffffff : (1u << bits) - 1;
	scene->before = make(scene, width, height, bits, stride);
	scene->now = make(scene, width, height, bits, stride);
	scene->shadow = make(scene, width, height, bits, stride);
}

static void *memory_of(const struct qrt_vnc_surface *surface)
{
	return surface->stride < 0
		       ? (char *)surface->pixels + surface->stride * (int64_t)(surface->height - 1)
		       : surface->pixels;
}

void vncscene_close(struct vncscene *scene)
{
	free(memory_of(&scene->before));
	free(memory_of(&scene->now));
	free(memory_of(&scene->shadow));
}

uint32_t vncscene_below(struct vncscene *scene, uint32_t limit)
{
	scene->random = scene->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((scene->random >> 32) * limit >> 32);
}

static uint8_t *pixel_at(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y)
{
	return (uint8_t *)surface->pixels + surface->stride * (int64_t)y + (size_t)x * (surface->bits / 8);
}

uint32_t vncscene_get(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y)
{
	uint32_t value = 0;

	memcpy(&value, pixel_at(surface, x, y), surface->bits / 8);
	return value;
}

void vncscene_set(const struct qrt_vnc_surface *surface, uint32_t x, uint32_t y, uint32_t value)
{
	memcpy(pixel_at(surface, x, y), &value, surface->bits / 8);
}

static void draw_letter(const struct qrt_vnc_surface *on, uint32_t left, uint32_t top, uint64_t shape)
{
	uint32_t x, y;

	for (y = 0; y < 16; y++) {
		for (x = 0; x < 8; x++)
			vncscene_set(on, left + x, top + y,
				     y > 2 && y < 14 && (shape >> (y / 2 * 8 + x) & 1) ? 0xc0c0c0 : 0x101010);
	}
}

void vncscene_text(struct vncscene *scene, const struct qrt_vnc_surface *on,
		   const struct qrt_vnc_rectangle *where)
{
	uint32_t x, y, letter, length;

	for (y = where->y; y + 16 <= where->y + (uint32_t)where->height; y += 16) {
		length = vncscene_below(scene, where->width / 8 + 1);
		for (x = 0; x + 8 <= where->width; x += 8) {
			letter = x / 8 < length ? vncscene_below(scene, 60) : 0;
			draw_letter(on, where->x + x, y, letter * 0x9e3779b97f4a7c15ull);
		}
	}
}

void vncscene_noise(struct vncscene *scene, const struct qrt_vnc_surface *on,
		    const struct qrt_vnc_rectangle *where)
{
	uint32_t x, y;

	for (y = where->y; y < where->y + (uint32_t)where->height; y++) {
		for (x = where->x; x < where->x + (uint32_t)where->width; x++)
			vncscene_set(on, x, y, vncscene_below(scene, UINT32_MAX));
	}
}

void vncscene_move(struct vncscene *scene, uint32_t from_x, uint32_t from_y,
		   const struct qrt_vnc_rectangle *to)
{
	uint32_t row;

	for (row = 0; row < to->height; row++)
		memcpy(pixel_at(&scene->now, to->x, to->y + row),
		       pixel_at(&scene->before, from_x, from_y + row),
		       (size_t)to->width * (scene->now.bits / 8));
}

void vncscene_settle(struct vncscene *scene)
{
	memcpy(memory_of(&scene->now), memory_of(&scene->before), scene->bytes);
	memcpy(memory_of(&scene->shadow), memory_of(&scene->before), scene->bytes);
}

uint64_t vncscene_compare(const struct vncscene *scene, const struct qrt_vnc_surface *one,
			  const struct qrt_vnc_surface *other)
{
	uint64_t count = 0;
	uint32_t x, y;

	for (y = 0; y < one->height; y++) {
		for (x = 0; x < one->width; x++)
			count += ((vncscene_get(one, x, y) ^ vncscene_get(other, x, y)) & scene->mask) != 0;
	}
	return count;
}
