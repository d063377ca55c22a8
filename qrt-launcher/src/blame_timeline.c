/* SPDX-License-Identifier: MIT */
#include "blame_timeline.h"

#include <stdlib.h>
#include <string.h>

/* Per CPU; a power of two. At 20,000 switches a second some 0.8 s. */
#define SEGMENTS 16384u

struct segment {
	uint64_t start_ns;
	int32_t tid;
};

struct cpu_history {
	uint64_t written; /* segments ever; the last SEGMENTS of them are kept */
	struct segment segments[SEGMENTS];
};

struct blame_timeline {
	struct cpu_history *cpus[BLAME_CPUS_MAX]; /* made when a CPU is first heard of */
};

struct blame_timeline *blame_timeline_new(void)
{
	return calloc(1, sizeof(struct blame_timeline));
}

struct blame_timeline *blame_timeline_free(struct blame_timeline *timeline)
{
	size_t i;

	for (i = 0; timeline && i < BLAME_CPUS_MAX; i++)
		free(timeline->cpus[i]);
	free(timeline);
	return NULL;
}

void blame_timeline_run(struct blame_timeline *timeline, uint32_t cpu, uint64_t time_ns, int32_t tid)
{
	struct cpu_history *history;
	struct segment *segment;

	if (cpu >= BLAME_CPUS_MAX)
		return;
	if (!timeline->cpus[cpu])
		timeline->cpus[cpu] = calloc(1, sizeof(*history));
	history = timeline->cpus[cpu];
	if (!history)
		return;
	segment = &history->segments[history->written++ % SEGMENTS];
	segment->start_ns = time_ns;
	segment->tid = tid;
}

int32_t blame_timeline_now(const struct blame_timeline *timeline, uint32_t cpu)
{
	const struct cpu_history *history = cpu < BLAME_CPUS_MAX ? timeline->cpus[cpu] : NULL;

	if (!history || history->written == 0)
		return BLAME_TID_UNKNOWN;
	return history->segments[(history->written - 1) % SEGMENTS].tid;
}

/* The sum by task. Tasks beyond its room are counted together. */
struct shares {
	size_t count;
	struct blame_culprit all[64];
};

static void add_share(struct shares *shares, int32_t tid, uint64_t ns)
{
	const size_t room = sizeof(shares->all) / sizeof(shares->all[0]);
	size_t i;

	if (ns == 0)
		return;
	for (i = 0; i < shares->count && shares->all[i].tid != tid; i++)
		;
	if (i == room) {
		i = room - 1;
		shares->all[i].tid = BLAME_TID_OTHERS;
	} else if (i == shares->count) {
		shares->all[shares->count++] = (struct blame_culprit){.tid = tid};
	}
	shares->all[i].ns += ns;
}

/* Goes back from the newest segment; what is older than the history is unknown. */
static void sum_history(const struct cpu_history *history, uint64_t from_ns, uint64_t to_ns,
			struct shares *shares)
{
	uint64_t oldest = history->written > SEGMENTS ? history->written - SEGMENTS : 0, end = to_ns, n;
	const struct segment *segment;

	for (n = history->written; n > oldest && end > from_ns; n--) {
		segment = &history->segments[(n - 1) % SEGMENTS];
		if (segment->start_ns >= end)
			continue;
		if (segment->start_ns <= from_ns) {
			add_share(shares, segment->tid, end - from_ns);
			return;
		}
		add_share(shares, segment->tid, end - segment->start_ns);
		end = segment->start_ns;
	}
	add_share(shares, BLAME_TID_UNKNOWN, end - from_ns);
}

static int compare_shares(const void *a, const void *b)
{
	const struct blame_culprit *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

size_t blame_timeline_share(const struct blame_timeline *timeline, uint32_t cpu, uint64_t from_ns,
			    uint64_t to_ns, struct blame_culprit ret_culprits[BLAME_CULPRITS])
{
	struct shares shares = {.count = 0};
	size_t i;

	if (to_ns <= from_ns)
		return 0;
	if (cpu < BLAME_CPUS_MAX && timeline->cpus[cpu])
		sum_history(timeline->cpus[cpu], from_ns, to_ns, &shares);
	else
		add_share(&shares, BLAME_TID_UNKNOWN, to_ns - from_ns);
	qsort(shares.all, shares.count, sizeof(shares.all[0]), compare_shares);
	for (i = BLAME_CULPRITS; i < shares.count; i++) {
		shares.all[BLAME_CULPRITS - 1].tid = BLAME_TID_OTHERS;
		shares.all[BLAME_CULPRITS - 1].ns += shares.all[i].ns;
	}
	if (shares.count > BLAME_CULPRITS)
		shares.count = BLAME_CULPRITS;
	memcpy(ret_culprits, shares.all, shares.count * sizeof(shares.all[0]));
	return shares.count;
}
