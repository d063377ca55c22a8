/* SPDX-License-Identifier: MIT */
#include "ring_p.h"

#include <errno.h>
#include <stdlib.h>

int qrt_block_p_ring_init(struct qrt_block_p_ring *ring, uint32_t capacity)
{
	uint64_t size = 2, i;

	while (size < capacity)
		size *= 2;
	ring->cells = calloc(size, sizeof(*ring->cells));
	if (!ring->cells)
		return -ENOMEM;
	ring->mask = size - 1;
	for (i = 0; i < size; i++)
		atomic_init(&ring->cells[i].turn, i);
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	return 0;
}

void qrt_block_p_ring_finish(struct qrt_block_p_ring *ring)
{
	free(ring->cells);
	ring->cells = NULL;
}

int qrt_block_p_ring_put(struct qrt_block_p_ring *ring, void *item)
{
	uint64_t place = atomic_load_explicit(&ring->head, memory_order_relaxed);

	for (;;) {
		struct qrt_block_p_ring_cell *cell = &ring->cells[place & ring->mask];
		uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);

		if (turn < place)
			return -EAGAIN;
		if (turn == place && atomic_compare_exchange_weak(&ring->head, &place, place + 1)) {
			cell->item = item;
			atomic_store_explicit(&cell->turn, place + 1, memory_order_release);
			return 0;
		}
		if (turn > place)
			place = atomic_load_explicit(&ring->head, memory_order_relaxed);
	}
}

void *qrt_block_p_ring_take(struct qrt_block_p_ring *ring)
{
	uint64_t place = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	for (;;) {
		struct qrt_block_p_ring_cell *cell = &ring->cells[place & ring->mask];
		uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);

		if (turn < place + 1)
			return NULL;
		if (turn == place + 1 && atomic_compare_exchange_weak(&ring->tail, &place, place + 1)) {
			void *item = cell->item;

			atomic_store_explicit(&cell->turn, place + ring->mask + 1, memory_order_release);
			return item;
		}
		if (turn > place + 1)
			place = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	}
}

int qrt_block_p_ring_has(struct qrt_block_p_ring *ring)
{
	uint64_t place = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	return atomic_load_explicit(&ring->cells[place & ring->mask].turn, memory_order_acquire) > place;
}
