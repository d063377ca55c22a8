/* SPDX-License-Identifier: MIT */
/* VMs that share CPUs, and use them as a test says. */
#ifndef QRT_TESTS_SHARE_HELP_H
#define QRT_TESTS_SHARE_HELP_H

#include "court_help.h"
#include "governor_p.h"

/* What a thread runs of every 10 ms, on the CPU where it is. */
struct share_use {
	struct governor_party *party;
	struct governor_task *task;
	double part;
};

/* With the own VM, which is `governor->own`, and another one of the same weight. Ended by free_governor(). */
struct governor_party *share_begin(uint32_t weight);
/* A thread of a FIFO priority (0: time-shared) that may run on these CPUs, and is on the first of them. */
struct governor_task *share_add(struct governor_party *party, const char *cpus, int priority);
/* They run for that long, and all is decided every 10 ms. */
void share_run(const struct share_use *uses, size_t count, unsigned ms);

#endif
