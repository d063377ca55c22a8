/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "latency.h"

static int add_thread(struct latency *latency, enum qrt_sched_role role, uint32_t index)
{
	struct latency_thread *thread;

	if (latency->count == LATENCY_THREADS_MAX) {
		complain("latency: at most %u threads are measured at a time", LATENCY_THREADS_MAX);
		return EXIT_USAGE;
	}
	thread = &latency->threads[latency->count++];
	thread->role = role;
	thread->index = index;
	thread->interval_ns = latency->options->interval_ns;
	thread->over_ns = latency->options->over_ns;
	return EXIT_OK;
}

int latency_choose(struct latency *latency, const struct plan_request *request)
{
	const struct latency_options *options = latency->options;
	uint32_t first, count, n;
	int r = EXIT_OK;
	size_t i;

	for (i = 0; i < options->roles_count; i++) {
		first = options->roles[i].index < 0 ? 0 : (uint32_t)options->roles[i].index;
		count = options->threads;
		if (count == 0)
			count = options->roles[i].index >= 0
					? 1
					: plan_request_count_threads(request, options->roles[i].role);
		for (n = 0; r == EXIT_OK && n < count; n++)
			r = add_thread(latency, options->roles[i].role, first + n);
	}
	return r;
}
