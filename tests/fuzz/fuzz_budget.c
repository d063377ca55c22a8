/* SPDX-License-Identifier: MIT */
/* A CPU budget, as users write it. */
#include "fuzz.h"

#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

static void look_at(const struct qrt_sched_budget *budget)
{
	struct qrt_sched_budget again;
	char text[64];

	PROMISE(budget->window_ns >= 1000000 && budget->window_ns <= 10000000000ull);
	PROMISE(budget->runtime_ns >= 1000);
	PROMISE(qrt_sched_budget_format(budget, text, sizeof(text)) == (int)strlen(text));
	PROMISE(qrt_sched_budget_parse(text, &again, NULL) == 0);
	PROMISE(memcmp(budget, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_sched_budget budget;
	struct qrt_sched_error error;
	char *text = malloc(size + 1);
	int r;

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = 0;
	r = qrt_sched_budget_parse(text, &budget, &error);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r == 0)
		look_at(&budget);
	else
		PROMISE(error.code == r && strlen(error.message) > 10 && !strchr(error.message, '\n'));
	free(text);
	return 0;
}
