/* SPDX-License-Identifier: MIT */
#include "bench_figure.h"

#include <errno.h>

const struct bench_figure bench_figures[BENCH_FIGURES] = {
	{"doorbell", "us", 0, FALSE, {"library", bench_doorbell}, {{"eventfd", bench_eventfd}}},
	{"doorbell-p99", "us", 0, FALSE, {"library", bench_doorbell}, {{"eventfd", bench_eventfd}}, 0.99},
	{"bell", "us", 0, TRUE, {"layout", bench_bell}, {{"word", bench_bare_word}}},
	{"messages-64",
	 "1/s",
	 64,
	 TRUE,
	 {"ring", bench_messages},
	 {{"pipe", bench_pipe}, {"stream", bench_stream}}},
	{"messages-4096",
	 "1/s",
	 4096,
	 TRUE,
	 {"ring", bench_messages},
	 {{"pipe", bench_pipe}, {"stream", bench_stream}}},
	{"join-64", "ms", 0, FALSE, {"server", bench_join_all}, {{NULL}}},
	{"leave-64", "ms", 0, FALSE, {"server", bench_leave_all}, {{NULL}}},
};
/* ---- measuring ---- */

static int add(struct bench *bench, const struct bench_contender *contender, size_t bytes, GArray *values)
{
	double value;

	if (!contender->measure)
		return 0;
	value = contender->measure(bench, bytes);
	if (!(value > 0))
		return -EIO;
	g_array_append_val(values, value);
	return 0;
}

/* Who is first changes from round to round. */
static int measure_figure(struct bench *bench, const struct bench_figure *figure, struct bench_result *result,
			  guint round)
{
	int rc = 0, i;

	bench->share = figure->share > 0 ? figure->share : 0.5;
	if (round % 2 == 0)
		rc = add(bench, &figure->ours, figure->bytes, result->ours);
	for (i = 0; i < BENCH_PEERS_MAX && rc >= 0; i++)
		rc = add(bench, &figure->theirs[i], figure->bytes, result->theirs[i]);
	if (round % 2 && rc >= 0)
		rc = add(bench, &figure->ours, figure->bytes, result->ours);
	return rc;
}

gboolean bench_is_left_out(const struct bench *bench, const struct bench_figure *figure)
{
	return figure->is_polling && bench->cpu[0] == bench->cpu[1];
}

int bench_fill_results(struct bench *bench, struct bench_result *results, guint rounds)
{
	guint round, i;
	int rc = 0;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < BENCH_FIGURES && rc >= 0; i++) {
			if (!bench_is_left_out(bench, &bench_figures[i]))
				rc = measure_figure(bench, &bench_figures[i], &results[i], round);
		}
	}
	return rc;
}

/* ---- results ---- */

static void for_each(struct bench_result *results, GArray *(*change)(GArray *values))
{
	guint i;
	int peer;

	for (i = 0; i < BENCH_FIGURES; i++) {
		results[i].ours = change(results[i].ours);
		for (peer = 0; peer < BENCH_PEERS_MAX; peer++)
			results[i].theirs[peer] = change(results[i].theirs[peer]);
	}
}

static GArray *begin_values(GArray *values)
{
	(void)values;
	return g_array_new(FALSE, FALSE, sizeof(double));
}

static GArray *end_values(GArray *values)
{
	g_array_free(values, TRUE);
	return NULL;
}

void bench_begin_results(struct bench_result *results)
{
	for_each(results, begin_values);
}

void bench_end_results(struct bench_result *results)
{
	for_each(results, end_values);
}
