/* SPDX-License-Identifier: MIT */
/*
 * The governor on a machine that a test makes up: threads that want and do not want to run, on CPUs where
 * those above time sharing go first, and looks that come late. A model counts by the step what each group
 * used above time sharing in each window.
 */
#include <qrt/governor.h>
#include <stdlib.h>
#include <string.h>

#include "governor_p.h"
#include "tap.h"

#define US         1000ull
#define MS         1000000ull
#define STEP       (50 * US)
#define GROUPS     8
#define THREADS    3
#define SEEDS      60
#define STEPS      20000 /* one second */
#define LATENESS   8     /* steps */
#define LOOK_STEPS (MS / STEP)

static uint64_t seed;

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % limit;
}

/* ---- the machine ---- */

struct thread {
	int wants;
	uint32_t on_steps, off_steps; /* longest, 0: always on */
	uint32_t left;
	uint64_t got; /* steps, for the turns of time sharing */
};

struct group {
	int number, parent; /* parent: in this array, -1 */
	struct qrt_sched_budget budget;
	uint32_t threads;
	struct thread thread[THREADS];
	struct qrt_sched_usage usage;
	int is_over;
	uint64_t total; /* steps that it ran */
	/* The model's: above time sharing, with those below, in the window. */
	uint64_t begin, used;
};

static struct machine {
	struct qrt_sched_governor *governor;
	struct group groups[GROUPS];
	int count;
	uint32_t cpus;
	uint64_t now, next, start;
} m;

static void want(struct thread *t)
{
	if (!t->on_steps) {
		t->wants = 1;
		return;
	}
	if (t->left) {
		t->left--;
		return;
	}
	t->wants = !t->wants;
	t->left = below(t->wants ? t->on_steps : t->off_steps);
}

static uint32_t threads_of(int i)
{
	uint32_t threads = 0;
	int k, at;

	for (k = 0; k < m.count; k++) {
		for (at = k; at >= 0; at = m.groups[at].parent)
			threads += at == i ? m.groups[k].threads : 0;
	}
	return threads;
}

/* The window that now is in. */
static void roll(struct group *g)
{
	if (!g->budget.runtime_ns)
		return;
	while (m.now >= g->begin + g->budget.window_ns) {
		g->begin += g->budget.window_ns;
		g->used = 0;
	}
}

static void run(struct group *g, struct thread *t)
{
	int at;

	t->got++;
	g->total++;
	g->usage.run_ns += STEP;
	for (at = (int)(g - m.groups); at >= 0; at = m.groups[at].parent)
		m.groups[at].used += g->is_over ? 0 : STEP;
}

/* Above time sharing in the order of the groups; then who got least. */
static void schedule(void)
{
	struct thread *ready[GROUPS * THREADS];
	struct group *of[GROUPS * THREADS];
	uint32_t count = 0, above = 0, i, k, best;

	for (i = 0; i < (uint32_t)m.count; i++) {
		for (k = 0; k < m.groups[i].threads; k++) {
			struct thread *t = &m.groups[i].thread[k];

			want(t);
			if (!t->wants)
				continue;
			ready[count] = t;
			of[count++] = &m.groups[i];
			if (m.groups[i].is_over)
				continue;
			/* Keeps those above in front, in their order. */
			ready[count - 1] = ready[above], of[count - 1] = of[above];
			ready[above] = t, of[above] = &m.groups[i];
			above++;
		}
	}
	for (i = 0; i < count && i < m.cpus; i++) {
		for (best = i, k = i + 1; i >= above && k < count; k++)
			best = ready[k]->got < ready[best]->got ? k : best;
		run(of[best], ready[best]);
		ready[best] = ready[i], of[best] = of[i];
	}
	for (; i < count; i++)
		of[i]->usage.wait_ns += STEP;
}

static void look(void)
{
	struct qrt_sched_verdict verdict;
	int i;

	for (i = 0; i < m.count; i++) {
		m.groups[i].usage.threads = m.groups[i].threads;
		qrt_sched_governor_account(m.governor, m.groups[i].number, m.now, &m.groups[i].usage);
	}
	qrt_sched_governor_decide(m.governor, m.now);
	for (i = 0; i < m.count; i++) {
		qrt_sched_governor_get(m.governor, m.groups[i].number, &verdict);
		m.groups[i].is_over = (int)verdict.over;
	}
	m.next = qrt_sched_governor_get_next(m.governor, m.now);
}

/* ---- budgets: random machines ---- */

