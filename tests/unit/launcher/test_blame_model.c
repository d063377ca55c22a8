/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "blame_world.h"

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

/* Both slept long enough for the whole wait; before the second the CPU was idle. */
static void of_two_the_one_with_the_busy_cpu_waited(void)
{
	struct blame_switch idle = {.out = OTHER, .in = BLAME_TID_IDLE};
	struct world world;

	open_world(&world);
	come_in(&world, 10 * MS, 0);
	go_out(&world, 11 * MS, false);
	sample(&world, 12 * MS);
	come_in(&world, 30 * MS, 3 * MS);
	go_out(&world, 31 * MS, false);
	idle.time_ns = 32 * MS;
	blame_model_switch(world.model, &idle);
	come_in(&world, 50 * MS, 10000);
	sample(&world, 51 * MS);
	CU_ASSERT_EQUAL_FATAL(world.count, 1);
	CU_ASSERT_EQUAL(world.delays[0].wakes, 2);
	CU_ASSERT_EQUAL(world.delays[0].start_ns + world.delays[0].ns, 30 * MS);
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

static const struct tap_test tests[] = {
	{"a preemption is exact, and names who ran", preemption_is_exact_and_names_who_ran},
	{"short preemptions and sleep are no delay", short_preemptions_and_sleep_are_no_delay},
	{"one wake-up between two samples is exact", one_wake_up_is_exact},
	{"preemptions are not counted as wake-ups", preemptions_are_not_counted_as_wake_ups},
	{"short sleeps bound the long wait", short_sleeps_bound_the_long_wait},
	{"of two that may have waited it is the one with the busy CPU",
	 of_two_the_one_with_the_busy_cpu_waited},
	{"doubtful windows are counted apart", doubtful_windows_are_counted_apart},
	{"being seen ready bounds a wait from below", seen_ready_bounds_from_below},
	{"being seen ready while it runs means nothing", ready_while_it_runs_means_nothing},
	{"what still waits is told at the end", what_still_waits_is_told_at_the_end},
	{"lost records end what hung on them", lost_records_end_what_hung_on_them},
	{"a missing arrival breaks its window and no more", a_missing_arrival_breaks_the_window_and_no_more},
	{"a switch that is told twice counts once", a_switch_told_twice_counts_once},
	{"threads that are not watched are passed over", unwatched_threads_are_passed_over},
};

TAP_MAIN("blame_model", tests)
