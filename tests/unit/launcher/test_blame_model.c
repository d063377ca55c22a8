/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "blame_model.h"

#include <string.h>

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

static void keep(void *context, const struct blame_delay *delay)
{
	struct world *world = context;

	CU_ASSERT_TRUE_FATAL(world->count < 64);
	world->delays[world->count++] = *delay;
}

static void open_world(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->model = blame_model_new(MS, keep, world);
	blame_model_watch(world->model, TID);
}

static void close_world(struct world *world)
{
	blame_model_free(world->model);
}

static void go_out(struct world *world, uint64_t time, bool still_ready)
{
	struct blame_switch record = {.time_ns = time, .out = TID, .in = OTHER, .still_ready = still_ready};

	blame_model_switch(world->model, &record);
}

/* Comes in after having waited in the queue, as the kernel accounts it. */
static void come_in(struct world *world, uint64_t time, uint64_t waited)
{
	struct blame_switch record = {.time_ns = time, .out = OTHER, .in = TID};

	blame_model_switch(world->model, &record);
	world->run_delay += waited;
	world->arrivals++;
}

static void sample(struct world *world, uint64_t time)
{
	struct blame_sample sample = {
		.before_ns = time,
		.after_ns = time + 5000,
		.run_delay_ns = world->run_delay,
		.arrivals = world->arrivals,
	};

	blame_model_sample(world->model, TID, &sample);
}

static struct blame_counts counts_of(const struct world *world)
{
	struct blame_counts counts;

	blame_model_get_counts(world->model, &counts);
	return counts;
}

static void preemption_is_exact_and_names_who_ran(void)
{
	struct world world;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 20 * MS, true);
	come_in(&world, 25 * MS, 5 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].kind, BLAME_PREEMPTED);
	CU_ASSERT_EQUAL(world.delays[0].start_ns, 20 * MS);
	CU_ASSERT_EQUAL(world.delays[0].ns, 5 * MS);
	CU_ASSERT_EQUAL(world.delays[0].least_ns, 5 * MS);
	CU_ASSERT_EQUAL(world.delays[0].culprits_count, 1);
	CU_ASSERT_EQUAL(world.delays[0].culprits[0].tid, OTHER);
	CU_ASSERT_EQUAL(world.delays[0].culprits[0].ns, 5 * MS);
	close_world(&world);
}

static void short_preemptions_and_sleep_are_no_delay(void)
{
	struct world world;

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 20 * MS, true);
	come_in(&world, 20 * MS + 900000, 900000);
	go_out(&world, 30 * MS, false);
	come_in(&world, 80 * MS, 0);
	sample(&world, 90 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	CU_ASSERT_EQUAL(counts_of(&world).possible, 0);
	close_world(&world);
}

static void one_wake_up_is_exact(void)
{
	struct world world;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 20 * MS, false);
	sample(&world, 21 * MS);
	come_in(&world, 40 * MS, 3 * MS);
	sample(&world, 45 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].kind, BLAME_WOKEN);
	CU_ASSERT_EQUAL(world.delays[0].ns, 3 * MS);
	CU_ASSERT_EQUAL(world.delays[0].least_ns, 3 * MS);
	CU_ASSERT_EQUAL(world.delays[0].start_ns, 37 * MS);
	CU_ASSERT_EQUAL(world.delays[0].wakes, 1);
	CU_ASSERT_EQUAL(world.delays[0].culprits[0].tid, OTHER);
	close_world(&world);
}

static void preemptions_are_not_counted_as_wake_ups(void)
{
	struct world world;

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 20 * MS, true);
	come_in(&world, 24 * MS, 4 * MS);
	go_out(&world, 25 * MS, false);
	come_in(&world, 40 * MS, 500000);
	sample(&world, 45 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].kind, BLAME_PREEMPTED);
	close_world(&world);
}

/* 5 ms in all; the second wake-up slept 1 ms only, so the first waited 4 ms at least. */
static void short_sleeps_bound_the_long_wait(void)
{
	struct world world;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	sample(&world, 12 * MS);
	come_in(&world, 30 * MS, 4500000);
	go_out(&world, 31 * MS, false);
	come_in(&world, 32 * MS, 500000);
	sample(&world, 33 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].wakes, 2);
	CU_ASSERT_EQUAL(world.delays[0].ns, 5 * MS);
	CU_ASSERT_EQUAL(world.delays[0].least_ns, 4 * MS);
	close_world(&world);
}

