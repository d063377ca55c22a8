/* SPDX-License-Identifier: MIT */
#include "recorder_ring.h"

#include <glib.h>
#include <string.h>

struct recorder_ring {
	size_t capacity;
	uint64_t pushed;
	uint64_t since_ns;
	struct recorder_entry entries[];
};

struct recorder_ring *recorder_ring_new(size_t capacity, uint64_t since_ns)
{
	size_t size = sizeof(struct recorder_ring) + capacity * sizeof(struct recorder_entry);
	struct recorder_ring *ring = g_malloc(size);

	/* Touched, so that no page has to come when it matters. */
	memset(ring, 0xff, size);
	ring->capacity = capacity;
	ring->pushed = 0;
	ring->since_ns = since_ns;
	return ring;
}

struct recorder_ring *recorder_ring_free(struct recorder_ring *ring)
{
	g_free(ring);
	return NULL;
}

void recorder_ring_push(struct recorder_ring *ring, const struct recorder_entry *entry)
{
	struct recorder_entry *place = &ring->entries[ring->pushed % ring->capacity];

	if (ring->pushed >= ring->capacity && place->time_ns > ring->since_ns)
		ring->since_ns = place->time_ns;
	*place = *entry;
	ring->pushed++;
}

size_t recorder_ring_count(const struct recorder_ring *ring)
{
	return ring->pushed < ring->capacity ? (size_t)ring->pushed : ring->capacity;
}

const struct recorder_entry *recorder_ring_get(const struct recorder_ring *ring, size_t index)
{
	uint64_t first = ring->pushed - recorder_ring_count(ring);

	return &ring->entries[(first + index) % ring->capacity];
}

/* Entries come nearly in the order of time: a mutex is told after its wait. */
size_t recorder_ring_find(const struct recorder_ring *ring, uint64_t since_ns)
{
	size_t index = 0, count = recorder_ring_count(ring);

	while (index < count && recorder_ring_get(ring, index)->time_ns < since_ns)
		index++;
	return index;
}

uint64_t recorder_ring_get_since(const struct recorder_ring *ring)
{
	return ring->since_ns;
}
