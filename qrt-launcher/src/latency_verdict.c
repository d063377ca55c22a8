/* SPDX-License-Identifier: MIT */
/* What was found. */
#include "latency.h"

#include <time.h>

const struct latency_thread *latency_find_over(const struct latency *latency)
{
	const struct latency_thread *first = NULL, *thread;
	size_t i;

	for (i = 0; i < latency->count; i++) {
		thread = &latency->threads[i];
		if (atomic_load_explicit(&thread->overs, memory_order_acquire) > 0 &&
		    (!first || thread->first_over.at_ns < first->first_over.at_ns))
			first = thread;
	}
	return first;
}

enum latency_verdict latency_judge(const struct latency *latency)
{
	if (latency->options->over_ns == 0)
		return LATENCY_NONE;
	if (latency_find_over(latency))
		return LATENCY_FAILED;
	return latency->is_cut ? LATENCY_OPEN : LATENCY_PASSED;
}

const struct latency_thread *latency_find_worst(const struct latency *latency)
{
	const struct latency_thread *worst = &latency->threads[0];
	size_t i;

	for (i = 1; i < latency->count; i++) {
		if (latency->threads[i].worst.late_ns > worst->worst.late_ns)
			worst = &latency->threads[i];
	}
	return worst;
}

const char *latency_format_when(const struct latency *latency, uint64_t at_ns, char *buf, size_t size)
{
	time_t seconds = (time_t)(((int64_t)at_ns + latency->wall_ns) / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}
