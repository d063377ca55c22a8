/* SPDX-License-Identifier: MIT */
#include "governor_help.h"

uint64_t governor_seed;
struct governor_machine machine;

uint32_t governor_below(uint32_t limit)
{
	governor_seed ^= governor_seed << 13;
	governor_seed ^= governor_seed >> 7;
	governor_seed ^= governor_seed << 17;
	return (uint32_t)(governor_seed >> 32) % limit;
}

static void want(struct governor_thread *t)
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
	t->left = governor_below(t->wants ? t->on_steps : t->off_steps);
}

uint32_t governor_threads_of(int i)
{
	uint32_t threads = 0;
	int k, at;

	for (k = 0; k < machine.count; k++) {
		for (at = k; at >= 0; at = machine.groups[at].parent)
			threads += at == i ? machine.groups[k].threads : 0;
	}
	return threads;
}

void governor_roll(struct governor_group *g)
{
	if (!g->budget.runtime_ns)
		return;
	while (machine.now >= g->begin + g->budget.window_ns) {
		g->begin += g->budget.window_ns;
		g->used = 0;
	}
}

static void run(struct governor_group *g, struct governor_thread *t)
{
	int at;

	t->got++;
	g->total++;
	g->usage.run_ns += STEP;
	for (at = (int)(g - machine.groups); at >= 0; at = machine.groups[at].parent)
		machine.groups[at].used += g->is_over ? 0 : STEP;
}

void governor_schedule(void)
{
	struct governor_thread *ready[GROUPS * THREADS];
	struct governor_group *of[GROUPS * THREADS];
	uint32_t count = 0, above = 0, i, k, best;

	for (i = 0; i < (uint32_t)machine.count; i++) {
		for (k = 0; k < machine.groups[i].threads; k++) {
			struct governor_thread *t = &machine.groups[i].thread[k];

			want(t);
			if (!t->wants)
				continue;
			ready[count] = t;
			of[count++] = &machine.groups[i];
			if (machine.groups[i].is_over)
				continue;
			/* Keeps those above in front, in their order. */
			ready[count - 1] = ready[above], of[count - 1] = of[above];
			ready[above] = t, of[above] = &machine.groups[i];
			above++;
		}
	}
	for (i = 0; i < count && i < machine.cpus; i++) {
		for (best = i, k = i + 1; i >= above && k < count; k++)
			best = ready[k]->got < ready[best]->got ? k : best;
		run(of[best], ready[best]);
		ready[best] = ready[i], of[best] = of[i];
	}
	for (; i < count; i++)
		of[i]->usage.wait_ns += STEP;
}

void governor_look(void)
{
	struct qrt_sched_verdict verdict;
	int i;

	for (i = 0; i < machine.count; i++) {
		machine.groups[i].usage.threads = machine.groups[i].threads;
		qrt_sched_governor_account(machine.governor, machine.groups[i].number, machine.now,
					   &machine.groups[i].usage);
	}
	qrt_sched_governor_decide(machine.governor, machine.now);
	for (i = 0; i < machine.count; i++) {
		qrt_sched_governor_get(machine.governor, machine.groups[i].number, &verdict);
		machine.groups[i].is_over = (int)verdict.over;
	}
	machine.next = qrt_sched_governor_get_next(machine.governor, machine.now);
}
