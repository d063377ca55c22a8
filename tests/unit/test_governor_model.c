/* SPDX-License-Identifier: MIT */
/* The governor on a machine that is made up, with looks that come late, against a model. */
#include <qrt/governor.h>
#include <stdlib.h>
#include <string.h>

#include "governor_help.h"
#include "governor_p.h"
#include "tap.h"

#define SEEDS      60
#define STEPS      20000 /* one second */
#define LATENESS   8     /* steps */
#define LOOK_STEPS (MS / STEP)

/* ---- budgets: random machines ---- */

static void add_random_group(void)
{
	static const uint64_t windows[] = {5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS};
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1};
	struct governor_group *g = &machine.groups[machine.count];
	uint32_t i;

	*g = (struct governor_group){.parent = machine.count && governor_below(2)
						       ? (int)governor_below((uint32_t)machine.count)
						       : -1,
				     .threads = governor_below(THREADS + 1),
				     .begin = machine.start};
	if (governor_below(4)) {
		g->budget.window_ns = windows[governor_below(5)];
		g->budget.runtime_ns = g->budget.window_ns * (1 + governor_below(120)) / 100;
	}
	for (i = 0; i < g->threads; i++) {
		g->thread[i].on_steps = governor_below(3) ? 1 + governor_below(400) : 0;
		g->thread[i].off_steps = 1 + governor_below(800);
	}
	config.budget = g->budget;
	config.parent = g->parent < 0 ? -1 : machine.groups[g->parent].number;
	g->number = qrt_sched_governor_add(machine.governor, &config, NULL);
	CU_ASSERT_FATAL(g->number >= 0);
	machine.count++;
}

static void begin(uint32_t cpus)
{
	machine = (struct governor_machine){.cpus = cpus, .start = 77 * MS, .now = 77 * MS};
	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&machine.governor), 0);
}

/* What a late look lets pass, and counts too much at the beginning of a window. */
static uint64_t slack_of(int i)
{
	return governor_threads_of(i) * (LOOK_STEPS + LATENESS + 2) * STEP;
}

static void check_step(int i)
{
	const struct governor_group *g = &machine.groups[i];

	if (g->budget.runtime_ns && g->used > g->budget.runtime_ns + slack_of(i)) {
		tap_note("group %d used %llu of %llu", i, (unsigned long long)g->used,
			 (unsigned long long)g->budget.runtime_ns);
		CU_FAIL("more than the budget was used above time sharing");
	}
}

static void check_look(int i)
{
	const struct governor_group *g = &machine.groups[i];
	struct qrt_sched_verdict v = {0};

	qrt_sched_governor_get(machine.governor, g->number, &v);
	CU_ASSERT_EQUAL(v.over, v.reason != QRT_SCHED_OVER_NONE);
	if (!v.over)
		return;
	CU_ASSERT(v.until_ns > machine.now);
	if (v.reason == QRT_SCHED_OVER_BUDGET) {
		CU_ASSERT(g->used + slack_of(i) >= g->budget.runtime_ns);
		CU_ASSERT(v.until_ns >= g->begin + g->budget.window_ns);
	} else {
		CU_ASSERT_EQUAL(v.reason, QRT_SCHED_OVER_PARENT);
		CU_ASSERT(g->parent >= 0 && machine.groups[g->parent].is_over);
	}
}

static void run_random(uint64_t number)
{
	uint64_t step, late = 0;
	uint32_t i;

	governor_seed = number * 2654435761u + 88172645463325252ull;
	begin(1 + governor_below(3));
	for (i = 1 + governor_below(GROUPS); i > 0; i--)
		add_random_group();
	governor_look();
	for (step = 0; step < STEPS; step++) {
		governor_schedule();
		for (i = 0; i < (uint32_t)machine.count; i++)
			check_step((int)i);
		machine.now += STEP;
		for (i = 0; i < (uint32_t)machine.count; i++)
			governor_roll(&machine.groups[i]);
		if (!machine.next || machine.now < machine.next + late * STEP)
			continue;
		late = governor_below(LATENESS);
		governor_look();
		for (i = 0; i < (uint32_t)machine.count; i++)
			check_look((int)i);
	}
	qrt_sched_governor_close(machine.governor);
}

