/* SPDX-License-Identifier: MIT */
/* What `bench` measures, and what came of it. */
#ifndef QRT_SHMEM_BENCH_FIGURE_H
#define QRT_SHMEM_BENCH_FIGURE_H

#include "bench.h"

#define BENCH_FIGURES   7
#define BENCH_PEERS_MAX 2

struct bench_contender {
	const char *name; /* NULL: there is none */
	bench_measure *measure;
};

struct bench_figure {
	const char *name, *unit;
	size_t bytes;
	gboolean is_polling; /* it makes no sense on one CPU */
	struct bench_contender ours, theirs[BENCH_PEERS_MAX];
	double share; /* of a round's samples that are no longer; 0: half of them */
};

extern const struct bench_figure bench_figures[BENCH_FIGURES];

/* Values of all rounds, of the figure of the same index. */
struct bench_result {
	GArray *ours, *theirs[BENCH_PEERS_MAX];
};

/* Empty ones, and what came of so many rounds. Negative: something could not be measured, which was said. */
void bench_begin_results(struct bench_result *results);
void bench_end_results(struct bench_result *results);
int bench_fill_results(struct bench *bench, struct bench_result *results, guint rounds);
gboolean bench_is_left_out(const struct bench *bench, const struct bench_figure *figure);

/* bench_print.c */
void bench_print_json(const struct bench *bench, const struct bench_result *results, guint rounds);
void bench_print_text(const struct bench *bench, const struct bench_result *results, guint rounds);

#endif