/* 1.5 ms over four wake-ups that slept long: perhaps one waited 1 ms, perhaps none. */
static void doubtful_windows_are_counted_apart(void)
{
	struct world world;
	uint64_t i;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	sample(&world, 12 * MS);
	for (i = 0; i < 4; i++) {
		come_in(&world, (20 + 10 * i) * MS, 375000);
		go_out(&world, (21 + 10 * i) * MS, false);
	}
	sample(&world, 60 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	CU_ASSERT_EQUAL(counts_of(&world).possible, 1);
	close_world(&world);
}

static void seen_ready_bounds_from_below(void)
{
	struct world world;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	sample(&world, 12 * MS);
	come_in(&world, 14 * MS, MS);
	go_out(&world, 15 * MS, false);
	blame_model_ready(world.model, TID, 20 * MS);
	blame_model_ready(world.model, TID, 24 * MS);
	come_in(&world, 30 * MS, 11 * MS);
	sample(&world, 35 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_TRUE(world.delays[0].least_ns >= 10 * MS);
	CU_ASSERT_TRUE(world.delays[0].ns <= 12 * MS);
	close_world(&world);
}

static void ready_while_it_runs_means_nothing(void)
{
	struct world world;

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	/* The look came when it ran already, though the record was not read yet. */
	blame_model_ready(world.model, TID, 20 * MS);
	come_in(&world, 19 * MS, 0);
	go_out(&world, 40 * MS, false);
	sample(&world, 45 * MS);
	blame_model_finish(world.model, 50 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	close_world(&world);
}

static void what_still_waits_is_told_at_the_end(void)
{
	struct world world;

	open_world(&world);
	blame_model_watch(world.model, OTHER);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, true);
	blame_model_finish(world.model, 20 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_TRUE(world.delays[0].lasts);
	CU_ASSERT_EQUAL(world.delays[0].ns, 9 * MS);
	close_world(&world);

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	blame_model_ready(world.model, TID, 15 * MS);
	blame_model_finish(world.model, 20 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].ns, 9 * MS);
	CU_ASSERT_EQUAL(world.delays[0].least_ns, 5 * MS);
	close_world(&world);
}

static void lost_records_end_what_hung_on_them(void)
{
	struct world world;

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, true);
	blame_model_lost(world.model, 0, 12 * MS, 33);
	come_in(&world, 40 * MS, 2 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	CU_ASSERT_EQUAL(counts_of(&world).lost, 33);
	/* The next samples start anew. */
	go_out(&world, 41 * MS, false);
	sample(&world, 42 * MS);
	come_in(&world, 50 * MS, 3 * MS);
	sample(&world, 51 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].ns, 3 * MS);
	close_world(&world);
}

static void a_missing_arrival_breaks_the_window_and_no_more(void)
{
	struct world world;

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	world.arrivals++; /* the kernel switched it in, and no record came */
	world.run_delay += 9 * MS;
	sample(&world, 20 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	CU_ASSERT_EQUAL(counts_of(&world).broken, 1);
	sample(&world, 25 * MS);
	come_in(&world, 30 * MS, 2 * MS);
	sample(&world, 35 * MS);
	CU_ASSERT_EQUAL(world.count, 1);
	close_world(&world);
}

static void a_switch_told_twice_counts_once(void)
{
	struct world world;
	struct blame_switch late = {.out = OTHER, .in = TID, .told_by_in = true};

	open_world(&world);
	sample(&world, 1 * MS);
	come_in(&world, 10 * MS, 0);
	late.time_ns = 10 * MS + 1000;
	blame_model_switch(world.model, &late);
	go_out(&world, 20 * MS, true);
	/* Here the first telling is missing. */
	late.time_ns = 23 * MS;
	blame_model_switch(world.model, &late);
	world.arrivals++;
	world.run_delay += 3 * MS;
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].ns, 3 * MS);
	sample(&world, 30 * MS);
	CU_ASSERT_EQUAL(world.count, 1);
	CU_ASSERT_EQUAL(counts_of(&world).broken, 0);
	close_world(&world);
}