static void no_group_runs_above_time_sharing_for_longer_than_its_budget_and_a_look(void)
{
	uint64_t number;

	for (number = 1; number <= SEEDS; number++)
		run_random(number);
}

static struct governor_group *add_spinner(const char *budget, uint32_t weight)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1, .weight = weight};
	struct governor_group *g = &machine.groups[machine.count++];

	*g = (struct governor_group){.parent = -1, .threads = 1, .begin = machine.start};
	if (budget)
		CU_ASSERT_EQUAL_FATAL(qrt_sched_budget_parse(budget, &config.budget, NULL), 0);
	qrt_sched_cpus_add(&config.cpus, 0);
	g->budget = config.budget;
	g->number = qrt_sched_governor_add(machine.governor, &config, NULL);
	return g;
}

static void who_spins_gets_its_budget_in_each_window_and_few_looks_are_needed(void)
{
	struct governor_group *g;
	int windows, looks = 0;
	uint64_t used = 0;

	begin(1);
	g = add_spinner("30%/100ms", 0);
	governor_look();
	for (windows = 0; windows < 50; machine.now += STEP) {
		if (machine.now >= machine.next) {
			governor_look();
			looks++;
		}
		if (machine.now >= g->begin + 100 * MS) {
			CU_ASSERT(used >= 30 * MS && used <= 31 * MS);
			windows++;
		}
		governor_roll(g);
		governor_schedule();
		used = g->used;
	}
	CU_ASSERT(looks <= 2 * windows + 1);
	qrt_sched_governor_close(machine.governor);
}

/* ---- when to look ---- */

/* Whatever is used and wanted until then, an earlier look would have changed nothing. */
static void check_no_change_before(uint64_t next)
{
	struct qrt_sched_governor *copy = malloc(sizeof(*copy));
	uint64_t passed = governor_below((uint32_t)(next - machine.now - 1)) + 1;
	int i, way;

	for (way = 0; way < 4; way++) {
		*copy = *machine.governor;
		for (i = 0; i < machine.count; i++) {
			struct qrt_sched_usage usage = machine.groups[i].usage;
			uint64_t cpus = (uint64_t)qrt_sched_cpus_count(&machine.governor->groups[i].cpus),
				 used;
			uint64_t most = passed *
					(cpus < machine.groups[i].threads ? cpus : machine.groups[i].threads);

			used = way == 0            ? 0
			       : way == 1          ? most
			       : governor_below(2) ? most
						   : governor_below(1000) * (most / 1000);
			usage.run_ns += used;
			usage.wait_ns += way == 3 ? passed * machine.groups[i].threads - used : 0;
			qrt_sched_governor_account(copy, machine.groups[i].number, machine.now + passed,
						   &usage);
		}
		if (qrt_sched_governor_decide(copy, machine.now + passed) != 0) {
			tap_note("changes %llu ns after the look, next is %llu ns after it",
				 (unsigned long long)passed, (unsigned long long)(next - machine.now));
			CU_FAIL("a verdict can change before the next look");
		}
	}
	free(copy);
}

static void add_random_weight(void)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1};
	struct governor_group *g;

	add_random_group();
	g = &machine.groups[machine.count - 1];
	config.budget = g->budget;
	config.parent = g->parent < 0 ? -1 : machine.groups[g->parent].number;
	config.weight = governor_below(3) ? 1 + governor_below(100) : 0;
	qrt_sched_cpus_add(&config.cpus, (int)governor_below(3));
	qrt_sched_cpus_add(&config.cpus, (int)governor_below(3));
	CU_ASSERT_EQUAL(qrt_sched_governor_change(machine.governor, g->number, &config, NULL), 0);
}

