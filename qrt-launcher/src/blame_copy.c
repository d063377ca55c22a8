/* SPDX-License-Identifier: MIT */
#include "blame_copy.h"

#include "blame_perf.h"

#include <linux/perf_event.h>

struct blame_copy {
	GArray *rings; /* struct blame_copy_ring */
};

struct blame_copy *blame_copy_new(void)
{
	struct blame_copy *copy = g_new0(struct blame_copy, 1);

	copy->rings = g_array_new(FALSE, FALSE, sizeof(struct blame_copy_ring));
	return copy;
}

struct blame_copy *blame_copy_free(struct blame_copy *copy)
{
	guint i;

	if (!copy)
		return NULL;
	for (i = 0; i < copy->rings->len; i++)
		g_free(g_array_index(copy->rings, struct blame_copy_ring, i).bytes);
	g_array_unref(copy->rings);
	g_free(copy);
	return NULL;
}

void blame_copy_add(struct blame_copy *copy, const struct blame_copy_ring *ring)
{
	g_array_append_vals(copy->rings, ring, 1);
}

static uint64_t read_ring(const struct blame_copy_ring *ring, GArray *events)
{
	uint64_t since_ns = ring->since_ns;
	const struct perf_event_header *header;
	struct blame_event event;
	size_t at = 0;

	while (at + sizeof(*header) <= ring->size) {
		header = (const void *)((const char *)ring->bytes + at);
		if (header->size < sizeof(*header) || header->size > ring->size - at)
			break;
		at += header->size;
		if (!blame_perf_decode(header, header->size, ring->cpu, &event))
			continue;
		g_array_append_val(events, event);
		if (ring->is_overwritten)
			since_ns = event.time_ns;
	}
	return since_ns;
}

uint64_t blame_copy_read(const struct blame_copy *copy, GArray *events)
{
	uint64_t since_ns = 0, of_ring_ns;
	guint i;

	for (i = 0; i < copy->rings->len; i++) {
		of_ring_ns = read_ring(&g_array_index(copy->rings, struct blame_copy_ring, i), events);
		since_ns = MAX(since_ns, of_ring_ns);
	}
	return since_ns;
}
