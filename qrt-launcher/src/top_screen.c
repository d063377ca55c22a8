/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX  1024
#define ABOVE_ROWS 3 /* title, counts, titles of columns */
#define BELOW_ROWS 1

/* As large as the smallest screen. */
static const char *const help[] = {
	"Keys of qrt-launcher top",
	"arrows k j PgUp PgDn Home End  choose",
	"Tab    next VM, all VMs",
	"+ -    priority of its role",
	"p      policy of its role",
	"c      CPUs of its role",
	"s f    sort, show some threads only",
	"Space  stop and go on",
	"h      this; any key leaves it",
	"q      quit, as Ctrl-C",
};

/* Never a word beyond the last column: it would go on in the next line. */
static void put(int y, int attributes, const char *text)
{
	if (y < 0 || y >= LINES || COLS < 1)
		return;
	attrset(attributes);
	mvaddnstr(y, 0, text, COLS);
	attrset(A_NORMAL);
}

int top_screen_count_rows(void)
{
	return MAX(LINES - ABOVE_ROWS - BELOW_ROWS, 0);
}

static const struct top_vm *find_vm(const struct top *top)
{
	const GArray *vms = top->model.vms;
	guint i;

	for (i = 0; i < vms->len; i++) {
		const struct top_vm *vm = &g_array_index(vms, struct top_vm, i);

		if (strcmp(vm->name, top->model.vm) == 0 || (vms->len == 1 && !*top->model.vm))
			return vm;
	}
	return NULL;
}

/* What is shown of it is as old as its last word. */
static void format_silent(const struct top_vm *vm, char *line, size_t size)
{
	double seconds = (double)(g_get_monotonic_time() - vm->taken_us) / G_USEC_PER_SEC;

	if (vm->taken_us)
		snprintf(line, size, "%s: not answering; as it was %.0f s ago", vm->name, seconds);
	else
		snprintf(line, size, "%s: not answering", vm->name);
}

static void add_silent(const struct top_model *model, char *line, size_t size)
{
	const char *before = ", not answering: ";
	guint i;

	for (i = 0; i < model->vms->len; i++) {
		const struct top_vm *vm = &g_array_index(model->vms, struct top_vm, i);

		if (!vm->is_silent)
			continue;
		g_strlcat(line, before, size);
		g_strlcat(line, vm->name, size);
		before = " ";
	}
}

static void draw_head(const struct top *top)
{
	const struct top_model *model = &top->model;
	const struct top_vm *vm = find_vm(top);
	char line[WIDTH_MAX];

	if (vm && vm->is_silent)
		format_silent(vm, line, sizeof(line));
	else if (vm)
		snprintf(line, sizeof(line), "%s: %s, %s, up %.0f s, %d correction%s, %d not placed",
			 vm->name, vm->state, vm->accelerator, vm->uptime, (int)vm->corrections,
			 vm->corrections == 1 ? "" : "s", (int)vm->unplaced);
	else if (model->vms->len == 0)
		snprintf(line, sizeof(line), "no VM runs");
	else
		snprintf(line, sizeof(line), "%u VMs", model->vms->len);
	put(0, A_BOLD, line);
	snprintf(line, sizeof(line), "%u of %u threads, by %s%s%s%s", model->shown->len, model->rows->len,
		 top_sort_name(model->sort), *model->filter ? ", with " : "", model->filter,
		 top->is_paused ? ", STOPPED" : "");
	if (vm && !vm->is_silent && *vm->guest) {
		g_strlcat(line, "; ", sizeof(line));
		g_strlcat(line, vm->guest, sizeof(line));
	}
	add_silent(model, line, sizeof(line));
	put(1, A_NORMAL, line);
}

static void draw_rows(const struct top *top)
{
	bool all = !*top->model.vm && top->model.vms->len > 1;
	int row, count = top_screen_count_rows();
	char line[WIDTH_MAX];

	top_columns_format(NULL, all, COLS, line, sizeof(line));
	put(2, A_UNDERLINE, line);
	for (row = 0; row < count && top->first + (guint)row < top->model.shown->len; row++) {
		guint place = top->first + (guint)row;

		top_columns_format(&g_array_index(top->model.shown, struct top_row, place), all, COLS, line,
				   sizeof(line));
		put(ABOVE_ROWS + row, place == top->chosen ? A_REVERSE : A_NORMAL, line);
	}
}

static void draw_foot(const struct top *top)
{
	char line[WIDTH_MAX];

	if (top->prompt == TOP_PROMPT_CPUS)
		snprintf(line, sizeof(line), "CPUs: %s_", top->input);
	else if (top->prompt == TOP_PROMPT_FILTER)
		snprintf(line, sizeof(line), "threads with: %s_", top->input);
	else if (*top->message && g_get_monotonic_time() < top->message_until)
		snprintf(line, sizeof(line), "%s", top->message);
	else
		snprintf(line, sizeof(line), "h help  q quit  + - priority  p policy  c CPUs");
	put(LINES - 1, top->prompt ? A_BOLD : A_NORMAL, line);
}

static void draw_help(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(help); i++)
		put((int)i, i == 0 ? A_BOLD : A_NORMAL, help[i]);
}

void top_screen_draw(const struct top *top)
{
	erase();
	if (top->is_helping) {
		draw_help();
	} else {
		draw_head(top);
		draw_rows(top);
		draw_foot(top);
	}
	refresh();
}
