/* SPDX-License-Identifier: MIT */
/* What `bench` measures, and what came of it. */
#ifndef QRT_IO_BENCH_RUN_H
#define QRT_IO_BENCH_RUN_H

#include "bench_histogram.h"
#include "image_option.h"

#define BENCH_ENGINES_MAX 8
#define BENCH_DEPTHS_MAX  16
#define BENCH_ROUNDS_MAX  100

enum bench_kind {
	BENCH_RANDREAD,
	BENCH_RANDWRITE,
	BENCH_READ,
	BENCH_WRITE,
	BENCH_KINDS,
};

struct bench_plan {
	struct image_options options;
	guint32 engines[BENCH_ENGINES_MAX];
	enum bench_kind kinds[BENCH_KINDS];
	guint32 depths[BENCH_DEPTHS_MAX];
	guint engine_count, kind_count, depth_count, rounds;
	guint32 absent[BENCH_ENGINES_MAX]; /* engines that were asked for, and cannot be had */
	guint absent_count;
	guint64 block_bytes, area_bytes; /* area 0: all of it */
	guint32 priority;
	double seconds;
	gboolean is_direct;                      /* past the page cache, in force */
	gboolean may_write, is_json, is_telling; /* telling: how far it is */
};

/* One engine at one kind and depth. */
struct bench_result {
	enum bench_kind kind;
	guint32 depth;
	const char *engine; /* what was opened: not auto */
	guint first;        /* the result whose engine is the first one, of the same kind and depth */
	guint rounds;
	double rate[BENCH_ROUNDS_MAX]; /* requests a second */
	double cpu[BENCH_ROUNDS_MAX];  /* us of a request, of all threads */
	struct bench_histogram times;  /* of all rounds: from submit to harvest */
};

const char *bench_kind_name(enum bench_kind kind);
gboolean bench_kind_writes(enum bench_kind kind);

/* bench_look.c: takes engines out that cannot be had. FALSE: none is left; it was said why. */
gboolean bench_look(struct bench_plan *plan);
/* Fills results, as many as kinds * depths * engines. FALSE: it was said what failed. */
gboolean bench_run(const struct bench_plan *plan, struct bench_result *results);
/* bench_measure.c: one of them, for the plan's seconds, in that round. */
gboolean bench_measure(const struct bench_plan *plan, guint32 engine, struct bench_result *result,
		       guint round);
/* bench_print.c */
void bench_print(const struct bench_plan *plan, const struct bench_result *results, guint count);

#endif
