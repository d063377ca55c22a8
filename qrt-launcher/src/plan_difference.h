/* SPDX-License-Identifier: MIT */
/* In which lines two plans differ. */
#ifndef QRT_LAUNCHER_PLAN_DIFFERENCE_H
#define QRT_LAUNCHER_PLAN_DIFFERENCE_H

#include <glib.h>

/* Of two texts of plans as qrt_sched_plan_format() writes them: "KEY=VALUE" as it is after, "no KEY" where it
 * was taken away. Freed by g_ptr_array_unref(). */
GPtrArray *plan_difference_list(const char *before, const char *after);

#endif
