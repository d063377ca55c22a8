/* SPDX-License-Identifier: MIT */
/* How often which time was seen, to 2 %. */
#ifndef QRT_IO_BENCH_HISTOGRAM_H
#define QRT_IO_BENCH_HISTOGRAM_H

#include <glib.h>

#define BENCH_HISTOGRAM_STEPS 64 /* of an octave */
#define BENCH_HISTOGRAM_SIZE  (59 * BENCH_HISTOGRAM_STEPS)

struct bench_histogram {
	guint64 counts[BENCH_HISTOGRAM_SIZE];
	guint64 count, max_ns;
};

void bench_histogram_add(struct bench_histogram *histogram, guint64 ns);
void bench_histogram_merge(struct bench_histogram *to, const struct bench_histogram *from);
/* What that share of all did not pass, in ns; 0 where there is none. */
guint64 bench_histogram_get_share(const struct bench_histogram *histogram, double share);

#endif
