/* SPDX-License-Identifier: MIT */
#include "governor_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int governor_usage_parse(const char *text, struct governor_usage *ret_usage)
{
	struct governor_usage usage;
	char *wait, *end;

	usage.run_ns = strtoull(text, &wait, 10);
	usage.wait_ns = strtoull(wait, &end, 10);
	if (wait == text || end == wait)
		return -EINVAL;
	*ret_usage = usage;
	return 0;
}

bool governor_usage_is_ready(const char *text)
{
	const char *name_end = strrchr(text, ')');

	return name_end && strncmp(name_end, ") R", 3) == 0;
}

static uint64_t grown(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

struct governor_usage governor_usage_step(struct governor_clock *clock, const struct governor_usage *said,
					  bool is_ready, uint64_t now_ns)
{
	struct governor_usage used = {grown(clock->last.run_ns, said->run_ns),
				      grown(clock->last.wait_ns, said->wait_ns)};

	if (used.run_ns || used.wait_ns) {
		used.wait_ns = grown(clock->foreseen_ns, used.wait_ns);
		clock->foreseen_ns = 0;
	} else if (is_ready) {
		used.wait_ns = grown(clock->at_ns, now_ns);
		clock->foreseen_ns += used.wait_ns;
	}
	clock->last = *said;
	clock->at_ns = now_ns;
	return used;
}

bool governor_have_common(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b)
{
	size_t i;

	for (i = 0; i < sizeof(a->bits) / sizeof(a->bits[0]); i++) {
		if (a->bits[i] & b->bits[i])
			return true;
	}
	return false;
}

static void add(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *more)
{
	size_t i;

	for (i = 0; i < sizeof(cpus->bits) / sizeof(cpus->bits[0]); i++)
		cpus->bits[i] |= more->bits[i];
}

size_t governor_unite(struct qrt_sched_cpus *sets, size_t count, size_t max,
		      const struct qrt_sched_cpus *more)
{
	struct qrt_sched_cpus united = *more;
	size_t i = 0;

	while (i < count) {
		if (!governor_have_common(&sets[i], &united)) {
			i++;
			continue;
		}
		add(&united, &sets[i]);
		sets[i] = sets[--count];
		i = 0; /* with these CPUs others may meet it that did not before */
	}
	if (count == max)
		add(&sets[count - 1], &united);
	else
		sets[count++] = united;
	return count;
}
