/* SPDX-License-Identifier: MIT */
/* What keys make of a role's plan. */
#include "top_model.h"

#include <string.h>

static gint64 find_priority(const struct top_model *model, const struct top_row *like, gint64 index)
{
	guint i;

	for (i = 0; i < model->rows->len; i++) {
		const struct top_row *row = &g_array_index(model->rows, struct top_row, i);

		if (row->index == index && strcmp(row->vm, like->vm) == 0 &&
		    strcmp(row->role, like->role) == 0)
			return row->planned_priority;
	}
	return -1;
}

static gint64 find_last_index(const struct top_model *model, const struct top_row *like)
{
	gint64 last = 0;
	guint i;

	for (i = 0; i < model->rows->len; i++) {
		const struct top_row *row = &g_array_index(model->rows, struct top_row, i);

		if (strcmp(row->vm, like->vm) == 0 && strcmp(row->role, like->role) == 0)
			last = MAX(last, row->index);
	}
	return MIN(last, 1023);
}

char *top_model_step_priority(const struct top_model *model, const struct top_row *row, int step)
{
	GString *option = g_string_new(NULL);
	gint64 index, last = find_last_index(model, row), priority, before = -1;

	g_string_append_printf(option, "%s_prio=", row->role);
	for (index = 0; index <= last; index++) {
		priority = find_priority(model, row, index);
		/* One that has ended leaves its place to the next. */
		if (priority < 0)
			priority = before >= 0 ? before : row->planned_priority;
		before = priority;
		if (priority < 1 || priority + step < 1 || priority + step > 99) {
			g_string_free(option, TRUE);
			return NULL;
		}
		g_string_append_printf(option, "%s%d", index ? "," : "", (int)priority + step);
	}
	return g_string_free(option, FALSE);
}

char *top_model_cycle_policy(const struct top_row *row, gint64 priority)
{
	static const char *const policies[] = {"fifo", "rr", "other", "batch"};
	/* Slices of its own make a fifo of the kernel's out of an rr of the plan's. */
	const char *now = *row->planned_policy ? row->planned_policy : row->policy;
	size_t i, next = 0;
	bool is_realtime;

	for (i = 0; i < G_N_ELEMENTS(policies); i++) {
		if (strcmp(now, policies[i]) == 0)
			next = (i + 1) % G_N_ELEMENTS(policies);
	}
	is_realtime = next < 2;
	/* A priority that differs from thread to thread stays so. */
	if (is_realtime && row->planned_priority > 0)
		return g_strdup_printf("%s_sched=%s", row->role, policies[next]);
	return g_strdup_printf("%s_sched=%s %s_prio=%d", row->role, policies[next], row->role,
			       is_realtime ? (int)priority : 0);
}
