/* SPDX-License-Identifier: MIT */
#include "guest_result.h"

#define ERRNO_MAX 4095

struct outline {
	uint64_t count;
	uint32_t first, last; /* bucket that is not empty */
};

static struct outline outline_of(const struct qrt_shmem_agent_result *result)
{
	struct outline outline = {.first = QRT_SHMEM_AGENT_BUCKETS};
	uint32_t i;

	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++) {
		if (result->buckets[i] == 0)
			continue;
		if (outline.count == 0)
			outline.first = i;
		outline.last = i;
		outline.count += result->buckets[i];
	}
	return outline;
}

/* Of buckets that hold as many as were measured, none later than the longest: too little to overflow. */
static bool is_sum_possible(const struct qrt_shmem_agent_result *result)
{
	uint64_t least = 0, most = 0, begin, end;
	uint32_t i;

	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++) {
		begin = qrt_shmem_agent_bucket_begin(i);
		end = qrt_shmem_agent_bucket_begin(i + 1) - 1;
		least += result->buckets[i] * (begin > result->min_ns ? begin : result->min_ns);
		most += result->buckets[i] * (end < result->max_ns ? end : result->max_ns);
	}
	return result->sum_ns >= least && result->sum_ns <= most;
}

bool guest_result_is_sane(const struct qrt_shmem_agent_result *result, uint32_t count, uint64_t most_ns)
{
	struct outline outline;

	if (result->error)
		return result->error < 0 && result->error >= -ERRNO_MAX;
	outline = outline_of(result);
	return result->count == count && outline.count == count && result->min_ns <= result->max_ns &&
	       result->max_ns <= most_ns && qrt_shmem_agent_bucket(result->min_ns) == outline.first &&
	       qrt_shmem_agent_bucket(result->max_ns) == outline.last && is_sum_possible(result);
}
