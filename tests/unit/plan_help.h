/* SPDX-License-Identifier: MIT */
/* Plans, hosts and random numbers for tests. */
#ifndef QRT_TESTS_PLAN_HELP_H
#define QRT_TESTS_PLAN_HELP_H

#include <qrt/sched.h>

/* A plan of options separated by blanks; NULL where one of them is refused. */
struct qrt_sched_plan *plan_of(const char *options);
/* Adds one option. Returns what the parser returns; last_error() is what it said. */
int plan_add(struct qrt_sched_plan *plan, const char *option);
const struct qrt_sched_error *last_error(void);
/* The text of a plan, in a static buffer. */
const char *plan_text(const struct qrt_sched_plan *plan);
/* 1 when both say the same, lines aside. */
int plans_equal(const struct qrt_sched_plan *a, const struct qrt_sched_plan *b);

struct qrt_sched_cpus cpus_of(const char *list);
/* A privileged host without throttling. */
struct qrt_sched_host host_of(const char *online);
struct qrt_sched_vm vm_of(uint32_t vcpus, uint32_t iothreads);

/* The description of what a plan says of a thread, in a static buffer. */
const char *said_of(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index);

/* The same numbers in every run: xorshift. */
struct random {
	uint64_t state;
};
uint32_t random_below(struct random *random, uint32_t limit);

#endif
