/* SPDX-License-Identifier: MIT */
/* What rings of task switches held at one moment: copied in a moment, and read when there is time. */
#ifndef QRT_LAUNCHER_BLAME_COPY_H
#define QRT_LAUNCHER_BLAME_COPY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct blame_copy_ring {
	uint32_t cpu;
	bool is_overwritten;
	uint64_t since_ns;
	size_t size;
	void *bytes;
};

struct blame_copy;

struct blame_copy *blame_copy_new(void);
struct blame_copy *blame_copy_free(struct blame_copy *copy);
/* Adds a CPU's ring: records, the newest first, the last of them may be cut off. It goes back to since_ns;
 * one whose oldest records were overwritten as far as its records do, to since_ns where there are none. Takes
 * the bytes, of g_malloc(). */
void blame_copy_add(struct blame_copy *copy, const struct blame_copy_ring *ring);
/* Appends what the rings hold (struct blame_event), in no order. Returns the time from when on nothing is
 * missing. Pure. */
uint64_t blame_copy_read(const struct blame_copy *copy, GArray *events);

#endif
