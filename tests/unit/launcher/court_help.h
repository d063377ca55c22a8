/* SPDX-License-Identifier: MIT */
/* A governor whose threads are as a test says, at moments that it chooses. */
#ifndef QRT_TESTS_COURT_HELP_H
#define QRT_TESTS_COURT_HELP_H

#include <qrt/sched.h>
#include <stdbool.h>
#include <stdint.h>

#define MS 1000000ull

struct governor;
struct governor_party;
struct governor_task;

extern struct governor *governor;
extern uint64_t now;

struct qrt_sched_cpus cpus_of(const char *text);
/* Of that weight where there is sharing, and under the guard. */
struct governor_party *make_party(uint32_t weight);
/* On CPUs 0 and 1; NULL: no budget. */
struct governor *make_governor(const char *vm_budget, const char *vcpu_budget, uint32_t weight);
/* With all its parties. */
void free_governor(struct governor *made);
/* A thread pinned to the first of the CPUs, as far as shares are concerned. */
struct governor_task *add_task(struct governor_party *party, int role, const char *cpus, bool is_rt);

#endif
