/* SPDX-License-Identifier: MIT */
/* What keys make of a role's plan. */
#include "json_limit.h"
#include "top_model.h"

#include <string.h>

/* ---- priorities ---- */

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

/* ---- policies ---- */

/* What a plan's text has for "ROLE_prio", freed by g_free(); NULL: nothing. */
static char *find_said(const char *plan, const char *role)
{
	g_autofree char *key = g_strdup_printf("%s_prio=", role);
	g_auto(GStrv) lines = g_strsplit(plan, "\n", -1);
	size_t i;

	for (i = 0; lines[i]; i++) {
		if (g_str_has_prefix(lines[i], key))
			return g_strdup(lines[i] + strlen(key));
	}
	return NULL;
}

/* The same from its threads, where the text says it in another way. */
static char *find_running(const struct top_model *model, const struct top_row *row)
{
	g_autofree char *option = top_model_step_priority(model, row, 0);

	return option ? g_strdup(strchr(option, '=') + 1) : NULL;
}

static bool are_realtime(const char *list)
{
	g_auto(GStrv) values = g_strsplit(list, ",", -1);
	guint64 value;
	size_t i;

	for (i = 0; values[i]; i++) {
		if (!g_ascii_string_to_unsigned(values[i], 10, 1, 99, &value, NULL))
			return false;
	}
	return i > 0;
}

static bool is_same_role(const struct top_row *a, const struct top_row *b)
{
	return strcmp(a->vm, b->vm) == 0 && strcmp(a->role, b->role) == 0;
}

static void remember_role(struct top_model *model, const struct top_row *row, const char *plan)
{
	char *list = find_said(plan, row->role);

	if (!list)
		list = find_running(model, row);
	if (list && are_realtime(list))
		g_hash_table_insert(model->priorities, g_strdup_printf("%s/%s", row->vm, row->role), list);
	else
		g_free(list);
}

void top_model_remember(struct top_model *model, JsonObject *answer)
{
	const char *vm = json_limit_get_string(answer, "name"), *plan = json_limit_get_string(answer, "plan");
	const struct top_row *row, *before = NULL;
	guint i;

	for (i = 0; i < model->rows->len; i++, before = row) {
		row = &g_array_index(model->rows, struct top_row, i);
		/* Those of a role come one after the other. */
		if (strcmp(row->vm, vm) == 0 && row->planned_priority > 0 &&
		    !(before && is_same_role(before, row)))
			remember_role(model, row, plan);
	}
}

static const char *recall(const struct top_model *model, const struct top_row *row)
{
	g_autofree char *place = g_strdup_printf("%s/%s", row->vm, row->role);
	const char *list = g_hash_table_lookup(model->priorities, place);

	return list ? list : "1";
}

static bool has_deadline(const struct top_model *model, const struct top_row *like)
{
	guint i;

	for (i = 0; i < model->rows->len; i++) {
		const struct top_row *row = &g_array_index(model->rows, struct top_row, i);

		if (is_same_role(row, like) && strcmp(row->planned_policy, "deadline") == 0)
			return true;
	}
	return false;
}

char *top_model_cycle_policy(const struct top_model *model, const struct top_row *row)
{
	static const char *const policies[] = {"fifo", "rr", "other", "batch"};
	/* Slices of its own make a fifo of the kernel's out of an rr of the plan's. */
	const char *now = *row->planned_policy ? row->planned_policy : row->policy;
	size_t i, next = 0;
	bool is_realtime;

	if (has_deadline(model, row))
		return NULL;
	for (i = 0; i < G_N_ELEMENTS(policies); i++) {
		if (strcmp(now, policies[i]) == 0)
			next = (i + 1) % G_N_ELEMENTS(policies);
	}
	is_realtime = next < 2;
	/* A priority that differs from thread to thread stays so. */
	if (is_realtime && row->planned_priority > 0)
		return g_strdup_printf("%s_sched=%s", row->role, policies[next]);
	return g_strdup_printf("%s_sched=%s %s_prio=%s", row->role, policies[next], row->role,
			       is_realtime ? recall(model, row) : "0");
}
