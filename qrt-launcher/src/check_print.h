/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_CHECK_PRINT_H
#define QRT_LAUNCHER_CHECK_PRINT_H

#include "check_item.h"
#include "plan_request.h"

struct check_result {
	const struct check_item *items;
	size_t count;
	const struct plan_request *request; /* NULL: no plan was looked at */
	bool unjudged;                      /* there is a plan, and it could not be looked at */
	bool unread;                        /* nothing could be read */
};

/* False when something keeps a plan from running, or that is not known. */
bool check_is_good(const struct check_result *result);
/* How many items and findings are a fault, or a warning. */
int check_count(const struct check_result *result, enum check_state state);
void check_print_text(const struct check_result *result);
void check_print_json(const struct check_result *result);

#endif
