/* SPDX-License-Identifier: MIT */
#include "top_model.h"

#include "clean.h"
#include "json_limit.h"

#include <stdio.h>
#include <string.h>

void top_model_open(struct top_model *model)
{
	memset(model, 0, sizeof(*model));
	model->vms = g_array_new(FALSE, TRUE, sizeof(struct top_vm));
	model->rows = g_array_new(FALSE, TRUE, sizeof(struct top_row));
	model->shown = g_array_new(FALSE, TRUE, sizeof(struct top_row));
}

void top_model_close(struct top_model *model)
{
	g_array_unref(model->vms);
	g_array_unref(model->rows);
	g_array_unref(model->shown);
}

/* ---- taking ---- */

static void copy(char *buf, size_t size, const char *text)
{
	g_strlcpy(buf, text, size);
	clean_text(buf);
}

static void take_layers(JsonObject *thread, char *buf, size_t size)
{
	JsonArray *layers = json_limit_get_array(thread, "layers");
	g_autoptr(GString) names = g_string_new(NULL);
	guint i;

	for (i = 0; layers && i < json_array_get_length(layers); i++) {
		const char *name = json_limit_get_string(json_limit_get_element(layers, i), "layer");

		if (strcmp(name, "origin") != 0)
			g_string_append_printf(names, "%s%s", names->len > 0 ? "+" : "", name);
	}
	copy(buf, size, names->len > 0 ? names->str : "-");
}

static void take_planned(JsonObject *planned, struct top_row *row)
{
	copy(row->planned_policy, sizeof(row->planned_policy), json_limit_get_string(planned, "policy"));
	row->planned_priority = planned && json_object_has_member(planned, "priority")
					? json_limit_get_int(planned, "priority")
					: -1;
}

static void take_effective(JsonObject *effective, struct top_row *row)
{
	const char *policy = json_limit_get_string(effective, "policy"),
		   *cpus = json_limit_get_string(effective, "cpus");

	copy(row->policy, sizeof(row->policy), *policy ? policy : "-");
	copy(row->cpus, sizeof(row->cpus), *cpus ? cpus : "-");
	row->priority = json_limit_get_int(effective, "priority");
	row->nice = json_limit_get_int(effective, "nice");
}

/* A thread ends, and another one gets its number; its counters then begin below. */
static const struct top_row *find_before(const GArray *rows, const struct top_row *row)
{
	guint i;

	for (i = 0; i < rows->len; i++) {
		const struct top_row *before = &g_array_index(rows, struct top_row, i);

		if (before->tid == row->tid && strcmp(before->vm, row->vm) == 0)
			return before->cpu_ns <= row->cpu_ns &&
					       before->switches_total <= row->switches_total &&
					       before->delay_ns <= row->delay_ns
				       ? before
				       : NULL;
	}
	return NULL;
}

static void take_rates(struct top_row *row, const struct top_row *before, gint64 elapsed_us)
{
	double seconds = (double)elapsed_us / G_USEC_PER_SEC;

	row->cpu = row->switches = row->delay = -1;
	if (!before || elapsed_us <= 0)
		return;
	row->cpu = (double)(row->cpu_ns - before->cpu_ns) / 1e9 / seconds * 100;
	row->switches = (double)(row->switches_total - before->switches_total) / seconds;
	row->delay = (double)(row->delay_ns - before->delay_ns) / 1e6 / seconds;
}

static JsonObject *find_budget(JsonArray *budgets, const char *whose)
{
	guint i;

	for (i = 0; budgets && i < json_array_get_length(budgets); i++) {
		JsonObject *budget = json_limit_get_element(budgets, i);

		if (strcmp(json_limit_get_string(budget, "of"), whose) == 0)
			return budget;
	}
	return NULL;
}

/* Its role's, else the VM's; ! where it is used up. */
static void take_budget(JsonArray *budgets, struct top_row *row)
{
	JsonObject *budget = find_budget(budgets, row->role);
	const char *text;

	if (!budget)
		budget = find_budget(budgets, "vm");
	text = json_limit_get_string(budget, "budget");
	copy(row->budget, sizeof(row->budget), *text ? text : "-");
	if (json_limit_get_bool(budget, "over"))
		g_strlcat(row->budget, "!", sizeof(row->budget));
}

static void take_thread(const struct top_model *model, const char *vm, JsonObject *thread, gint64 elapsed_us,
			GArray *rows)
{
	struct top_row row = {.tid = json_limit_get_int(thread, "tid"),
			      .index = json_limit_get_int(thread, "index"),
			      .in_plan = json_limit_get_bool(thread, "in_plan")};

	g_strlcpy(row.vm, vm, sizeof(row.vm));
	copy(row.role, sizeof(row.role), json_limit_get_string(thread, "role"));
	g_snprintf(row.place, sizeof(row.place), "%s%d", row.role, (int)row.index);
	copy(row.name, sizeof(row.name), json_limit_get_string(thread, "name"));
	take_layers(thread, row.layers, sizeof(row.layers));
	take_planned(json_limit_get_object(thread, "planned"), &row);
	take_effective(json_limit_get_object(thread, "effective"), &row);
	row.cpu_ns = (guint64)json_limit_get_int(thread, "cpu_time_ns");
	row.delay_ns = (guint64)json_limit_get_int(thread, "run_delay_ns");
	row.switches_total = (guint64)json_limit_get_int(thread, "voluntary_switches") +
			     (guint64)json_limit_get_int(thread, "involuntary_switches");
	take_rates(&row, find_before(model->rows, &row), elapsed_us);
	g_array_append_val(rows, row);
}

static void take_vm(struct top_model *model, JsonObject *answer, gint64 elapsed_us, GArray *rows)
{
	JsonArray *threads = json_limit_get_array(answer, "threads");
	JsonArray *budgets = json_limit_get_array(json_limit_get_object(answer, "governor"), "budgets");
	struct top_vm vm = {.corrections = json_limit_get_int(answer, "corrections"),
			    .unplaced = json_limit_get_int(answer, "unplaced"),
			    .uptime = (double)json_limit_get_int(answer, "uptime_ms") / 1000};
	guint i;

	copy(vm.name, sizeof(vm.name), json_limit_get_string(answer, "name"));
	copy(vm.state, sizeof(vm.state), json_limit_get_string(answer, "guest_state"));
	copy(vm.accelerator, sizeof(vm.accelerator), json_limit_get_string(answer, "accelerator"));
	vm.threads = threads ? json_array_get_length(threads) : 0;
	g_array_append_val(model->vms, vm);
	for (i = 0; i < (guint)vm.threads; i++) {
		JsonObject *thread = json_limit_get_element(threads, i);

		if (!thread)
			continue;
		take_thread(model, vm.name, thread, elapsed_us, rows);
		take_budget(budgets, &g_array_index(rows, struct top_row, rows->len - 1));
	}
}

void top_model_take(struct top_model *model, const GPtrArray *answers, gint64 now_us)
{
	gint64 elapsed_us = model->taken_us ? now_us - model->taken_us : 0;
	GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct top_row));
	guint i;

	g_array_set_size(model->vms, 0);
	for (i = 0; i < answers->len; i++)
		take_vm(model, answers->pdata[i], elapsed_us, rows);
	g_array_unref(model->rows);
	model->rows = rows;
	model->taken_us = now_us;
}

/* ---- showing ---- */

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[TOP_SORTS] = {"role", "%cpu", "switches", "delay", "name"};

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

/* ---- changing ---- */

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
