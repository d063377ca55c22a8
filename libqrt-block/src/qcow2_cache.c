/* SPDX-License-Identifier: MIT */
/* Slices of L2 tables. Each has its set by its place in the file, and there the least recently used one goes.
 */
#include <errno.h>
#include <stdlib.h>

#include "qcow2_queue_p.h"

#define SLOTS (QRT_BLOCK_P_QCOW2_SETS * QRT_BLOCK_P_QCOW2_WAYS)

int qrt_block_p_qcow2_cache_open(struct qrt_block_p_qcow2_cache *cache)
{
	size_t i;

	cache->bytes = aligned_alloc(QRT_BLOCK_P_PAGE, (size_t)SLOTS * QRT_BLOCK_P_QCOW2_SLICE_BYTES);
	if (!cache->bytes)
		return -ENOMEM;
	/* Its pages are there before the first request. */
	__builtin_memset(cache->bytes, 0, (size_t)SLOTS * QRT_BLOCK_P_QCOW2_SLICE_BYTES);
	for (i = 0; i < SLOTS; i++) {
		cache->slots[i].errand.what = QRT_BLOCK_P_QCOW2_FOR_TABLE;
		cache->slots[i].bytes = cache->bytes + i * QRT_BLOCK_P_QCOW2_SLICE_BYTES;
	}
	return 0;
}

void qrt_block_p_qcow2_cache_close(struct qrt_block_p_qcow2_cache *cache)
{
	free(cache->bytes);
	cache->bytes = NULL;
}

static struct qrt_block_p_qcow2_slot *set_of(struct qrt_block_p_qcow2_cache *cache, uint32_t layer,
					     uint64_t host)
{
	uint64_t mixed = (host / 512 + layer) * 0x9e3779b97f4a7c15u;

	return cache->slots + (mixed >> 32) % QRT_BLOCK_P_QCOW2_SETS * QRT_BLOCK_P_QCOW2_WAYS;
}

struct qrt_block_p_qcow2_slot *qrt_block_p_qcow2_cache_look(struct qrt_block_p_qcow2_cache *cache,
							    uint32_t layer, uint64_t host)
{
	struct qrt_block_p_qcow2_slot *slot = set_of(cache, layer, host);
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_QCOW2_WAYS; i++, slot++) {
		if (slot->state == QRT_BLOCK_P_QCOW2_EMPTY || slot->layer != layer || slot->host != host)
			continue;
		slot->used = ++cache->clock;
		return slot;
	}
	return NULL;
}

struct qrt_block_p_qcow2_slot *qrt_block_p_qcow2_cache_take(struct qrt_block_p_qcow2_cache *cache,
							    uint32_t layer, uint64_t host)
{
	struct qrt_block_p_qcow2_slot *slot = set_of(cache, layer, host), *oldest = NULL;
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_QCOW2_WAYS; i++, slot++) {
		if (slot->state != QRT_BLOCK_P_QCOW2_LOADING && (!oldest || slot->used < oldest->used))
			oldest = slot;
	}
	if (!oldest)
		return NULL;
	oldest->state = QRT_BLOCK_P_QCOW2_EMPTY;
	oldest->layer = layer;
	oldest->host = host;
	oldest->used = ++cache->clock;
	return oldest;
}
