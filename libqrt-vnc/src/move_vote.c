/* SPDX-License-Identifier: MIT */
/* Where things came from. Marks are places that are picked out by what is drawn just there, and so are the
 * same ones after it moved, however far and whereto. Those of the old picture that are there once are kept;
 * each one of the new picture that is among them is a vote for the way between the two. */
#include <string.h>

#include "move_p.h"

#define SEGMENT    32u /* pixels of a row that a mark's key is made of */
#define ROWS       3u  /* so many rows of it, for two letters are often beside each other, not three lines */
#define DEPTH      12u /* rows that it needs from the first to the last one */
#define WINDOW     8u  /* pixels that decide whether a place is one: 64 bits, 8 of them gone a pixel */
#define PROBES     8u
#define STEP       4u /* of rows of the new picture that are looked at */
#define VOTES_MIN  3u
#define SHIFT_MIN  3u
#define MARKS_AIM  (QRT_VNC_P_MARKS / 2)
#define HASHES_MAX QRT_VNC_P_MARKS

static const uint32_t depths[ROWS] = {0, 5, DEPTH - 1};

struct search {
	struct qrt_vnc_move *move;
	const struct qrt_vnc_surface *picture;
	uint64_t secret;
	uint32_t mask, shift;
	uint32_t left, right; /* columns of pixels */
	uint32_t hashes;      /* that may still be made: what a hostile picture costs has an end */
	void (*found)(struct qrt_vnc_move *move, uint64_t key, uint32_t x, uint32_t y);
};

static inline __attribute__((always_inline)) uint32_t load(const uint8_t *row, uint32_t x, uint32_t bits)
{
	if (bits == 32)
		return ((const uint32_t *)(const void *)row)[x];
	return bits == 16 ? ((const uint16_t *)(const void *)row)[x] : row[x];
}

static uint64_t mix(uint64_t hash, uint64_t value, uint64_t secret)
{
	hash = (hash ^ value) * secret;
	return hash ^ hash >> 29;
}

static uint64_t key_of(const struct search *search, uint32_t x, uint32_t y)
{
	uint32_t row, i, bits = search->picture->bits;
	uint64_t hash = 0;

	for (row = 0; row < ROWS; row++) {
		const uint8_t *pixels = qrt_vnc_p_row(search->picture, y + depths[row]);

		for (i = 0; i < SEGMENT; i++)
			hash = mix(hash, load(pixels, x + i, bits) & search->mask, search->secret);
	}
	return hash;
}

static inline __attribute__((always_inline)) void search_pixels(struct search *search, uint32_t y,
								uint32_t left, uint32_t right, uint32_t bits)
{
	const uint8_t *row = qrt_vnc_p_row(search->picture, y);
	uint32_t x, pixel, last = load(row, left, bits) & search->mask;
	uint32_t mask = search->mask, shift = 64 - search->shift;
	uint64_t rolling = 0, secret = search->secret;

	for (x = left; x < right; x++) {
		pixel = load(row, x, bits) & mask;
		rolling = (rolling << 8) + (pixel + 1) * secret;
		/* Without an edge there are as many as there is plain ground. */
		if (rolling >> shift == 0 && pixel != last && x >= left + WINDOW) {
			if (!search->hashes)
				return;
			search->hashes--;
			search->found(search->move, key_of(search, x, y), x, y);
		}
		last = pixel;
	}
}

static void search_row(struct search *search, uint32_t y, uint32_t left, uint32_t right)
{
	uint32_t end = search->picture->width >= SEGMENT ? search->picture->width - SEGMENT + 1 : 0;

	/* The pixels before it decide, too. */
	left = left > WINDOW ? left - WINDOW : 0;
	if (left < search->left)
		left = search->left;
	if (right > search->right)
		right = search->right;
	if (right > end)
		right = end;
	if (left >= right)
		return;
	if (search->picture->bits == 32)
		search_pixels(search, y, left, right, 32);
	else if (search->picture->bits == 16)
		search_pixels(search, y, left, right, 16);
	else
		search_pixels(search, y, left, right, 8);
}

/* In the tiles of a row that changed. */
static void search_tiles(struct search *search, const struct qrt_vnc_p_span *span, uint32_t row, uint32_t y)
{
	const uint8_t *tiles = search->move->tiles + (size_t)row * search->move->columns;
	uint32_t begin, column = span->left;

	while (column < span->right) {
		while (column < span->right && !(tiles[column] & QRT_VNC_P_CHANGED))
			column++;
		begin = column;
		while (column < span->right && tiles[column] & QRT_VNC_P_CHANGED)
			column++;
		if (begin < column)
			search_row(search, y, begin * QRT_VNC_P_TILE, column * QRT_VNC_P_TILE);
	}
}

