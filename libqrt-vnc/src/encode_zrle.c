/* SPDX-License-Identifier: MIT */
/* ZRLE: RFC 6143, 7.7.6. */
#include "encode_p.h"
#include "put_p.h"

#define TILE        64u
#define PACKED_MAX  16u  /* colours of a packed palette */
#define PALETTE_MAX 127u /* of one with runs */
#define PLAIN_RUNS  128u

/* Which bytes of a pixel go over the wire. */
struct form {
	uint32_t bytes; /* of a pixel, 1 to 4 */
	uint32_t skip;  /* bytes of the whole pixel before them */
	uint32_t whole;
};

/* What a tile would take, in bytes behind its first one. */
struct cost {
	size_t raw, packed, runs, palette;
};

struct tile {
	const uint32_t *pixels;
	uint32_t width, height;
	size_t count;
};

static struct form form_of(const struct qrt_vnc_pixel_format *format)
{
	uint32_t used = (uint32_t)format->red_max << format->red_shift |
			(uint32_t)format->green_max << format->green_shift |
			(uint32_t)format->blue_max << format->blue_shift;
	struct form form = {.bytes = format->bits / 8, .whole = format->bits / 8};
	int is_low = !(used >> 24), is_high = !(used & 255);

	/* RFC 6143, 7.7.5 asks for a depth of 24 at most, too; gtk-vnc, libvncclient, TigerVNC and QEMU go by
	 * the colours alone, and so do servers. */
	if (format->bits != 32 || (!is_low && !is_high))
		return form;
	form.bytes = 3;
	/* In the order of the wire those that mean something are the first three, or the last. */
	form.skip = !(format->big_endian ? is_high : is_low);
	return form;
}

static uint8_t *put(uint8_t *at, uint32_t pixel, const struct form *form)
{
	uint8_t whole[4];

	if (form->bytes != 3)
		return qrt_vnc_p_put_pixel(at, pixel, form->bytes);
	qrt_vnc_p_put_pixel(whole, pixel, 4);
	memcpy(at, whole + form->skip, 3);
	return at + 3;
}

static uint8_t *put_palette(uint8_t *at, const struct qrt_vnc_p_palette *palette, const struct form *form)
{
	uint32_t i;

	for (i = 0; i < palette->count; i++)
		at = put(at, palette->colours[i], form);
	return at;
}

static uint8_t *put_raw(uint8_t *at, const struct tile *tile, const struct form *form)
{
	size_t i;

	*at++ = 0;
	for (i = 0; i < tile->count; i++)
		at = put(at, tile->pixels[i], form);
	return at;
}

/* ---- packed palettes ---- */

static uint32_t packed_bits(uint32_t colours)
{
	return colours <= 2 ? 1 : colours <= 4 ? 2 : 4;
}

static uint8_t *put_packed_row(uint8_t *at, const uint32_t *pixels, uint32_t width, uint32_t bits,
			       const struct qrt_vnc_p_palette *palette)
{
	uint32_t x, byte = 0, free = 8;

	for (x = 0; x < width; x++) {
		free -= bits;
		byte |= qrt_vnc_p_palette_index(palette, pixels[x]) << free;
		if (!free) {
			*at++ = (uint8_t)byte;
			byte = 0;
			free = 8;
		}
	}
	if (free < 8)
		*at++ = (uint8_t)byte;
	return at;
}

static uint8_t *put_packed(uint8_t *at, const struct tile *tile, const struct form *form,
			   const struct qrt_vnc_p_palette *palette)
{
	uint32_t y, bits = packed_bits(palette->count);

	at = qrt_vnc_p_put_u8(at, palette->count);
	at = put_palette(at, palette, form);
	for (y = 0; y < tile->height; y++)
		at = put_packed_row(at, tile->pixels + (size_t)y * tile->width, tile->width, bits, palette);
	return at;
}

/* ---- runs ---- */

static size_t run_at(const struct tile *tile, size_t at)
{
	size_t end = at + 1;

	while (end < tile->count && tile->pixels[end] == tile->pixels[at])
		end++;
	return end - at;
}

