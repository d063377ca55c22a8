/* SPDX-License-Identifier: MIT */
#include "chunk_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WASTE 4u /* memory of more than so many times what is needed is given back */

/* ---- the pool ---- */

static void push(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk)
{
	chunk->next = pool->free;
	pool->free = chunk;
	pool->free_count++;
}

int qrt_vnc_p_pool_init(struct qrt_vnc_p_pool *pool, uint32_t count)
{
	uint32_t i;

	memset(pool, 0, sizeof(*pool));
	for (pool->slots_count = 1; pool->slots_count < 2 * count;)
		pool->slots_count *= 2;
	pool->chunks = calloc(count, sizeof(*pool->chunks));
	pool->slots = calloc(pool->slots_count, sizeof(struct qrt_vnc_p_chunk *));
	if (!pool->chunks || !pool->slots) {
		qrt_vnc_p_pool_finish(pool);
		return -ENOMEM;
	}
	pool->count = count;
	for (i = count; i > 0; i--)
		push(pool, &pool->chunks[i - 1]);
	return 0;
}

void qrt_vnc_p_pool_finish(struct qrt_vnc_p_pool *pool)
{
	uint32_t i;

	for (i = 0; pool->chunks && i < pool->count; i++)
		free(pool->chunks[i].bytes);
	free(pool->chunks);
	free(pool->slots);
	memset(pool, 0, sizeof(*pool));
}

static void fetch_orphans(struct qrt_vnc_p_pool *pool)
{
	struct qrt_vnc_p_chunk **link = &pool->orphans, *chunk;

	while ((chunk = *link)) {
		if (atomic_load_explicit(&chunk->state, memory_order_acquire) == QRT_VNC_P_CHUNK_LEFT) {
			*link = chunk->next;
			push(pool, chunk);
		} else {
			link = &chunk->next;
		}
	}
}

void qrt_vnc_p_pool_begin(struct qrt_vnc_p_pool *pool)
{
	fetch_orphans(pool);
	memset(pool->slots, 0, pool->slots_count * sizeof(struct qrt_vnc_p_chunk *));
}

/* ---- one of a kind ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct qrt_vnc_rectangle *rectangle, const struct qrt_vnc_p_wanted *wanted)
{
	uint64_t place, format[2];

	memcpy(&place, rectangle, sizeof(place));
	memcpy(format, &wanted->format, sizeof(format));
	return mix(mix(mix(mix(1, place), format[0]), format[1]),
		   (uint64_t)wanted->encoding << 32 | wanted->quality);
}

static int is_that(const struct qrt_vnc_p_chunk *chunk, const struct qrt_vnc_rectangle *rectangle,
		   const struct qrt_vnc_p_wanted *wanted)
{
	return !memcmp(&chunk->rectangle, rectangle, sizeof(*rectangle)) &&
	       !memcmp(&chunk->wanted.format, &wanted->format, sizeof(wanted->format)) &&
	       chunk->wanted.encoding == wanted->encoding && chunk->wanted.quality == wanted->quality;
}

/* Where it is, or where it would be. There are more slots than chunks. */
static struct qrt_vnc_p_chunk **find(struct qrt_vnc_p_pool *pool, const struct qrt_vnc_rectangle *rectangle,
				     const struct qrt_vnc_p_wanted *wanted)
{
	uint32_t slot = (uint32_t)hash_of(rectangle, wanted) & (pool->slots_count - 1);

	while (pool->slots[slot] && !is_that(pool->slots[slot], rectangle, wanted))
		slot = (slot + 1) & (pool->slots_count - 1);
	return &pool->slots[slot];
}

struct qrt_vnc_p_chunk *qrt_vnc_p_pool_get(struct qrt_vnc_p_pool *pool,
					   const struct qrt_vnc_rectangle *rectangle,
					   const struct qrt_vnc_p_wanted *wanted, int *ret_is_new)
{
	struct qrt_vnc_p_chunk **slot = find(pool, rectangle, wanted), *chunk = *slot;

	*ret_is_new = !chunk;
	if (chunk) {
		chunk->references++;
		return chunk;
	}
	chunk = pool->free;
	if (!chunk)
		return NULL;
	pool->free = chunk->next;
	pool->free_count--;
	*slot = chunk;
	chunk->next = NULL;
	chunk->rectangle = *rectangle;
	chunk->wanted = *wanted;
	chunk->references = 1;
	chunk->made = (struct qrt_vnc_p_made){0};
	atomic_store_explicit(&chunk->state, QRT_VNC_P_CHUNK_WAITS, memory_order_relaxed);
	return chunk;
}

/* What was put last into a table of open addressing is on nobody else's way. */
void qrt_vnc_p_pool_unget(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk, int is_new)
{
	if (is_new)
		*find(pool, &chunk->rectangle, &chunk->wanted) = NULL;
	qrt_vnc_p_pool_put(pool, chunk);
}

void qrt_vnc_p_pool_put(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk)
{
	if (--chunk->references == 0)
		push(pool, chunk);
}

void qrt_vnc_p_pool_drop(struct qrt_vnc_p_pool *pool, struct qrt_vnc_p_chunk *chunk)
{
	uint32_t taken = QRT_VNC_P_CHUNK_TAKEN;

	chunk->references = 0;
	if (!atomic_compare_exchange_strong(&chunk->state, &taken, QRT_VNC_P_CHUNK_ORPHAN)) {
		push(pool, chunk);
		return;
	}
	chunk->next = pool->orphans;
	pool->orphans = chunk;
}

/* ---- what came out ---- */

int qrt_vnc_p_chunk_fill(struct qrt_vnc_p_chunk *chunk, const struct qrt_vnc_p_made *made, const uint8_t *out)
{
	if (chunk->room < made->size || chunk->room / WASTE > made->size) {
		free(chunk->bytes);
		chunk->bytes = malloc(made->size);
		chunk->room = chunk->bytes ? made->size : 0;
	}
	if (!chunk->bytes)
		return -ENOMEM;
	memcpy(chunk->bytes, out, made->size);
	chunk->made = *made;
	return 0;
}
