/* SPDX-License-Identifier: MIT */
#include "latency_histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int latency_histogram_init(struct latency_histogram *histogram, uint32_t size)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->counts = malloc(size * sizeof(*histogram->counts));
	if (!histogram->counts)
		return -ENOMEM;
	/* Pages of calloc() would come at the first latency of each. */
	memset(histogram->counts, 0xff, size * sizeof(*histogram->counts));
	memset(histogram->counts, 0, size * sizeof(*histogram->counts));
	histogram->size = size;
	histogram->min_ns = UINT64_MAX;
	return 0;
}

void latency_histogram_clear(struct latency_histogram *histogram)
{
	free(histogram->counts);
	memset(histogram, 0, sizeof(*histogram));
}

void latency_histogram_add_many(struct latency_histogram *histogram, uint64_t ns, uint64_t times)
{
	uint64_t us = ns / 1000;

	if (us < histogram->size)
		histogram->counts[us] += times;
	else
		histogram->beyond += times;
	histogram->count += times;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	if (ns < histogram->min_ns)
		histogram->min_ns = ns;
}

void latency_histogram_add(struct latency_histogram *histogram, uint64_t ns)
{
	latency_histogram_add_many(histogram, ns, 1);
}

/* Without overflow for any count. */
static uint64_t find_rank(uint64_t count, uint32_t share)
{
	uint64_t rank = count / LATENCY_SHARE_ALL * share +
			(count % LATENCY_SHARE_ALL * share + LATENCY_SHARE_ALL - 1) / LATENCY_SHARE_ALL;

	return rank > 0 ? rank : 1;
}

uint64_t latency_histogram_get_share(const struct latency_histogram *histogram, uint32_t share)
{
	uint64_t rank = find_rank(histogram->count, share), seen = 0;
	uint32_t us;

	for (us = 0; us < histogram->size; us++) {
		seen += histogram->counts[us];
		if (seen >= rank)
			return us;
	}
	return histogram->max_ns / 1000;
}