static uint8_t *put_length(uint8_t *at, size_t length)
{
	for (length--; length >= 255; length -= 255)
		*at++ = 255;
	return qrt_vnc_p_put_u8(at, (uint32_t)length);
}

static uint8_t *put_runs(uint8_t *at, const struct tile *tile, const struct form *form)
{
	size_t i, length;

	*at++ = PLAIN_RUNS;
	for (i = 0; i < tile->count; i += length) {
		length = run_at(tile, i);
		at = put(at, tile->pixels[i], form);
		at = put_length(at, length);
	}
	return at;
}

static uint8_t *put_palette_runs(uint8_t *at, const struct tile *tile, const struct form *form,
				 const struct qrt_vnc_p_palette *palette)
{
	size_t i, length;
	uint32_t index;

	at = qrt_vnc_p_put_u8(at, PLAIN_RUNS + palette->count);
	at = put_palette(at, palette, form);
	for (i = 0; i < tile->count; i += length) {
		length = run_at(tile, i);
		index = qrt_vnc_p_palette_index(palette, tile->pixels[i]);
		at = qrt_vnc_p_put_u8(at, length > 1 ? index | 128 : index);
		if (length > 1)
			at = put_length(at, length);
	}
	return at;
}

/* ---- tiles ---- */

/* More than any tile takes, where it cannot be done in that way. */
static struct cost cost_of(const struct tile *tile, const struct form *form,
			   const struct qrt_vnc_p_palette *palette)
{
	const size_t never = SIZE_MAX;
	size_t more = tile->count / 255, colours = (size_t)palette->count * form->bytes;
	size_t row = ((size_t)tile->width * packed_bits(palette->count) + 7) / 8;
	struct cost cost = {tile->count * form->bytes, never, never, never};

	cost.runs = (size_t)palette->runs * (form->bytes + 1) + more;
	if (palette->count >= 2)
		cost.palette = colours + 2 * (size_t)palette->runs - palette->singles + more;
	if (palette->count >= 2 && palette->count <= PACKED_MAX)
		cost.packed = colours + row * tile->height;
	return cost;
}

static uint8_t *put_tile(uint8_t *at, const struct tile *tile, const struct form *form,
			 struct qrt_vnc_p_palette *palette)
{
	struct cost cost;

	qrt_vnc_p_palette_find(palette, tile->pixels, tile->count, PALETTE_MAX);
	if (palette->count == 1)
		return put(qrt_vnc_p_put_u8(at, 1), palette->colours[0], form);
	cost = cost_of(tile, form, palette);
	if (cost.packed <= cost.raw && cost.packed <= cost.runs && cost.packed <= cost.palette)
		return put_packed(at, tile, form, palette);
	if (cost.palette <= cost.raw && cost.palette <= cost.runs)
		return put_palette_runs(at, tile, form, palette);
	return cost.runs < cost.raw ? put_runs(at, tile, form) : put_raw(at, tile, form);
}

static uint16_t least(uint32_t a, uint32_t b)
{
	return (uint16_t)(a < b ? a : b);
}

struct qrt_vnc_p_made qrt_vnc_p_encode_zrle(struct qrt_vnc_p_scratch *scratch,
					    const struct qrt_vnc_p_wanted *wanted, uint32_t width,
					    uint32_t height)
{
	const struct form form = form_of(&wanted->format);
	uint8_t *at = scratch->plain;
	uint32_t x, y;

	for (y = 0; y < height; y += TILE) {
		for (x = 0; x < width; x += TILE) {
			const struct qrt_vnc_rectangle area = {
				(uint16_t)x, (uint16_t)y, least(TILE, width - x), least(TILE, height - y)};
			const struct tile tile = {scratch->tile, area.width, area.height,
						  (size_t)area.width * area.height};

			qrt_vnc_p_take_tile(scratch, width, &area);
			at = put_tile(at, &tile, &form, &scratch->palette);
		}
	}
	return qrt_vnc_p_encode_stream(scratch, (size_t)(at - scratch->plain), QRT_VNC_P_STREAM_ZRLE);
}
