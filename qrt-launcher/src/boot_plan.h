/* SPDX-License-Identifier: MIT */
/* The plan by which a VM runs while its guest is not ready: boot=PATH. */
#ifndef QRT_LAUNCHER_BOOT_PLAN_H
#define QRT_LAUNCHER_BOOT_PLAN_H

#include "plan_request.h"

/* Reads it, and refuses it where it cannot work; NULL where the plan of the request names none. Returns an
 * exit code; what is wrong was said. */
int boot_plan_open(const struct plan_request *request, struct qrt_sched_plan **ret_plan);

#endif
