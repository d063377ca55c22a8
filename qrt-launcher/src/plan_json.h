/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_PLAN_JSON_H
#define QRT_LAUNCHER_PLAN_JSON_H

#include "plan_request.h"

/* One object: the plan's text, its threads, what is not supported ("" for nothing), what lint finds. */
void plan_json_print(const struct plan_request *request, const char *text, const char *unsupported, bool ok);

#endif
