/* SPDX-License-Identifier: MIT */
/* Which of the rows are shown, and in which order. */
#include "top_model.h"

#include <string.h>

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[TOP_SORTS] = {"role", "%cpu", "switches", "wait", "name"};

	return names[sort];
}

static int compare_number(double a, double b)
{
	return a > b ? -1 : a < b;
}

static int compare_key(const struct top_row *a, const struct top_row *b, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_CPU:
		return compare_number(a->cpu, b->cpu);
	case TOP_SORT_SWITCHES:
		return compare_number(a->switches, b->switches);
	case TOP_SORT_DELAY:
		return compare_number(a->delay, b->delay);
	case TOP_SORT_NAME:
		return strcmp(a->name, b->name);
	default:
		return 0;
	}
}

/* As they come is by role and index. */
static gint compare(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct top_model *model = data;

	return compare_key(a, b, model->sort);
}

static bool contains(const char *text, const char *part)
{
	g_autofree char *a = g_ascii_strdown(text, -1), *b = g_ascii_strdown(part, -1);

	return strstr(a, b) != NULL;
}

static bool is_shown(const struct top_model *model, const struct top_row *row)
{
	if (*model->vm && strcmp(model->vm, row->vm) != 0)
		return false;
	return contains(row->place, model->filter) || contains(row->name, model->filter) ||
	       contains(row->vm, model->filter) || contains(row->policy, model->filter);
}

void top_model_arrange(struct top_model *model)
{
	guint i;

	g_array_set_size(model->shown, 0);
	for (i = 0; i < model->rows->len; i++) {
		const struct top_row *row = &g_array_index(model->rows, struct top_row, i);

		if (is_shown(model, row))
			g_array_append_vals(model->shown, row, 1);
	}
	g_array_sort_with_data(model->shown, compare, model);
}

void top_model_next_vm(struct top_model *model)
{
	guint i, next = 0;

	for (i = 0; i < model->vms->len; i++) {
		if (strcmp(g_array_index(model->vms, struct top_vm, i).name, model->vm) == 0)
			next = i + 1;
	}
	if (next < model->vms->len)
		g_strlcpy(model->vm, g_array_index(model->vms, struct top_vm, next).name, sizeof(model->vm));
	else
		model->vm[0] = '\0';
}
