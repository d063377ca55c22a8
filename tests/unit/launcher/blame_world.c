/* SPDX-License-Identifier: MIT */
#include "blame_world.h"

#include "tap.h"

#include <string.h>

static void keep(void *context, const struct blame_delay *delay)
{
	struct world *world = context;

	CU_ASSERT_TRUE_FATAL(world->count < 64);
	world->delays[world->count++] = *delay;
}

void open_world(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->model = blame_model_new(MS, keep, world);
	blame_model_watch(world->model, TID);
}

void close_world(struct world *world)
{
	blame_model_free(world->model);
}

void go_out(struct world *world, uint64_t time, bool still_ready)
{
	struct blame_switch record = {.time_ns = time, .out = TID, .in = OTHER, .still_ready = still_ready};

	blame_model_switch(world->model, &record);
}

void come_in(struct world *world, uint64_t time, uint64_t waited)
{
	struct blame_switch record = {.time_ns = time, .out = OTHER, .in = TID};

	blame_model_switch(world->model, &record);
	world->run_delay += waited;
	world->arrivals++;
}

void sample(struct world *world, uint64_t time)
{
	struct blame_sample sample = {
		.before_ns = time,
		.after_ns = time + 5000,
		.run_delay_ns = world->run_delay,
		.arrivals = world->arrivals,
	};

	blame_model_sample(world->model, TID, &sample);
}

struct blame_counts counts_of(const struct world *world)
{
	struct blame_counts counts;

	blame_model_get_counts(world->model, &counts);
	return counts;
}
