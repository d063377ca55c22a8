/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "move_p.h"

static struct qrt_vnc_rectangle source_of(const struct qrt_vnc_copy *copy)
{
	return (struct qrt_vnc_rectangle){copy->x, copy->y, copy->to.width, copy->to.height};
}

static bool do_overlap(const struct qrt_vnc_rectangle *one, const struct qrt_vnc_rectangle *other)
{
	return one->x < other->x + other->width && other->x < one->x + one->width &&
	       one->y < other->y + other->height && other->y < one->y + one->height;
}

/* Whether a copy writes to what one of the others still reads. */
static bool is_in_the_way(const struct qrt_vnc_move *move, uint32_t which)
{
	struct qrt_vnc_rectangle source;
	uint32_t i;

	for (i = 0; i < move->count; i++) {
		source = source_of(&move->copies[i]);
		if (i != which && do_overlap(&move->copies[which].to, &source))
			return true;
	}
	return false;
}

static void take_out(struct qrt_vnc_move *move, uint32_t which)
{
	move->count--;
	move->copies[which] = move->copies[move->count];
	move->worth[which] = move->worth[move->count];
}

static uint32_t find_free(const struct qrt_vnc_move *move)
{
	uint32_t i;

	for (i = 0; i < move->count; i++) {
		if (!is_in_the_way(move, i))
			return i;
	}
	return move->count;
}

static uint32_t find_least(const struct qrt_vnc_move *move)
{
	uint32_t i, least = 0;

	for (i = 1; i < move->count; i++) {
		if (move->worth[i] < move->worth[least])
			least = i;
	}
	return least;
}

void qrt_vnc_p_order(struct qrt_vnc_move *move)
{
	uint32_t i, which, count = 0;

	move->pixels = 0;
	while (move->count) {
		which = find_free(move);
		if (which < move->count) {
			move->pixels += move->worth[which];
			move->ordered[count++] = move->copies[which];
		} else {
			/* They wait for each other in a ring. */
			which = find_least(move);
		}
		take_out(move, which);
	}
	move->count = count;
	for (i = 0; i < count; i++)
		move->rectangles[i] = move->ordered[i].to;
}

void qrt_vnc_p_carry_out(const struct qrt_vnc_surface *picture, const struct qrt_vnc_copy *copy)
{
	uint32_t i, y, height = copy->to.height, bytes = picture->bits / 8;
	bool is_down = copy->to.y > copy->y;

	for (i = 0; i < height; i++) {
		y = is_down ? height - 1 - i : i;
		memmove((uint8_t *)picture->pixels + picture->stride * (int64_t)(copy->to.y + y) +
				(size_t)copy->to.x * bytes,
			qrt_vnc_p_row(picture, copy->y + y) + (size_t)copy->x * bytes,
			(size_t)copy->to.width * bytes);
	}
}
