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

/* Behind the name, which may hold blanks and parentheses: field 3 is the state, field 39 the CPU. */
int governor_usage_parse_stat(const char *text, bool *ret_ready, int *ret_cpu)
{
	const char *name_end = strrchr(text, ')'), *at;
	int field, cpu;
	char *end;

	if (!name_end || name_end[1] != ' ')
		return -EINVAL;
	at = name_end + 2;
	for (field = 3; field < 39 && at; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	cpu = at ? (int)strtol(at, &end, 10) : -1;
	if (!at || end == at || cpu < 0)
		return -EINVAL;
	*ret_ready = name_end[2] == 'R';
	*ret_cpu = cpu;
	return 0;
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
