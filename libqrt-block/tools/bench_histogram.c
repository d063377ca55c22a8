/* SPDX-License-Identifier: MIT */
#include "bench_histogram.h"

#define STEP_BITS 6

/* Below 64 ns each has its own; above, an octave has 64 of them. */
static guint find_index(guint64 ns)
{
	guint octave;

	if (ns < BENCH_HISTOGRAM_STEPS)
		return (guint)ns;
	octave = 63 - (guint)__builtin_clzll(ns) - STEP_BITS;
	return (octave + 1) * BENCH_HISTOGRAM_STEPS + (guint)((ns >> octave) & (BENCH_HISTOGRAM_STEPS - 1));
}

/* The largest time of that index. */
static guint64 find_end(guint index)
{
	guint octave = index / BENCH_HISTOGRAM_STEPS;
	guint64 step = index % BENCH_HISTOGRAM_STEPS;

	if (octave == 0)
		return step;
	return ((BENCH_HISTOGRAM_STEPS + step + 1) << (octave - 1)) - 1;
}

void bench_histogram_add(struct bench_histogram *histogram, guint64 ns)
{
	histogram->counts[find_index(ns)]++;
	histogram->count++;
	histogram->max_ns = MAX(histogram->max_ns, ns);
}

void bench_histogram_merge(struct bench_histogram *to, const struct bench_histogram *from)
{
	guint i;

	for (i = 0; i < BENCH_HISTOGRAM_SIZE; i++)
		to->counts[i] += from->counts[i];
	to->count += from->count;
	to->max_ns = MAX(to->max_ns, from->max_ns);
}

guint64 bench_histogram_get_share(const struct bench_histogram *histogram, double share)
{
	guint64 seen = 0, left = (guint64)((double)histogram->count * (1 - share));
	guint i;

	for (i = 0; i < BENCH_HISTOGRAM_SIZE && histogram->count > 0; i++) {
		seen += histogram->counts[i];
		if (seen >= histogram->count - left)
			return MIN(find_end(i), histogram->max_ns);
	}
	return histogram->max_ns;
}
