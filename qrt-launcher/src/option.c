/* SPDX-License-Identifier: MIT */
#include "option.h"

#include "command.h"

#include <string.h>

int option_take(const char *name, int argc, char **argv, int *index, const char **ret_value)
{
	const char *argument = argv[*index];
	size_t len = strlen(name);

	if (strncmp(argument, name, len) != 0)
		return 0;
	if (argument[len] == '=') {
		(*index)++;
		*ret_value = argument + len + 1;
		return 1;
	}
	if (argument[len] != '\0')
		return 0;
	if (*index + 1 >= argc) {
		complain("%s needs a value", name);
		return -EXIT_USAGE;
	}
	*index += 2;
	*ret_value = argv[*index - 1];
	return 1;
}

int option_take_any(const struct option_table *table, void *data, int argc, char **argv, int *index)
{
	const struct option_entry *entry = table->entries;
	const char *value;
	int r = 0;

	for (; r == 0 && entry < table->entries + table->count; entry++) {
		r = option_take(entry->name, argc, argv, index, &value);
		if (r <= 0 || entry->take(data, value) >= 0)
			continue;
		complain("%s: %s '%s': give %s", table->command, entry->name, value, entry->wanted);
		return -EXIT_USAGE;
	}
	return r;
}
