/* SPDX-License-Identifier: MIT */
/* Hextile: RFC 6143, 7.7.4. */
#include "encode_p.h"
#include "put_p.h"

#define TILE       16u
#define PIXELS     (TILE * TILE)
#define PARTS_MAX  255u
#define RAW        1u
#define BACKGROUND 2u
#define FOREGROUND 4u
#define PARTS      8u
#define COLOURED   16u

/* From tile to tile. */
struct state {
	uint32_t bytes; /* of a pixel */
	uint32_t has_background, background;
	uint32_t has_foreground, foreground;
};

struct tile {
	const uint32_t *pixels;
	uint32_t width, height;
	uint8_t is_done[PIXELS];
};

/* ---- parts ---- */

static int is_free(const struct tile *tile, uint32_t x, uint32_t y, uint32_t colour)
{
	uint32_t at = y * tile->width + x;

	return !tile->is_done[at] && tile->pixels[at] == colour;
}

static int is_row_free(const struct tile *tile, uint32_t x, uint32_t y, uint32_t width, uint32_t colour)
{
	uint32_t i;

	for (i = 0; i < width; i++)
		if (!is_free(tile, x + i, y, colour))
			return 0;
	return 1;
}

/* To the right as far as it goes, then down. What it covers is done. */
static uint8_t *put_part(uint8_t *at, struct tile *tile, uint32_t x, uint32_t y)
{
	uint32_t colour = tile->pixels[y * tile->width + x], width = 1, height = 1, i;

	while (x + width < tile->width && is_free(tile, x + width, y, colour))
		width++;
	while (y + height < tile->height && is_row_free(tile, x, y + height, width, colour))
		height++;
	for (i = 0; i < height; i++)
		memset(tile->is_done + (y + i) * tile->width + x, 1, width);
	at = qrt_vnc_p_put_u8(at, x << 4 | y);
	return qrt_vnc_p_put_u8(at, (width - 1) << 4 | (height - 1));
}

/* All that is not background; returns where it ends, NULL: at `limit` or past the number of parts. */
static uint8_t *put_parts(uint8_t *at, const uint8_t *limit, struct tile *tile, uint32_t background,
			  uint32_t colour_bytes)
{
	uint8_t *number = at++;
	uint32_t i, count = tile->width * tile->height, parts = 0;

	memset(tile->is_done, 0, count);
	for (i = 0; i < count; i++) {
		if (tile->is_done[i] || tile->pixels[i] == background)
			continue;
		if (parts++ == PARTS_MAX || at + colour_bytes + 2 > limit)
			return NULL;
		if (colour_bytes)
			at = qrt_vnc_p_put_pixel(at, tile->pixels[i], colour_bytes);
		at = put_part(at, tile, i % tile->width, i / tile->width);
	}
	*number = (uint8_t)parts;
	return at;
}

/* ---- tiles ---- */

static uint32_t most_frequent(const struct qrt_vnc_p_palette *palette)
{
	uint32_t i, best = 0;

	for (i = 1; i < palette->count; i++)
		if (palette->weights[i] > palette->weights[best])
			best = i;
	return best;
}

static uint8_t *put_background(uint8_t *at, uint32_t *kind, struct state *state, uint32_t colour)
{
	if (state->has_background && state->background == colour)
		return at;
	*kind |= BACKGROUND;
	state->has_background = 1;
	state->background = colour;
	return qrt_vnc_p_put_pixel(at, colour, state->bytes);
}

static uint8_t *put_foreground(uint8_t *at, uint32_t *kind, struct state *state, uint32_t colour)
{
	if (state->has_foreground && state->foreground == colour)
		return at;
	*kind |= FOREGROUND;
	state->has_foreground = 1;
	state->foreground = colour;
	return qrt_vnc_p_put_pixel(at, colour, state->bytes);
}

/* NULL: raw takes less. */
static uint8_t *put_drawn(uint8_t *start, const uint8_t *limit, struct tile *tile, struct state *state,
			  const struct qrt_vnc_p_palette *palette)
{
	uint32_t kind = 0, best = most_frequent(palette), is_two = palette->count == 2;
	uint8_t *at = put_background(start + 1, &kind, state, palette->colours[best]);

	if (palette->count > 1) {
		kind |= PARTS;
		if (is_two)
			at = put_foreground(at, &kind, state, palette->colours[!best]);
		else
			kind |= COLOURED;
		at = put_parts(at, limit, tile, palette->colours[best], is_two ? 0 : state->bytes);
	}
	if (kind & COLOURED)
		state->has_foreground = 0; /* the last part's, to some clients */
	*start = (uint8_t)kind;
	return at;
}

/* What comes after a raw tile says its colours again. */
static uint8_t *put_tile(uint8_t *at, struct tile *tile, struct state *state,
			 struct qrt_vnc_p_palette *palette)
{
	size_t count = (size_t)tile->width * tile->height;
	uint8_t *end;

	/* Each colour but one takes a part. */
	qrt_vnc_p_palette_find(palette, tile->pixels, count,
			       (uint32_t)(count * state->bytes / (state->bytes + 2) + 1));
	end = palette->count ? put_drawn(at, at + 1 + count * state->bytes, tile, state, palette) : NULL;
	if (end)
		return end;
	state->has_background = state->has_foreground = 0;
	return qrt_vnc_p_put_pixels(qrt_vnc_p_put_u8(at, RAW), tile->pixels, count, state->bytes);
}

static uint16_t least(uint32_t a, uint32_t b)
{
	return (uint16_t)(a < b ? a : b);
}

struct qrt_vnc_p_made qrt_vnc_p_encode_hextile(struct qrt_vnc_p_scratch *scratch,
					       const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					       uint32_t height)
{
	struct state state = {.bytes = wanted->format.bits / 8};
	uint8_t *at = scratch->out + QRT_VNC_P_HEADER_BYTES;
	struct tile tile = {.pixels = scratch->tile};
	uint32_t x, y;

	for (y = 0; y < height; y += TILE) {
		for (x = 0; x < width; x += TILE) {
			const struct qrt_vnc_rectangle area = {
				(uint16_t)x, (uint16_t)y, least(TILE, width - x), least(TILE, height - y)};

			qrt_vnc_p_take_tile(scratch, width, &area);
			tile.width = area.width;
			tile.height = area.height;
			at = put_tile(at, &tile, &state, &scratch->palette);
		}
	}
	return (struct qrt_vnc_p_made){.size = (uint32_t)(at - scratch->out),
				       .stream = QRT_VNC_P_STREAM_NONE};
}
