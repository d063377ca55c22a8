/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <string.h>

static void format_vm(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->vm, size);
}

static void format_place(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->place, size);
}

static void format_setting(const struct top_row *row, char *buf, size_t size)
{
	if (row->priority)
		g_snprintf(buf, (gulong)size, "%s %d", row->policy, (int)row->priority);
	else if (row->nice)
		g_snprintf(buf, (gulong)size, "%s %d", row->policy, (int)row->nice);
	else
		g_strlcpy(buf, row->policy, size);
}

static void format_cpus(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->cpus, size);
}

static void format_number(double number, int digits, char *buf, size_t size)
{
	if (number < 0)
		g_strlcpy(buf, "-", size);
	else
		g_snprintf(buf, (gulong)size, "%.*f", digits, number);
}

static void format_cpu(const struct top_row *row, char *buf, size_t size)
{
	format_number(row->cpu, 1, buf, size);
}

static void format_switches(const struct top_row *row, char *buf, size_t size)
{
	format_number(row->switches, 0, buf, size);
}

static void format_delay(const struct top_row *row, char *buf, size_t size)
{
	format_number(row->delay, 2, buf, size);
}

static void format_plan(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->in_plan ? "yes" : "NO", size);
}

static void format_budget(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->budget, size);
}

static void format_layers(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->layers, size);
}

static void format_tid(const struct top_row *row, char *buf, size_t size)
{
	g_snprintf(buf, (gulong)size, "%d", (int)row->tid);
}

static void format_name(const struct top_row *row, char *buf, size_t size)
{
	g_strlcpy(buf, row->name, size);
}

/* The last ones are left out first. A width below 0 is to the right. */
static const struct {
	const char *title;
	int width;
	void (*format)(const struct top_row *row, char *buf, size_t size);
} columns[] = {
	{"VM", 8, format_vm},
	{"ROLE", 7, format_place},
	{"SETTING", 9, format_setting},
	{"CPUS", 6, format_cpus},
	{"%CPU", -6, format_cpu},
	{"SWITCH/S", -8, format_switches},
	{"WAIT MS/S", -9, format_delay},
	{"PLAN", 4, format_plan},
	{"BUDGET", 10, format_budget},
	{"LAYERS", 18, format_layers},
	{"TID", -7, format_tid},
	{"NAME", 15, format_name},
};

static void format_cell(size_t column, const struct top_row *row, char *buf, size_t size)
{
	char text[80];
	int width = columns[column].width;
	size_t most = (size_t)ABS(width);

	if (row)
		columns[column].format(row, text, sizeof(text));
	else
		g_strlcpy(text, columns[column].title, sizeof(text));
	/* What does not fit ends in a mark. */
	if (most > 0 && strlen(text) > most) {
		text[most - 1] = '+';
		text[most] = '\0';
	}
	g_snprintf(buf, (gulong)size, "%*s", -width, text);
}

void top_columns_format(const struct top_row *row, bool all, int width, char *buf, size_t size)
{
	int used = 0, wanted;
	char cell[80];
	size_t i;

	buf[0] = '\0';
	for (i = all ? 0 : 1; i < G_N_ELEMENTS(columns); i++) {
		wanted = ABS(columns[i].width) + (used ? 1 : 0);
		if (used + wanted > width)
			return;
		format_cell(i, row, cell, sizeof(cell));
		if (used)
			g_strlcat(buf, " ", size);
		g_strlcat(buf, cell, size);
		used += wanted;
	}
}
