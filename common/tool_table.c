/* SPDX-License-Identifier: MIT */
#include "tool_table.h"

#include <stdio.h>
#include <string.h>

#include "tool_say.h"

struct table {
	GPtrArray *cells;
	guint columns;
	int *widths; /* negative: to the left */
};

struct table *table_new(const char *const *titles)
{
	struct table *table = g_new0(struct table, 1);
	guint i;

	table->cells = g_ptr_array_new_with_free_func(g_free);
	table->columns = g_strv_length((char **)(gpointer)titles);
	table->widths = g_new0(int, table->columns);
	for (i = 0; i < table->columns; i++) {
		table->widths[i] = titles[i][0] == '>' ? 0 : -1;
		table_add(table, g_strdup(titles[i] + (titles[i][0] == '>')));
	}
	return table;
}

void table_add(struct table *table, char *text)
{
	int *width = &table->widths[table->cells->len % table->columns], length = (int)strlen(text);

	*width = *width < 0 ? MIN(*width, -length) : MAX(*width, length);
	g_ptr_array_add(table->cells, clean_text(text));
}

/* No blanks at the end of a line. */
static void print_cell(const struct table *table, guint index)
{
	guint column = index % table->columns;
	gboolean is_last = column + 1 == table->columns;
	int width = is_last && table->widths[column] < 0 ? 0 : table->widths[column];

	printf("%*s%s", width, (const char *)table->cells->pdata[index], is_last ? "\n" : "  ");
}

void table_print(struct table *table)
{
	guint i;

	for (i = 0; i < table->cells->len; i++)
		print_cell(table, i);
	g_ptr_array_free(table->cells, TRUE);
	g_free(table->widths);
	g_free(table);
}
