/* SPDX-License-Identifier: MIT */
#include "top_model.h"

#include "clean.h"
#include "guest.h"
#include "json_limit.h"

#include <string.h>

#define RATES_MIN_US (G_USEC_PER_SEC / 2) /* a shorter time makes figures of chance */

void top_model_open(struct top_model *model)
{
	memset(model, 0, sizeof(*model));
	model->vms = g_array_new(FALSE, TRUE, sizeof(struct top_vm));
	model->rows = g_array_new(FALSE, TRUE, sizeof(struct top_row));
	model->shown = g_array_new(FALSE, TRUE, sizeof(struct top_row));
	model->priorities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void top_model_close(struct top_model *model)
{
	g_array_unref(model->vms);
	g_array_unref(model->rows);
	g_array_unref(model->shown);
	g_hash_table_destroy(model->priorities);
}

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

static void forget_rates(struct top_row *row)
{
	row->cpu = row->switches = row->delay = -1;
}

/* The figures and where they count from: the next look is about all of the time. */
static void keep_rates(struct top_row *row, const struct top_row *before)
{
	row->cpu = before->cpu;
	row->switches = before->switches;
	row->delay = before->delay;
	row->cpu_ns = before->cpu_ns;
	row->delay_ns = before->delay_ns;
	row->switches_total = before->switches_total;
	row->taken_us = before->taken_us;
}

/* A wait is booked as a whole when it ends, and an answer may come late: neither is more than all of the
 * time. */
static void take_rates(struct top_row *row, const struct top_row *before)
{
	double seconds;

	forget_rates(row);
	if (!before)
		return;
	if (row->taken_us - before->taken_us < RATES_MIN_US) {
		keep_rates(row, before);
		return;
	}
	seconds = (double)(row->taken_us - before->taken_us) / G_USEC_PER_SEC;
	row->cpu = MIN((double)(row->cpu_ns - before->cpu_ns) / 1e9 / seconds * 100, 100);
	row->switches = (double)(row->switches_total - before->switches_total) / seconds;
	row->delay = MIN((double)(row->delay_ns - before->delay_ns) / 1e6 / seconds, 1000);
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

static void take_thread(const struct top_model *model, const struct top_vm *vm, JsonObject *thread,
			GArray *rows)
{
	struct top_row row = {.tid = json_limit_get_int(thread, "tid"),
			      .index = json_limit_get_int(thread, "index"),
			      .in_plan = json_limit_get_bool(thread, "in_plan"),
			      .taken_us = vm->taken_us};

	g_strlcpy(row.vm, vm->name, sizeof(row.vm));
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
	take_rates(&row, find_before(model->rows, &row));
	g_array_append_val(rows, row);
}

static void take_guest(JsonObject *guest, struct top_vm *vm)
{
	g_autofree char *text = guest ? guest_format(guest) : NULL;

	copy(vm->guest, sizeof(vm->guest), text ? text : "");
}

static void take_vm(const struct top_model *model, JsonObject *answer, GArray *rows, struct top_vm *vm)
{
	JsonArray *threads = json_limit_get_array(answer, "threads");
	JsonArray *budgets = json_limit_get_array(json_limit_get_object(answer, "governor"), "budgets");
	guint i;

	vm->corrections = json_limit_get_int(answer, "corrections");
	vm->unplaced = json_limit_get_int(answer, "unplaced");
	vm->uptime = (double)json_limit_get_int(answer, "uptime_ms") / 1000;
	copy(vm->name, sizeof(vm->name), json_limit_get_string(answer, "name"));
	copy(vm->state, sizeof(vm->state), json_limit_get_string(answer, "guest_state"));
	copy(vm->accelerator, sizeof(vm->accelerator), json_limit_get_string(answer, "accelerator"));
	take_guest(json_limit_get_object(answer, "guest"), vm);
	vm->threads = threads ? json_array_get_length(threads) : 0;
	for (i = 0; i < (guint)vm->threads; i++) {
		JsonObject *thread = json_limit_get_element(threads, i);

		if (!thread)
			continue;
		take_thread(model, vm, thread, rows);
		take_budget(budgets, &g_array_index(rows, struct top_row, rows->len - 1));
	}
}

/* What it said last stays; what its threads do now nobody knows. */
static void keep_vm(const struct top_model *model, const char *name, GArray *rows, struct top_vm *vm)
{
	guint i;

	for (i = 0; i < model->vms->len; i++) {
		if (strcmp(g_array_index(model->vms, struct top_vm, i).name, name) == 0)
			*vm = g_array_index(model->vms, struct top_vm, i);
	}
	copy(vm->name, sizeof(vm->name), name);
	vm->is_silent = true;
	for (i = 0; i < model->rows->len; i++) {
		struct top_row row = g_array_index(model->rows, struct top_row, i);

		if (strcmp(row.vm, name) != 0)
			continue;
		forget_rates(&row);
		g_array_append_val(rows, row);
	}
}

void top_model_take(struct top_model *model, const GPtrArray *answers, const GPtrArray *silent, gint64 now_us)
{
	GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct top_row)),
	       *vms = g_array_new(FALSE, TRUE, sizeof(struct top_vm));
	guint i;

	for (i = 0; i < answers->len; i++) {
		struct top_vm vm = {.taken_us = now_us};

		take_vm(model, answers->pdata[i], rows, &vm);
		g_array_append_val(vms, vm);
	}
	for (i = 0; i < silent->len; i++) {
		struct top_vm vm = {.taken_us = 0};

		keep_vm(model, silent->pdata[i], rows, &vm);
		g_array_append_val(vms, vm);
	}
	g_array_unref(model->rows);
	g_array_unref(model->vms);
	model->rows = rows;
	model->vms = vms;
	for (i = 0; i < answers->len; i++)
		top_model_remember(model, answers->pdata[i]);
}
