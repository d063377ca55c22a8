/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "tool_say.h"

const struct command *const command_groups[] = {command_ios, command_images, command_others, NULL};

const struct command *command_find(const char *name)
{
	const struct command *const *group, *command;

	for (group = command_groups; *group; group++) {
		for (command = *group; command->name; command++) {
			if (strcmp(command->name, name) == 0 ||
			    (command->letter && strcmp(command->letter, name) == 0))
				return command;
		}
	}
	return NULL;
}

static void print_line(const struct command *command)
{
	printf("%s%s%s -- %s\n", command->name, *command->arguments ? " " : "", command->arguments,
	       command->summary);
}

static int compare(gconstpointer a, gconstpointer b)
{
	const struct command *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

GPtrArray *command_list(void)
{
	GPtrArray *all = g_ptr_array_new();
	const struct command *const *group, *command;

	for (group = command_groups; *group; group++) {
		for (command = *group; command->name; command++)
			g_ptr_array_add(all, (gpointer)(guintptr)command);
	}
	g_ptr_array_sort(all, compare);
	return all;
}

static void print_all(void)
{
	g_autoptr(GPtrArray) all = command_list();
	guint i;

	for (i = 0; i < all->len; i++)
		print_line(all->pdata[i]);
	puts("\n'help COMMAND' says more; see also qrt-io(1).");
}

gboolean command_help(const char *name)
{
	const struct command *command = name ? command_find(name) : NULL;

	if (!name) {
		print_all();
		return TRUE;
	}
	if (!command) {
		complain("there is no command '%s'; 'help' lists them", name);
		return FALSE;
	}
	print_line(command);
	if (command->help)
		printf("\n%s", command->help);
	return TRUE;
}
