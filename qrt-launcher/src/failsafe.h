/* SPDX-License-Identifier: MIT */
/* The plan that a VM falls back to: when it is needed nobody is there to be told that it cannot be. */
#ifndef QRT_LAUNCHER_FAILSAFE_H
#define QRT_LAUNCHER_FAILSAFE_H

#include <qrt/sched.h>
#include <stdbool.h>

struct plan_request;

/* Judges it as 'set' would while the VM runs by the plan of `first`, which is complete; what is fixed when
 * QEMU starts stays as in that. `file` is for messages. Returns an exit code; what was wrong was said. */
int failsafe_check(const struct qrt_sched_plan *plan, const char *file, const struct plan_request *first,
		   bool has_library);

#endif