static void search_span(struct search *search, const struct qrt_vnc_p_span *span, uint32_t step)
{
	uint32_t y, end = span->bottom * QRT_VNC_P_TILE;

	if (end > search->picture->height)
		end = search->picture->height;
	for (y = span->top * QRT_VNC_P_TILE; y < end && y + DEPTH <= search->picture->height; y += step)
		search_tiles(search, span, y / QRT_VNC_P_TILE, y);
}

/* The place of a key, or the one where it would be; NULL: there is no room. */
static struct qrt_vnc_p_mark *look_up(struct qrt_vnc_move *move, uint64_t key)
{
	uint32_t i;

	for (i = 0; i < PROBES; i++) {
		struct qrt_vnc_p_mark *mark = &move->marks[(key + i) % QRT_VNC_P_MARKS];

		if (mark->round != move->round || mark->key == key)
			return mark;
	}
	return NULL;
}

static void keep(struct qrt_vnc_move *move, uint64_t key, uint32_t x, uint32_t y)
{
	struct qrt_vnc_p_mark *mark = look_up(move, key);

	if (!mark)
		return;
	if (mark->round == move->round) {
		mark->is_ambiguous = true;
		return;
	}
	*mark = (struct qrt_vnc_p_mark){key, move->round, (uint16_t)x, (uint16_t)y, false};
}

static void vote(struct qrt_vnc_move *move, uint64_t key, uint32_t x, uint32_t y)
{
	const struct qrt_vnc_p_mark *mark = look_up(move, key);
	struct qrt_vnc_p_vector way;
	uint32_t i, at;

	if (!mark || mark->round != move->round || mark->is_ambiguous || (mark->x == x && mark->y == y))
		return;
	way = (struct qrt_vnc_p_vector){mark->x - (int32_t)x, mark->y - (int32_t)y, 1};
	at = (uint32_t)((uint64_t)((uint32_t)way.x << 16 ^ ((uint32_t)way.y & 0xffff)) * move->secret >> 40);
	for (i = 0; i < PROBES; i++) {
		struct qrt_vnc_p_vector *one = &move->votes[(at + i) % QRT_VNC_P_VOTES];

		if (one->votes && (one->x != way.x || one->y != way.y))
			continue;
		way.votes = one->votes + 1;
		*one = way;
		return;
	}
}

static uint32_t best_of(const struct qrt_vnc_move *move, struct qrt_vnc_p_vector *ret_vectors)
{
	uint32_t i, at, count = 0;

	for (i = 0; i < QRT_VNC_P_VOTES; i++) {
		if (move->votes[i].votes < VOTES_MIN ||
		    (count == QRT_VNC_P_CANDIDATES && move->votes[i].votes <= ret_vectors[count - 1].votes))
			continue;
		at = count < QRT_VNC_P_CANDIDATES ? count++ : count - 1;
		for (; at && ret_vectors[at - 1].votes < move->votes[i].votes; at--)
			ret_vectors[at] = ret_vectors[at - 1];
		ret_vectors[at] = move->votes[i];
	}
	return count;
}

/* A band in the middle, where there are more pixels than shall be looked at: what scrolls is seen there. */
static void limit(struct search *search, const struct qrt_vnc_p_span *span, uint32_t looks_max)
{
	uint32_t width = (span->right - span->left) * QRT_VNC_P_TILE;
	uint32_t height = (span->bottom - span->top) * QRT_VNC_P_TILE;
	uint32_t most = looks_max / height > 4 * SEGMENT ? looks_max / height : 4 * SEGMENT;

	search->left = span->left * QRT_VNC_P_TILE;
	if (width > most) {
		search->left += (width - most) / 2;
		width = most;
	}
	search->right = search->left + width;
	search->shift = SHIFT_MIN;
	while ((uint64_t)width * height >> search->shift > MARKS_AIM)
		search->shift++;
}

uint32_t qrt_vnc_p_vote(struct qrt_vnc_move *move, const struct qrt_vnc_p_pictures *pictures,
			const struct qrt_vnc_p_span *span, struct qrt_vnc_p_vector *ret_vectors)
{
	struct search search = {.move = move,
				.picture = &pictures->before,
				.secret = move->secret,
				.mask = pictures->mask,
				.hashes = HASHES_MAX,
				.found = keep};

	if (!++move->round) {
		memset(move->marks, 0, QRT_VNC_P_MARKS * sizeof(*move->marks));
		move->round = 1;
	}
	memset(move->votes, 0, sizeof(move->votes));
	limit(&search, span, move->config.looks_max);
	search_span(&search, span, 1);
	search.picture = &pictures->now;
	search.hashes = HASHES_MAX;
	search.found = vote;
	search_span(&search, span, STEP);
	return best_of(move, ret_vectors);
}
