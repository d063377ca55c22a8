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
