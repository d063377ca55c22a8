/* SPDX-License-Identifier: MIT */
/* What a thread used, from what the kernel says of it at one look after the other. */
#ifndef QRT_LAUNCHER_GOVERNOR_USAGE_H
#define QRT_LAUNCHER_GOVERNOR_USAGE_H

#include <qrt/sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CPU time, and time for which it was ready and did not run. */
struct governor_usage {
	uint64_t run_ns, wait_ns;
};

struct governor_clock {
	struct governor_usage last; /* as the kernel said */
	uint64_t foreseen_ns;       /* of a wait that the kernel has not counted yet */
	uint64_t at_ns;
};

/* The text of /proc/TID/schedstat. -EINVAL. */
int governor_usage_parse(const char *text, struct governor_usage *ret_usage);
/* The text of /proc/TID/stat: whether the thread runs or wants to, and the CPU it was on last. -EINVAL. */
int governor_usage_parse_stat(const char *text, bool *ret_ready, int *ret_cpu);

/* What was used since the step before. The kernel counts a wait when it is over: who is ready and was
 * counted nothing waits. */
struct governor_usage governor_usage_step(struct governor_clock *clock, const struct governor_usage *said,
					  bool is_ready, uint64_t now_ns);

bool governor_have_common(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b);

#endif
