/* SPDX-License-Identifier: MIT */
#include "buffers_p.h"

#include <errno.h>
#include <stdlib.h>

static uintptr_t begin_of(const struct iovec *part)
{
	return (uintptr_t)part->iov_base;
}

static int compare(const void *a, const void *b)
{
	uintptr_t first = begin_of(a), second = begin_of(b);

	return (first > second) - (first < second);
}

/* How many pieces they are; 0: too many, or one is none. */
static uint32_t count_pieces(const struct iovec *parts, uint32_t count)
{
	uint64_t pieces = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (!parts[i].iov_base || !parts[i].iov_len ||
		    parts[i].iov_len > UINTPTR_MAX - begin_of(&parts[i]))
			return 0;
		pieces += (parts[i].iov_len - 1) / QRT_BLOCK_P_BUFFER_BYTES + 1;
		if (pieces > QRT_BLOCK_P_PIECES_MAX)
			return 0;
	}
	return (uint32_t)pieces;
}

static void cut(struct qrt_block_p_buffers *buffers, const struct iovec *part)
{
	size_t at, left;

	for (at = 0; at < part->iov_len; at += QRT_BLOCK_P_BUFFER_BYTES) {
		struct iovec *piece = &buffers->pieces[buffers->count++];

		left = part->iov_len - at;
		piece->iov_base = (char *)part->iov_base + at;
		piece->iov_len = left < QRT_BLOCK_P_BUFFER_BYTES ? left : QRT_BLOCK_P_BUFFER_BYTES;
	}
}

static int do_overlap(const struct qrt_block_p_buffers *buffers)
{
	uint32_t i;

	for (i = 1; i < buffers->count; i++) {
		const struct iovec *before = &buffers->pieces[i - 1];

		if (begin_of(before) + before->iov_len > begin_of(before + 1))
			return 1;
	}
	return 0;
}

int qrt_block_p_buffers_init(struct qrt_block_p_buffers *buffers, const struct iovec *parts, uint32_t count)
{
	uint32_t i, pieces = count > QRT_BLOCK_P_BUFFERS_MAX ? 0 : count_pieces(parts, count);

	*buffers = (struct qrt_block_p_buffers){NULL, 0};
	if (!count)
		return 0;
	if (!pieces)
		return -EINVAL;
	buffers->pieces = calloc(pieces, sizeof(*buffers->pieces));
	if (!buffers->pieces)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		cut(buffers, &parts[i]);
	qsort(buffers->pieces, buffers->count, sizeof(*buffers->pieces), compare);
	if (!do_overlap(buffers))
		return 0;
	qrt_block_p_buffers_finish(buffers);
	return -EINVAL;
}

void qrt_block_p_buffers_finish(struct qrt_block_p_buffers *buffers)
{
	free(buffers->pieces);
	*buffers = (struct qrt_block_p_buffers){NULL, 0};
}

int qrt_block_p_buffers_find(const struct qrt_block_p_buffers *buffers, const struct iovec *part)
{
	uint32_t low = 0, high = buffers->count;
	const struct iovec *piece;
	uintptr_t inside;

	/* The last one that begins at or before it. */
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (begin_of(&buffers->pieces[middle]) <= begin_of(part))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return -1;
	piece = &buffers->pieces[low - 1];
	inside = begin_of(part) - begin_of(piece);
	return inside < piece->iov_len && part->iov_len <= piece->iov_len - inside ? (int)(low - 1) : -1;
}
