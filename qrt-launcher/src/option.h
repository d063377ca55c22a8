/* SPDX-License-Identifier: MIT */
/* Options with a value, in the same way for all commands. */
#ifndef QRT_LAUNCHER_OPTION_H
#define QRT_LAUNCHER_OPTION_H

#include <stddef.h>

/* Takes "NAME VALUE" or "NAME=VALUE" at argv[*index] and moves *index behind it. Returns 1, 0 when another
 * argument stands there; -EXIT_USAGE when the value is missing, which was said. */
int option_take(const char *name, int argc, char **argv, int *index, const char **ret_value);

/* One of a command's options with a value. */
struct option_entry {
	const char *name;
	int (*take)(void *data, const char *value); /* negative: a wrong value */
	const char *wanted;                         /* what it should have been */
};

struct option_table {
	const char *command;
	const struct option_entry *entries;
	size_t count;
};

/* Takes whichever of the options stands there, as option_take() does; a wrong value is said, too. */
int option_take_any(const struct option_table *table, void *data, int argc, char **argv, int *index);

#endif
