/* SPDX-License-Identifier: MIT */
/* A plan seen as groups of threads that run alike, for those who show it. */
#ifndef QRT_LAUNCHER_PLAN_GROUPS_H
#define QRT_LAUNCHER_PLAN_GROUPS_H

#include "plan_request.h"

#define PLAN_GROUPS_MAX     96
#define PLAN_LEVEL_DEADLINE 100

/* Threads first..last of a role, with one setting. */
struct plan_group {
	enum qrt_sched_role role;
	uint32_t first, last;
	bool open_end;                    /* further threads of the role run like these */
	bool planned;                     /* the plan says something about them */
	struct qrt_sched_setting setting; /* complete: what the plan leaves open is filled in */
	int64_t quantum_ns;               /* 0: none of its own */
};

struct plan_groups {
	size_t count;
	struct plan_group groups[PLAN_GROUPS_MAX]; /* in the order of roles */
};

void plan_groups_read(const struct plan_request *request, struct plan_groups *ret_groups);
/* 0 for time sharing, else the real-time priority, or PLAN_LEVEL_DEADLINE. */
int plan_group_level(const struct plan_group *group);
/* How many threads are in it, where that is known to be more than one: 2. */
int plan_group_is_many(const struct plan_group *group);
/* "vcpu 0-1", "main", "paio (all)". Returns buf. */
const char *plan_group_name(const struct plan_group *group, char *buf, size_t size);

#endif
