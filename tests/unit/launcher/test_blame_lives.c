/* SPDX-License-Identifier: MIT */
/* The model of blame against random lives of a thread, whose true waits the test knows. */
#include "tap.h"

#include "blame_world.h"

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

/* Returns how many waits after wake-ups were told. */
static uint64_t check_stretch(const struct world *world, const struct truth *truth, uint64_t possible)
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
		CU_ASSERT_TRUE(world->delays[i].ns >= truth->longest_wake);
	}
	CU_ASSERT_EQUAL(preempted, truth->preemptions);
	CU_ASSERT_TRUE(woken <= 1);
	if (truth->longest_wake >= MS)
		CU_ASSERT_EQUAL(woken + possible, 1);
	if (woken == 1)
		CU_ASSERT_TRUE(truth->longest_wake >= MS);
	return woken;
}

/* Whatever the schedule: each long preemption is told, a long wait is told or counted as possible,
 * and nothing is told that was not. */
static void random_lives_are_told_truly(void)
{
	uint64_t seed = 0x9e3779b97f4a7c15u, now = 10 * MS, before, told = 0;
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
		told += check_stretch(&world, &truth, counts_of(&world).possible - before);
	}
	CU_ASSERT_EQUAL(counts_of(&world).broken, 0);
	/* The test is worth something only where many of them are told. */
	tap_note("%lu waits told, %lu possible", (unsigned long)told,
		 (unsigned long)counts_of(&world).possible);
	CU_ASSERT_TRUE(told > counts_of(&world).possible);
	close_world(&world);
}

static const struct tap_test tests[] = {
	{"random lives are told truly", random_lives_are_told_truly},
};

TAP_MAIN("blame_lives", tests)