static void add_random_group(void)
{
	static const uint64_t windows[] = {5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS};
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1};
	struct group *g = &m.groups[m.count];
	uint32_t i;

	*g = (struct group){.parent = m.count && below(2) ? (int)below((uint32_t)m.count) : -1,
			    .threads = below(THREADS + 1),
			    .begin = m.start};
	if (below(4)) {
		g->budget.window_ns = windows[below(5)];
		g->budget.runtime_ns = g->budget.window_ns * (1 + below(120)) / 100;
	}
	for (i = 0; i < g->threads; i++) {
		g->thread[i].on_steps = below(3) ? 1 + below(400) : 0;
		g->thread[i].off_steps = 1 + below(800);
	}
	config.budget = g->budget;
	config.parent = g->parent < 0 ? -1 : m.groups[g->parent].number;
	g->number = qrt_sched_governor_add(m.governor, &config, NULL);
	CU_ASSERT_FATAL(g->number >= 0);
	m.count++;
}

static void begin(uint32_t cpus)
{
	m = (struct machine){.cpus = cpus, .start = 77 * MS, .now = 77 * MS};
	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&m.governor), 0);
}

/* What a late look lets pass, and counts too much at the beginning of a window. */
static uint64_t slack_of(int i)
{
	return threads_of(i) * (LOOK_STEPS + LATENESS + 2) * STEP;
}

static void check_step(int i)
{
	const struct group *g = &m.groups[i];

	if (g->budget.runtime_ns && g->used > g->budget.runtime_ns + slack_of(i)) {
		tap_note("group %d used %llu of %llu", i, (unsigned long long)g->used,
			 (unsigned long long)g->budget.runtime_ns);
		CU_FAIL("more than the budget was used above time sharing");
	}
}

static void check_look(int i)
{
	const struct group *g = &m.groups[i];
	struct qrt_sched_verdict v = {0};

	qrt_sched_governor_get(m.governor, g->number, &v);
	CU_ASSERT_EQUAL(v.over, v.reason != QRT_SCHED_OVER_NONE);
	if (!v.over)
		return;
	CU_ASSERT(v.until_ns > m.now);
	if (v.reason == QRT_SCHED_OVER_BUDGET) {
		CU_ASSERT(g->used + slack_of(i) >= g->budget.runtime_ns);
		CU_ASSERT(v.until_ns >= g->begin + g->budget.window_ns);
	} else {
		CU_ASSERT_EQUAL(v.reason, QRT_SCHED_OVER_PARENT);
		CU_ASSERT(g->parent >= 0 && m.groups[g->parent].is_over);
	}
}

static void run_random(uint64_t number)
{
	uint64_t step, late = 0;
	uint32_t i;

	seed = number * 2654435761u + 88172645463325252ull;
	begin(1 + below(3));
	for (i = 1 + below(GROUPS); i > 0; i--)
		add_random_group();
	look();
	for (step = 0; step < STEPS; step++) {
		schedule();
		for (i = 0; i < (uint32_t)m.count; i++)
			check_step((int)i);
		m.now += STEP;
		for (i = 0; i < (uint32_t)m.count; i++)
			roll(&m.groups[i]);
		if (!m.next || m.now < m.next + late * STEP)
			continue;
		late = below(LATENESS);
		look();
		for (i = 0; i < (uint32_t)m.count; i++)
			check_look((int)i);
	}
	qrt_sched_governor_close(m.governor);
}

static void no_group_runs_above_time_sharing_for_longer_than_its_budget_and_a_look(void)
{
	uint64_t number;

	for (number = 1; number <= SEEDS; number++)
		run_random(number);
}

static struct group *add_spinner(const char *budget, uint32_t weight)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1, .weight = weight};
	struct group *g = &m.groups[m.count++];

	*g = (struct group){.parent = -1, .threads = 1, .begin = m.start};
	if (budget)
		CU_ASSERT_EQUAL_FATAL(qrt_sched_budget_parse(budget, &config.budget, NULL), 0);
	qrt_sched_cpus_add(&config.cpus, 0);
	g->budget = config.budget;
	g->number = qrt_sched_governor_add(m.governor, &config, NULL);
	return g;
}

static void who_spins_gets_its_budget_in_each_window_and_few_looks_are_needed(void)
{
	struct group *g;
	int windows, looks = 0;
	uint64_t used = 0;

	begin(1);
	g = add_spinner("30%/100ms", 0);
	look();
	for (windows = 0; windows < 50; m.now += STEP) {
		if (m.now >= m.next) {
			look();
			looks++;
		}
		if (m.now >= g->begin + 100 * MS) {
			CU_ASSERT(used >= 30 * MS && used <= 31 * MS);
			windows++;
		}
		roll(g);
		schedule();
		used = g->used;
	}
	CU_ASSERT(looks <= 2 * windows + 1);
	qrt_sched_governor_close(m.governor);
}

/* ---- when to look ---- */

