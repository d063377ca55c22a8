/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_PLAN_EXPLAIN_H
#define QRT_LAUNCHER_PLAN_EXPLAIN_H

#include "plan_groups.h"

/* Prints the plan in words: threads, their order, where they meet, memory and mutexes. */
void plan_explain(const struct plan_request *request);

/* "default", "option", "line 3", "lines 3, 4, option": where the plan says how a role runs. Returns buf. */
const char *plan_explain_source(const struct plan_request *request, enum qrt_sched_role role, char *buf,
				size_t size);

/* What two threads do with a CPU that they share, from the lists of plan_explain_meet.c. */
void plan_explain_meetings(const struct plan_request *request, const struct plan_groups *groups);

#endif
