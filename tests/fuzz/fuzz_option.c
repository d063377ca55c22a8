/* SPDX-License-Identifier: MIT */
/* One -rt argument, and the same bytes as a thread's name. */
#include "fuzz.h"

#include <qrt/sched.h>
#include <string.h>

static void check_text(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *again = NULL;
	char text[8192], same[8192];

	PROMISE(qrt_sched_plan_format(plan, text, sizeof(text)) < (int)sizeof(text));
	PROMISE(qrt_sched_plan_new(&again) == 0);
	PROMISE(qrt_sched_plan_parse_text(again, text, strlen(text), NULL) == 0);
	PROMISE(qrt_sched_plan_format(again, same, sizeof(same)) < (int)sizeof(same));
	PROMISE(strcmp(text, same) == 0);
	qrt_sched_plan_close(again);
}

static void check_name(const struct qrt_sched_plan *plan, const char *name)
{
	int32_t index = 0;
	pid_t served = -1;
	int r = qrt_sched_role_get_served(name, &served);

	PROMISE(r == 0 ? served >= 0 : served == -1);
	PROMISE(r < 0 || qrt_sched_plan_classify(NULL, name, &index) == QRT_SCHED_ROLE_KIO);
	PROMISE(qrt_sched_plan_classify(plan, name, &index) >= 0);
	PROMISE(index >= -1 && index <= 65535);
}

static void check_message(const struct qrt_sched_error *error)
{
	const char *at;

	PROMISE(error->message[0]);
	for (at = error->message; *at; at++)
		PROMISE((unsigned char)*at >= 0x20 && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_sched_error error = {0};
	struct qrt_sched_plan *plan = NULL;
	char *text = malloc(size + 1);

	PROMISE(text && qrt_sched_plan_new(&plan) == 0);
	memcpy(text, data, size);
	text[size] = 0;
	if (qrt_sched_plan_parse_option(plan, text, &error) < 0)
		check_message(&error);
	check_text(plan);
	check_name(plan, text);
	qrt_sched_plan_close(plan);
	free(text);
	return 0;
}
