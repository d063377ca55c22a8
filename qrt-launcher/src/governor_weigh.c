/* SPDX-License-Identifier: MIT */
/*
 * A VM before the CPUs on which its threads may run.
 *
 * Its share and its use are counted CPU by CPU. A thread that may run on several of them moves, and has moved
 * when it was dropped: by the CPU where it just is it would be over and not over in turns, without using
 * less. So who may run on several CPUs is judged by all of them together.
 */
#include "governor_p.h"

#include <string.h>

#define WHOLE 1000 /* thousandths of a CPU */
/* Percent of the share at which a verdict changes: as the library has it. */
#define ABOVE 104
#define BELOW 96

static void add_rivals(const struct governor *governor, uint32_t *weights)
{
	size_t i, n;

	for (i = 0; i < governor->rivals_count; i++) {
		const struct governor_party *rival = governor->rivals[i];

		for (n = 0; n < rival->shares_count; n++)
			weights[rival->shares[n].cpu] += rival->weight;
	}
}

/* Where the VM itself was not of late: its part beside those that were. */
static void expect(struct governor_scale *scale, uint32_t own, const uint32_t *rivals)
{
	int cpu;

	for (cpu = 0; cpu < QRT_SCHED_CPUS_MAX; cpu++)
		scale->share[cpu] = rivals[cpu] ? WHOLE * own / (own + rivals[cpu]) : WHOLE;
}

void governor_weigh(struct governor *governor)
{
	struct governor_scale *scale = &governor->scale;
	uint32_t rivals[QRT_SCHED_CPUS_MAX] = {0};
	struct qrt_sched_verdict verdict;
	size_t i;

	memset(scale, 0, sizeof(*scale));
	add_rivals(governor, rivals);
	expect(scale, governor->own->weight, rivals);
	for (i = 0; i < governor->own->shares_count; i++) {
		const struct governor_share *share = &governor->own->shares[i];

		verdict = governor_court_get_share(governor, share);
		scale->share[share->cpu] = verdict.share;
		scale->used[share->cpu] = verdict.average;
		scale->is_above[share->cpu] = verdict.over;
		scale->is_wanted[share->cpu] = verdict.over || verdict.share < WHOLE;
	}
}

bool governor_weigh_is_over(const struct governor *governor, const struct governor_task *task)
{
	const struct governor_scale *scale = &governor->scale;
	struct qrt_sched_cpus cpus = task->cpus;
	uint64_t share = 0, used = 0;
	bool is_wanted = false;
	int cpu;

	if (task->cpu < 0 || qrt_sched_cpus_add(&cpus, task->cpu) < 0)
		return false;
	for (cpu = qrt_sched_cpus_next(&cpus, -1); cpu >= 0; cpu = qrt_sched_cpus_next(&cpus, cpu)) {
		share += scale->share[cpu];
		used += scale->used[cpu];
		is_wanted |= scale->is_wanted[cpu];
	}
	if (!is_wanted)
		return false;
	if (task->over & 1u << GOVERNOR_SHARE)
		return used * 100 >= share * BELOW;
	return scale->is_above[task->cpu] && used * 100 >= share * ABOVE;
}
