/* SPDX-License-Identifier: MIT */
/* Another plan for a VM that runs. */
#ifndef QRT_LAUNCHER_CHANGE_H
#define QRT_LAUNCHER_CHANGE_H

#include <json-glib/json-glib.h>
#include <qrt/sched.h>
#include <stdint.h>

struct state_place;
struct supervisor;

struct change_result {
	uint32_t changed, threads; /* of so many */
	char error[640];
};

/* Puts every thread under this plan, or, where one cannot be, all of them under the one before again. On
 * success the plan is the supervisor's; on an error result->error says which thread and why. */
int change_plan(struct supervisor *supervisor, struct qrt_sched_plan *plan, const struct state_place *place,
		struct change_result *result);

/* The answer to {"command":"set"}, one line, freed by g_free(). */
char *change_answer(struct supervisor *supervisor, JsonObject *object);

#endif
