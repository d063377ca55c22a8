/* SPDX-License-Identifier: MIT */
/*
 * What a guest's agent measured, in the form of what threads of this host measure. The agent counts in
 * buckets, eight for each power of two of nanoseconds: all of a bucket are counted as the longest one that
 * can be in it. So a share is never below what it was, and above it by an eighth at most; the shortest and
 * the longest one are exact.
 */
#include "latency.h"

static uint64_t end_of(const struct qrt_shmem_agent_result *result, uint32_t bucket)
{
	uint64_t last = qrt_shmem_agent_bucket_begin(bucket + 1) - 1;

	return last < result->max_ns ? last : result->max_ns;
}

/* Those that are over the mark for certain: one bucket may be on both sides of it. */
static uint64_t count_overs(const struct qrt_shmem_agent_result *result, uint64_t over_ns)
{
	uint64_t count = 0;
	uint32_t i;

	if (over_ns == 0 || result->max_ns <= over_ns)
		return 0;
	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++) {
		if (qrt_shmem_agent_bucket_begin(i) > over_ns)
			count += result->buckets[i];
	}
	return count > 0 ? count : 1;
}

static void set_setting(const struct latency_options *options, struct qrt_sched_setting *setting)
{
	setting->set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
	setting->policy = options->priority ? QRT_SCHED_POLICY_FIFO : QRT_SCHED_POLICY_OTHER;
	setting->priority = (int32_t)options->priority;
	if (options->cpu == 0)
		return;
	setting->set |= QRT_SCHED_SET_CPUS;
	qrt_sched_cpus_add(&setting->cpus, options->cpu - 1);
}

int latency_guest_take(struct latency *latency, const struct qrt_shmem_agent_result *result)
{
	const struct latency_options *options = latency->options;
	struct latency_thread *thread = &latency->threads[0];
	uint32_t i;
	int r = latency_histogram_init(&thread->histogram, MAX(options->histogram_us, LATENCY_BUCKETS_LEAST));

	if (r < 0)
		return r;
	latency->count = 1;
	latency->start_ns = 0;
	latency->end_ns = options->length_ns;
	thread->is_guest = true;
	set_setting(options, &thread->setting);
	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++) {
		if (result->buckets[i] > 0)
			latency_histogram_add_many(&thread->histogram, end_of(result, i), result->buckets[i]);
	}
	thread->histogram.min_ns = result->min_ns;
	thread->overs = count_overs(result, options->over_ns);
	return 0;
}
