/* SPDX-License-Identifier: MIT */
#include "palette_p.h"

static uint32_t slot_of(uint32_t colour)
{
	return colour * 2654435761u >> 22;
}

static void clear(struct qrt_vnc_p_palette *palette)
{
	while (palette->used)
		palette->slots[palette->places[--palette->used]] = 0;
	palette->count = palette->runs = palette->singles = 0;
}

/* Where the colour is, or may be put. There are more slots than colours. */
static uint32_t find_slot(const struct qrt_vnc_p_palette *palette, uint32_t colour)
{
	uint32_t slot = slot_of(colour);

	while (palette->slots[slot] && palette->colours[palette->slots[slot] - 1] != colour)
		slot = (slot + 1) % QRT_VNC_P_SLOTS;
	return slot;
}

/* 0: it would be one too many. */
static int add(struct qrt_vnc_p_palette *palette, uint32_t colour, size_t length, uint32_t max)
{
	uint32_t slot = find_slot(palette, colour);

	if (!palette->slots[slot]) {
		if (palette->used == max)
			return 0;
		palette->colours[palette->used] = colour;
		palette->weights[palette->used] = 0;
		palette->places[palette->used] = (uint16_t)slot;
		palette->slots[slot] = (uint16_t)++palette->used;
	}
	palette->weights[palette->slots[slot] - 1] += (uint32_t)length;
	return 1;
}

/* Without branches, for the compiler to make vectors of. */
static uint32_t bits_that_differ(const uint32_t *pixels, size_t count)
{
	uint32_t differ = 0, first = pixels[0];
	size_t i;

	for (i = 1; i < count; i++)
		differ |= pixels[i] ^ first;
	return differ;
}

static uint32_t count_changes(const uint32_t *pixels, size_t count)
{
	uint32_t changes = 0;
	size_t i;

	for (i = 1; i < count; i++)
		changes += pixels[i] != pixels[i - 1];
	return changes;
}

/* Returns how many pixels were taken in. */
static size_t take_runs(struct qrt_vnc_p_palette *palette, const uint32_t *pixels, size_t count, uint32_t max)
{
	size_t at = 0, end;

	while (at < count) {
		for (end = at + 1; end < count && pixels[end] == pixels[at]; end++)
			;
		if (!add(palette, pixels[at], end - at, max))
			break;
		palette->runs++;
		palette->singles += end == at + 1;
		at = end;
	}
	return at;
}

void qrt_vnc_p_palette_find(struct qrt_vnc_p_palette *palette, const uint32_t *pixels, size_t count,
			    uint32_t max)
{
	size_t taken;

	clear(palette);
	if (!bits_that_differ(pixels, count)) {
		add(palette, pixels[0], count, max);
		palette->count = palette->runs = 1;
		return;
	}
	taken = take_runs(palette, pixels, count, max);
	if (taken == count)
		palette->count = palette->used;
	else
		palette->runs += 1 + count_changes(pixels + taken, count - taken);
}

uint32_t qrt_vnc_p_palette_index(const struct qrt_vnc_p_palette *palette, uint32_t colour)
{
	return palette->slots[find_slot(palette, colour)] - 1u;
}
