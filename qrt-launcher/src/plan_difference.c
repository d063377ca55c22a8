/* SPDX-License-Identifier: MIT */
#include "plan_difference.h"

#include <string.h>

static const char *find_key(char **lines, const char *key, size_t len)
{
	size_t i;

	for (i = 0; lines[i]; i++) {
		if (strncmp(lines[i], key, len) == 0 && lines[i][len] == '=')
			return lines[i];
	}
	return NULL;
}

static void add_new(GPtrArray *list, char **before, char **after)
{
	size_t i;

	for (i = 0; after[i]; i++) {
		size_t len = strcspn(after[i], "=");
		const char *was = after[i][len] ? find_key(before, after[i], len) : NULL;

		if (after[i][len] && !(was && strcmp(was, after[i]) == 0))
			g_ptr_array_add(list, g_strdup(after[i]));
	}
}

static void add_gone(GPtrArray *list, char **before, char **after)
{
	size_t i;

	for (i = 0; before[i]; i++) {
		size_t len = strcspn(before[i], "=");

		if (before[i][len] && !find_key(after, before[i], len))
			g_ptr_array_add(list, g_strdup_printf("no %.*s", (int)len, before[i]));
	}
}

GPtrArray *plan_difference_list(const char *before, const char *after)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) old = g_strsplit(before, "\n", -1), new = g_strsplit(after, "\n", -1);

	add_new(list, old, new);
	add_gone(list, old, new);
	return list;
}