/* Whatever is used and wanted until then, an earlier look would have changed nothing. */
static void check_no_change_before(uint64_t next)
{
	struct qrt_sched_governor *copy = malloc(sizeof(*copy));
	uint64_t passed = below((uint32_t)(next - m.now - 1)) + 1;
	int i, way;

	for (way = 0; way < 4; way++) {
		*copy = *m.governor;
		for (i = 0; i < m.count; i++) {
			struct qrt_sched_usage usage = m.groups[i].usage;
			uint64_t cpus = (uint64_t)qrt_sched_cpus_count(&m.governor->groups[i].cpus), used;
			uint64_t most = passed * (cpus < m.groups[i].threads ? cpus : m.groups[i].threads);

			used = way == 0 ? 0 : way == 1 ? most : below(2) ? most : below(1000) * (most / 1000);
			usage.run_ns += used;
			usage.wait_ns += way == 3 ? passed * m.groups[i].threads - used : 0;
			qrt_sched_governor_account(copy, m.groups[i].number, m.now + passed, &usage);
		}
		if (qrt_sched_governor_decide(copy, m.now + passed) != 0) {
			tap_note("changes %llu ns after the look, next is %llu ns after it",
				 (unsigned long long)passed, (unsigned long long)(next - m.now));
			CU_FAIL("a verdict can change before the next look");
		}
	}
	free(copy);
}

static void add_random_weight(void)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1};
	struct group *g;

	add_random_group();
	g = &m.groups[m.count - 1];
	config.budget = g->budget;
	config.parent = g->parent < 0 ? -1 : m.groups[g->parent].number;
	config.weight = below(3) ? 1 + below(100) : 0;
	qrt_sched_cpus_add(&config.cpus, (int)below(3));
	qrt_sched_cpus_add(&config.cpus, (int)below(3));
	CU_ASSERT_EQUAL(qrt_sched_governor_change(m.governor, g->number, &config, NULL), 0);
}

static void nothing_can_change_before_the_next_look(void)
{
	uint64_t number, step;
	uint32_t i;

	for (number = 1; number <= SEEDS; number++) {
		seed = number * 40503u + 362436069362436069ull;
		begin(1 + below(3));
		for (i = 1 + below(5); i > 0; i--)
			add_random_weight();
		look();
		for (step = 0; step < STEPS / 2; step++, m.now += STEP) {
			schedule();
			if (!m.next || m.now < m.next)
				continue;
			look();
			if (!m.next)
				continue;
			CU_ASSERT(m.next >= m.now + MS);
			if (m.next > m.now + MS)
				check_no_change_before(m.next);
		}
		qrt_sched_governor_close(m.governor);
	}
}

/* ---- weights ---- */

static void converge(const uint32_t *weights, int count)
{
	uint64_t before[4], all = 0, step, looks = 0;
	uint32_t sum = 0;
	int i;

	begin(1);
	for (i = 0; i < count; i++) {
		add_spinner(NULL, weights[i]);
		sum += weights[i];
	}
	look();
	for (step = 0; step < 30 * STEPS; step++, m.now += STEP) {
		if (step == 10 * STEPS) {
			for (i = 0; i < count; i++)
				before[i] = m.groups[i].total;
		}
		schedule();
		if (m.now >= m.next) {
			look();
			looks++;
		}
	}
	for (i = 0; i < count; i++)
		all += m.groups[i].total - before[i];
	for (i = 0; i < count; i++) {
		double share = (double)(m.groups[i].total - before[i]) / (double)all;

		CU_ASSERT_DOUBLE_EQUAL(share, (double)weights[i] / sum, 0.05);
		tap_note("weight %u of %u: %.3f", weights[i], sum, share);
	}
	CU_ASSERT(looks < 30000);
	tap_note("%llu looks in 30 s", (unsigned long long)looks);
	qrt_sched_governor_close(m.governor);
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
	struct group *little;
	uint64_t step, waited = 0;

	seed = 7;
	begin(1);
	add_spinner(NULL, 100); /* first: it goes before the other one */
	little = add_spinner(NULL, 100);
	little->thread[0].on_steps = 40;
	little->thread[0].off_steps = 2000;
	look();
	for (step = 0; step < 20 * STEPS; step++, m.now += STEP) {
		if (step == 2 * STEPS)
			waited = little->usage.wait_ns;
		schedule();
		if (m.now >= m.next)
			look();
	}
	tap_note("waited %.3f ms of %.1f ms used", (double)(little->usage.wait_ns - waited) / 1e6,
		 (double)little->usage.run_ns / 1e6);
	CU_ASSERT(little->usage.wait_ns - waited == 0);
	qrt_sched_governor_close(m.governor);
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
