/* SPDX-License-Identifier: MIT */
#include "status_print.h"

#include "clean.h"
#include "command.h"
#include "governor.h"
#include "guest.h"
#include "json_limit.h"
#include "library.h"
#include "status_globals.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct column {
	const char *title;
	char *(*format)(JsonObject *thread);
	bool right;
	int rank; /* those of the highest rank are left out first */
};

static char *format_role(JsonObject *thread)
{
	return g_strdup_printf("%s%" G_GINT64_FORMAT, json_limit_get_string(thread, "role"),
			       json_limit_get_int(thread, "index"));
}

static char *format_tid(JsonObject *thread)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, json_limit_get_int(thread, "tid"));
}

static char *format_name(JsonObject *thread)
{
	return g_strdup(json_limit_get_string(thread, "name"));
}

/* "2/10/10 ms"; a slice is one number. */
static void append_times(GString *text, JsonObject *setting)
{
	gint64 runtime = json_limit_get_int(setting, "runtime_ns");
	gint64 deadline = json_limit_get_int(setting, "deadline_ns");

	if (deadline)
		g_string_append_printf(text, " %g/%g/%g ms", (double)runtime / 1e6, (double)deadline / 1e6,
				       (double)json_limit_get_int(setting, "period_ns") / 1e6);
	else if (runtime)
		g_string_append_printf(text, " slice %g ms", (double)runtime / 1e6);
}

static char *format_setting(JsonObject *setting)
{
	const char *policy = json_limit_get_string(setting, "policy");
	const char *ioprio = json_limit_get_string(setting, "ioprio");
	const char *cpus = json_limit_get_string(setting, "cpus");
	gint64 priority = json_limit_get_int(setting, "priority"), nice = json_limit_get_int(setting, "nice");
	bool is_rt = strcmp(policy, "fifo") == 0 || strcmp(policy, "rr") == 0;
	GString *text = g_string_new(policy);

	if (priority && strcmp(policy, "deadline") != 0)
		g_string_append_printf(text, " %" G_GINT64_FORMAT, priority);
	if (nice && !is_rt)
		g_string_append_printf(text, " nice %" G_GINT64_FORMAT, nice);
	append_times(text, setting);
	if (*cpus)
		g_string_append_printf(text, "%son %s", text->len ? " " : "", cpus);
	if (*ioprio)
		g_string_append_printf(text, "%sio %s", text->len ? " " : "", ioprio);
	return g_string_free(text, FALSE);
}

static char *format_planned(JsonObject *thread)
{
	JsonObject *planned = json_limit_get_object(thread, "planned");
	bool fell_back = json_object_get_boolean_member_with_default(thread, "fallback", FALSE);
	g_autofree char *setting = planned ? format_setting(planned) : NULL;

	if (!setting)
		return g_strdup("-");
	return g_strconcat(setting, fell_back ? " (no deadline)" : NULL, NULL);
}

static char *format_effective(JsonObject *thread)
{
	JsonObject *effective = json_limit_get_object(thread, "effective");

	return effective ? format_setting(effective) : g_strdup("-");
}

static char *format_cpu(JsonObject *thread)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, json_limit_get_int(thread, "cpu"));
}

static char *format_ms(JsonObject *thread, const char *name)
{
	return g_strdup_printf("%.1f", (double)json_limit_get_int(thread, name) / 1e6);
}

static char *format_time(JsonObject *thread)
{
	return format_ms(thread, "cpu_time_ns");
}

static char *format_delay(JsonObject *thread)
{
	return format_ms(thread, "run_delay_ns");
}

static char *format_switches(JsonObject *thread)
{
	return g_strdup_printf("%" G_GINT64_FORMAT "+%" G_GINT64_FORMAT,
			       json_limit_get_int(thread, "voluntary_switches"),
			       json_limit_get_int(thread, "involuntary_switches"));
}

static char *format_by(JsonObject *thread)
{
	return g_strdup(json_limit_get_string(thread, "placed_by"));
}

static char *format_fixed(JsonObject *thread)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, json_limit_get_int(thread, "corrections"));
}

static char *format_plan(JsonObject *thread)
{
	return g_strdup(json_limit_get_bool(thread, "in_plan") ? "yes" : "NO");
}

static char *format_layers(JsonObject *thread)
{
	JsonArray *layers = json_limit_get_array(thread, "layers");
	GString *text = g_string_new(NULL);
	guint i;

	for (i = 0; layers && i < json_array_get_length(layers); i++)
		g_string_append_printf(text, "%s%s", i ? "," : "",
				       json_limit_get_string(json_limit_get_element(layers, i), "layer"));
	return g_string_free(text, FALSE);
}