static void unwatched_threads_are_passed_over(void)
{
	struct world world;
	struct blame_sample nothing = {.after_ns = 1};

	open_world(&world);
	blame_model_forget(world.model, TID);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 20 * MS, true);
	come_in(&world, 90 * MS, 70 * MS);
	blame_model_sample(world.model, TID, &nothing);
	blame_model_ready(world.model, TID, 5);
	blame_model_watch(world.model, 0);
	blame_model_watch(world.model, -1);
	blame_model_finish(world.model, 100 * MS);
	CU_ASSERT_EQUAL(world.count, 0);
	close_world(&world);
	CU_ASSERT_PTR_NULL(blame_model_free(NULL));
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The waits of a random stretch of a thread's life, as they really were. */
struct truth {
	uint64_t longest_wake, preemptions;
};

static uint64_t random_wait(uint64_t *seed)
{
	return next_random(seed) % 8 == 0 ? next_random(seed) % (4 * MS) : next_random(seed) % 50000;
}

static uint64_t live(struct world *world, uint64_t now, uint64_t *seed, struct truth *truth)
{
	uint64_t wakes = 1 + next_random(seed) % 4, waited;
	bool preempted;

	while (wakes-- > 0) {
		now += 200000 + next_random(seed) % (3 * MS); /* it runs */
		preempted = next_random(seed) % 3 == 0;
		go_out(world, now, preempted);
		waited = random_wait(seed);
		now += waited + (preempted ? 0 : next_random(seed) % (5 * MS));
		come_in(world, now, waited);
		if (preempted)
			truth->preemptions += waited >= MS;
		else if (waited > truth->longest_wake)
			truth->longest_wake = waited;
	}
	return now;
}

static void check_stretch(const struct world *world, const struct truth *truth, uint64_t possible)
{
	uint64_t preempted = 0, woken = 0;
	size_t i;

	for (i = 0; i < world->count; i++) {
		if (world->delays[i].kind == BLAME_PREEMPTED) {
			preempted++;
			continue;
		}
		woken++;
		CU_ASSERT_TRUE(world->delays[i].least_ns <= truth->longest_wake);
	}
	CU_ASSERT_EQUAL(preempted, truth->preemptions);
	CU_ASSERT_TRUE(woken <= 1);
	if (truth->longest_wake >= MS)
		CU_ASSERT_EQUAL(woken + possible, 1);
	if (woken == 1)
		CU_ASSERT_TRUE(truth->longest_wake >= MS);
}

/* Whatever the schedule: each long preemption is told, a long wait is told or counted as possible,
 * and nothing is told that was not. */
static void random_lives_are_told_truly(void)
{
	uint64_t seed = 0x9e3779b97f4a7c15u, now = 10 * MS, before;
	struct world world;
	int i;

	open_world(&world);
	come_in(&world, now, 0);
	now += 200000;
	sample(&world, now);
	for (i = 0; i < 20000; i++) {
		struct truth truth = {0};

		before = counts_of(&world).possible;
		world.count = 0;
		now = live(&world, now, &seed, &truth) + 100000;
		sample(&world, now);
		check_stretch(&world, &truth, counts_of(&world).possible - before);
	}
	CU_ASSERT_EQUAL(counts_of(&world).broken, 0);
	close_world(&world);
}

static const struct tap_test tests[] = {
	{"a preemption is exact, and names who ran", preemption_is_exact_and_names_who_ran},
	{"short preemptions and sleep are no delay", short_preemptions_and_sleep_are_no_delay},
	{"one wake-up between two samples is exact", one_wake_up_is_exact},
	{"preemptions are not counted as wake-ups", preemptions_are_not_counted_as_wake_ups},
	{"short sleeps bound the long wait", short_sleeps_bound_the_long_wait},
	{"doubtful windows are counted apart", doubtful_windows_are_counted_apart},
	{"being seen ready bounds a wait from below", seen_ready_bounds_from_below},
	{"being seen ready while it runs means nothing", ready_while_it_runs_means_nothing},
	{"what still waits is told at the end", what_still_waits_is_told_at_the_end},
	{"lost records end what hung on them", lost_records_end_what_hung_on_them},
	{"a missing arrival breaks its window and no more", a_missing_arrival_breaks_the_window_and_no_more},
	{"a switch that is told twice counts once", a_switch_told_twice_counts_once},
	{"threads that are not watched are passed over", unwatched_threads_are_passed_over},
	{"random lives are told truly", random_lives_are_told_truly},
};

TAP_MAIN("blame_model", tests)