static void nothing_can_change_before_the_next_look(void)
{
	uint64_t number, step;
	uint32_t i;

	for (number = 1; number <= SEEDS; number++) {
		governor_seed = number * 40503u + 362436069362436069ull;
		begin(1 + governor_below(3));
		for (i = 1 + governor_below(5); i > 0; i--)
			add_random_weight();
		governor_look();
		for (step = 0; step < STEPS / 2; step++, machine.now += STEP) {
			governor_schedule();
			if (!machine.next || machine.now < machine.next)
				continue;
			governor_look();
			if (!machine.next)
				continue;
			CU_ASSERT(machine.next >= machine.now + MS);
			if (machine.next > machine.now + MS)
				check_no_change_before(machine.next);
		}
		qrt_sched_governor_close(machine.governor);
	}
}

/* ---- weights ---- */

static void converge(const uint32_t *weights, int count)
{
	uint64_t before[4] = {0}, all = 0, step, looks = 0;
	uint32_t sum = 0;
	int i;

	begin(1);
	for (i = 0; i < count; i++) {
		add_spinner(NULL, weights[i]);
		sum += weights[i];
	}
	governor_look();
	for (step = 0; step < 30 * STEPS; step++, machine.now += STEP) {
		if (step == 10 * STEPS) {
			for (i = 0; i < count; i++)
				before[i] = machine.groups[i].total;
		}
		governor_schedule();
		if (machine.now >= machine.next) {
			governor_look();
			looks++;
		}
	}
	for (i = 0; i < count; i++)
		all += machine.groups[i].total - before[i];
	for (i = 0; i < count; i++) {
		double share = (double)(machine.groups[i].total - before[i]) / (double)all;

		CU_ASSERT_DOUBLE_EQUAL(share, (double)weights[i] / sum, 0.05);
		tap_note("weight %u of %u: %.3f", weights[i], sum, share);
	}
	CU_ASSERT(looks < 30000);
	tap_note("%llu looks in 30 s", (unsigned long long)looks);
	qrt_sched_governor_close(machine.governor);
}

static void spinning_groups_converge_to_their_weights(void)
{
	static const uint32_t even[] = {100, 100}, uneven[] = {10, 30}, three[] = {50, 20, 10},
			      far[] = {1, 19};

	converge(even, 2);
	converge(uneven, 2);
	converge(three, 3);
	converge(far, 2);
}

static void who_wants_little_does_not_wait_for_who_takes_all(void)
{
	struct governor_group *little;
	uint64_t step, waited = 0;

	governor_seed = 7;
	begin(1);
	add_spinner(NULL, 100); /* first: it goes before the other one */
	little = add_spinner(NULL, 100);
	little->thread[0].on_steps = 40;
	little->thread[0].off_steps = 2000;
	governor_look();
	for (step = 0; step < 20 * STEPS; step++, machine.now += STEP) {
		if (step == 2 * STEPS)
			waited = little->usage.wait_ns;
		governor_schedule();
		if (machine.now >= machine.next)
			governor_look();
	}
	tap_note("waited %.3f ms of %.1f ms used", (double)(little->usage.wait_ns - waited) / 1e6,
		 (double)little->usage.run_ns / 1e6);
	CU_ASSERT(little->usage.wait_ns - waited == 0);
	qrt_sched_governor_close(machine.governor);
}

static const struct tap_test tests[] = {
	{"no group runs above time sharing for longer than its budget and a look",
	 no_group_runs_above_time_sharing_for_longer_than_its_budget_and_a_look},
	{"who spins gets its budget in each window, and few looks are needed",
	 who_spins_gets_its_budget_in_each_window_and_few_looks_are_needed},
	{"nothing can change before the next look", nothing_can_change_before_the_next_look},
	{"spinning groups converge to their weights", spinning_groups_converge_to_their_weights},
	{"who wants little does not wait for who takes all",
	 who_wants_little_does_not_wait_for_who_takes_all},
};

TAP_MAIN("governor_model", tests)
