/* SPDX-License-Identifier: MIT */
/* A table on standard output, its columns as wide as they have to be. */
#ifndef QRT_TOOL_TABLE_H
#define QRT_TOOL_TABLE_H

#include <glib.h>

struct table;

/* Titles, NULL at their end; those that begin with '>' are of columns of numbers, and the '>' is not shown.
 */
struct table *table_new(const char *const *titles);
/* The next cell, row by row. Takes the text; what is not printable in it is not shown. */
void table_add(struct table *table, char *text);
/* Prints it, and frees it. */
void table_print(struct table *table);

#endif
