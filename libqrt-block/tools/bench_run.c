/* SPDX-License-Identifier: MIT */
/* The order in which things are measured. */
#include "bench_run.h"

#include <stdio.h>

static const struct {
	const char *name;
	gboolean writes;
} kinds[BENCH_KINDS] = {
	[BENCH_RANDREAD] = {"randread", FALSE},
	[BENCH_RANDWRITE] = {"randwrite", TRUE},
	[BENCH_READ] = {"read", FALSE},
	[BENCH_WRITE] = {"write", TRUE},
};

const char *bench_kind_name(enum bench_kind kind)
{
	return kinds[kind].name;
}

gboolean bench_kind_writes(enum bench_kind kind)
{
	return kinds[kind].writes;
}

static void tell(const struct bench_plan *plan, const struct bench_result *result, guint number, guint all)
{
	if (!plan->is_telling)
		return;
	fprintf(stderr, "\r\033[K%u of %u: %s, depth %u, %s, round %u ", number, all,
		bench_kind_name(result->kind), result->depth, result->engine, result->rounds + 1);
	fflush(stderr);
}

static guint begin_results(const struct bench_plan *plan, struct bench_result *results)
{
	guint kind, depth, engine, count = 0;

	for (kind = 0; kind < plan->kind_count; kind++) {
		for (depth = 0; depth < plan->depth_count; depth++) {
			for (engine = 0; engine < plan->engine_count; engine++, count++) {
				results[count].kind = plan->kinds[kind];
				results[count].depth = plan->depths[depth];
				results[count].engine = image_engine_name(plan->engines[engine]);
				results[count].first = count - engine;
			}
		}
	}
	return count;
}

/* Engines take turns, and who is first changes from round to round. */
static gboolean measure_turn(const struct bench_plan *plan, struct bench_result *results, guint round,
			     guint *number, guint all)
{
	guint i, engine;

	for (i = 0; i < plan->engine_count; i++) {
		engine = (i + round) % plan->engine_count;
		tell(plan, &results[engine], ++*number, all);
		if (!bench_measure(plan, plan->engines[engine], &results[engine], round))
			return FALSE;
	}
	return TRUE;
}

gboolean bench_run(const struct bench_plan *plan, struct bench_result *results)
{
	guint count = begin_results(plan, results), round, at, number = 0;
	gboolean is_good = TRUE;

	for (round = 0; round < plan->rounds && is_good; round++) {
		for (at = 0; at < count && is_good; at += plan->engine_count)
			is_good = measure_turn(plan, results + at, round, &number, count * plan->rounds);
	}
	if (plan->is_telling)
		fputs("\r\033[K", stderr);
	return is_good;
}
