/* SPDX-License-Identifier: MIT */
/* What a plan says of budgets, disks, and the host around the VM, for those who show it. */
#ifndef QRT_LAUNCHER_PLAN_AROUND_H
#define QRT_LAUNCHER_PLAN_AROUND_H

#include "plan_groups.h"

/* Prints it in words; nothing where nothing was said. */
void plan_around_explain(const struct plan_request *request, const struct plan_groups *groups);
/* Members of the object that is being built; null where nothing was said. */
void plan_around_build(const struct plan_request *request, JsonBuilder *builder);
/* The same of a group of threads: its role's budget, and what DEADLINE falls back to. */
void plan_around_build_group(const struct plan_request *request, const struct plan_group *group,
			     JsonBuilder *builder);

/* "off", "thp", ... */
const char *plan_around_hugepages(uint32_t hugepages);
/* The budget of a role, of the VM (-1), as text. NULL where none was said, else buf. */
const char *plan_around_budget(const struct plan_request *request, int role, char *buf, size_t size);
/* "irqs+rps", "on", "off". Returns buf. */
const char *plan_around_shield(const struct qrt_sched_globals *globals, char *buf, size_t size);
/* The priority of the fallback of a group under DEADLINE, 0: it is none. */
int plan_around_fallback(const struct plan_group *group);

#endif
