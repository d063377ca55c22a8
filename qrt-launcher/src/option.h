/* SPDX-License-Identifier: MIT */
/* Options with a value, in the same way for all commands. */
#ifndef QRT_LAUNCHER_OPTION_H
#define QRT_LAUNCHER_OPTION_H

/* Takes "NAME VALUE" or "NAME=VALUE" at argv[*index] and moves *index behind it. Returns 1, 0 when another
 * argument stands there; -EXIT_USAGE when the value is missing, which was said. */
int option_take(const char *name, int argc, char **argv, int *index, const char **ret_value);

#endif
