/* SPDX-License-Identifier: MIT */
/* One CPU with a watched thread and another, and the model that is told of them. */
#ifndef QRT_TESTS_BLAME_WORLD_H
#define QRT_TESTS_BLAME_WORLD_H

#include "blame_model.h"

#define MS 1000000u

#define TID   7 /* the watched thread */
#define OTHER 9

/* What the model emitted, and a small kernel that feeds it. */
struct world {
	struct blame_model *model;
	struct blame_delay delays[64];
	size_t count;
	uint64_t run_delay, arrivals;
};

void open_world(struct world *world);
void close_world(struct world *world);
void go_out(struct world *world, uint64_t time, bool still_ready);
/* Comes in after having waited in the queue, as the kernel accounts it. */
void come_in(struct world *world, uint64_t time, uint64_t waited);
/* The accounts are read at that time, and given to the model. */
void sample(struct world *world, uint64_t time);
struct blame_counts counts_of(const struct world *world);

#endif
