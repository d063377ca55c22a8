/* SPDX-License-Identifier: MIT */
/* What of a plan can be another one while the VM runs. */
#ifndef QRT_LAUNCHER_PLAN_LIVE_H
#define QRT_LAUNCHER_PLAN_LIVE_H

#include <qrt/sched.h>

/* The first option in which the plans differ and must not, with the reason, in one line freed by g_free();
 * NULL: none. */
char *plan_live_refuse(const struct qrt_sched_plan *before, const struct qrt_sched_plan *after);
/* The same for a VM that was started without a plan. */
char *plan_live_refuse_foreign(const struct qrt_sched_plan *plan);

/* The same for a VM with the preload library, and for what its threads were told of their slices, by the plan
 * that it was started with: those that are born later are told that, too. */
char *plan_live_refuse_quanta(const struct qrt_sched_plan *told, const struct qrt_sched_plan *after);

/* A plan that says the same. -ENOMEM and others; says nothing. */
int plan_live_copy(const struct qrt_sched_plan *plan, struct qrt_sched_plan **ret_plan);
/* One that says of threads what `plan` does, and of all that cannot change while the VM runs what the one
 * before does, also where that says nothing. */
int plan_live_follow(const struct qrt_sched_plan *plan, const struct qrt_sched_plan *before,
		     struct qrt_sched_plan **ret_plan);
/* The plan as text, freed by g_free(). */
char *plan_live_format(const struct qrt_sched_plan *plan);

#endif
