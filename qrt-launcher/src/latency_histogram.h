/* SPDX-License-Identifier: MIT */
/* How often which latency was seen: whole microseconds, in memory that is there before the first one. */
#ifndef QRT_LAUNCHER_LATENCY_HISTOGRAM_H
#define QRT_LAUNCHER_LATENCY_HISTOGRAM_H

#include <stdint.h>

#define LATENCY_SHARE_ALL 10000u /* of latencies: 9999 is 99.99 % */

struct latency_histogram {
	uint32_t size;    /* counts of 0..size-1 us */
	uint64_t *counts; /* rounded down, as cyclictest does */
	uint64_t count;   /* all of them */
	uint64_t beyond;  /* of size us and more */
	uint64_t min_ns, max_ns;
};

/* Touches all of its memory. -ENOMEM. */
int latency_histogram_init(struct latency_histogram *histogram, uint32_t size);
void latency_histogram_clear(struct latency_histogram *histogram);
/* Takes in a latency; no system call, bounded. */
void latency_histogram_add(struct latency_histogram *histogram, uint64_t ns);
/* The same for one that was seen so many times. */
void latency_histogram_add_many(struct latency_histogram *histogram, uint64_t ns, uint64_t times);
/* The latency in us that `share` of LATENCY_SHARE_ALL did not pass (nearest rank; where that is beyond the
 * histogram, the longest one). 0 where there is none. */
uint64_t latency_histogram_get_share(const struct latency_histogram *histogram, uint32_t share);

#endif