static const struct column columns[] = {
	{"ROLE", format_role, false, 0},
	{"TID", format_tid, true, 4},
	{"NAME", format_name, false, 1},
	{"PLANNED", format_planned, false, 2},
	{"EFFECTIVE", format_effective, false, 0},
	{"IN PLAN", format_plan, false, 1},
	{"CPU", format_cpu, true, 3},
	{"CPU MS", format_time, true, 5},
	{"WAITED MS", format_delay, true, 6},
	{"SWITCHES", format_switches, true, 7},
	{"BY", format_by, false, 6},
	{"FIXED", format_fixed, true, 5},
	{"LAYERS", format_layers, false, 8},
};
#define COLUMNS G_N_ELEMENTS(columns)

struct table {
	GPtrArray *cells; /* COLUMNS a row */
	int widths[COLUMNS];
	bool shown[COLUMNS];
};

/* A thread gives itself its name, and who answers may be anybody. */
static void add_row(struct table *table, JsonObject *thread)
{
	size_t i;
	char *cell;

	for (i = 0; i < COLUMNS; i++) {
		cell = clean_text(columns[i].format(thread));
		table->widths[i] = MAX(table->widths[i], (int)strlen(cell));
		g_ptr_array_add(table->cells, cell);
	}
}

static int measure(const struct table *table)
{
	int width = 0;
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		width += table->shown[i] ? table->widths[i] + 2 : 0;
	return width - 2;
}

static void fit(struct table *table, int width)
{
	int rank;
	size_t i;

	for (rank = 8; rank > 0 && measure(table) > width; rank--) {
		for (i = COLUMNS; i-- > 0 && measure(table) > width;) {
			if (columns[i].rank == rank)
				table->shown[i] = false;
		}
	}
}

static size_t find_last(const struct table *table)
{
	size_t last = COLUMNS - 1;

	while (!table->shown[last])
		last--;
	return last;
}

static void print_cell(const struct table *table, size_t column, const char *text)
{
	int width = columns[column].right ? table->widths[column] : -table->widths[column];

	if (!table->shown[column])
		return;
	if (column == find_last(table))
		printf("%*s\n", columns[column].right ? width : 0, text);
	else
		printf("%*s  ", width, text);
}

static void print_table(const struct table *table)
{
	guint i;

	for (i = 0; i < COLUMNS; i++)
		print_cell(table, i, columns[i].title);
	for (i = 0; i < table->cells->len; i++)
		print_cell(table, i % COLUMNS, table->cells->pdata[i]);
}

static void print_threads(JsonArray *threads, int width)
{
	struct table table = {.cells = g_ptr_array_new_with_free_func(g_free)};
	JsonObject *thread;
	guint i;

	for (i = 0; i < COLUMNS; i++) {
		table.widths[i] = (int)strlen(columns[i].title);
		table.shown[i] = true;
	}
	for (i = 0; i < json_array_get_length(threads); i++) {
		thread = json_limit_get_element(threads, i);
		if (thread)
			add_row(&table, thread);
	}
	if (width > 0)
		fit(&table, width);
	print_table(&table);
	g_ptr_array_free(table.cells, TRUE);
}

static char *format_head(JsonObject *vm)
{
	return g_strdup_printf(
		"%s: %s, %s, up %.1f s, QEMU pid %" G_GINT64_FORMAT ", launcher pid %" G_GINT64_FORMAT,
		json_limit_get_string(vm, "name"), json_limit_get_string(vm, "guest_state"),
		json_limit_get_string(vm, "accelerator"), (double)json_limit_get_int(vm, "uptime_ms") / 1000,
		json_limit_get_int(vm, "qemu_pid"), json_limit_get_int(vm, "launcher_pid"));
}

static char *format_counts(JsonObject *vm, guint threads)
{
	gint64 corrections = json_limit_get_int(vm, "corrections");

	return g_strdup_printf("%u thread%s, %" G_GINT64_FORMAT " correction%s, %" G_GINT64_FORMAT
			       " that could not be placed%s",
			       threads, plural(threads), corrections, plural((unsigned long long)corrections),
			       json_limit_get_int(vm, "unplaced"),
			       library_describe(json_limit_get_string(vm, "library")));
}

/* Takes the line. */
static void print_line(char *line)
{
	puts(clean_text(line));
	g_free(line);
}

void status_print(JsonObject *vm, int width)
{
	JsonArray *threads = json_limit_get_array(vm, "threads");
	JsonObject *globals = json_limit_get_object(vm, "globals");
	JsonObject *governor = json_limit_get_object(vm, "governor");
	JsonObject *guest = json_limit_get_object(vm, "guest");

	print_line(format_head(vm));
	if (guest)
		print_line(guest_format(guest));
	print_line(format_counts(vm, threads ? json_array_get_length(threads) : 0));
	if (globals)
		print_line(status_globals_format(globals));
	if (governor)
		print_line(governor_format(governor));
	if (threads)
		print_threads(threads, width);
}
