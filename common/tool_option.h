/* SPDX-License-Identifier: MIT */
/* Options, in the same way for all commands. */
#ifndef QRT_TOOL_OPTION_H
#define QRT_TOOL_OPTION_H

#include "tool_say.h"

#define OPTION_HELP (-1)

struct option_usage {
	const char *command;         /* NULL: the program has none */
	const char *help;            /* all that --help prints */
	const GOptionEntry *entries; /* without --help; their strings are of type G_OPTION_ARG_FILENAME */
	void *data;                  /* what functions among the entries get */
};

/* Takes the options out. EXIT_OK, and what is left, which is the caller's; EXIT_USAGE: it was said what is
 * wrong; OPTION_HELP: the help was printed. */
int option_parse(const struct option_usage *usage, char **argv, char ***ret_rest);
/* Exactly one argument is left, which `what` names: EXIT_OK. */
int option_need_one(const struct option_usage *usage, char **rest, const char *what);

/* Values, where there are some: `text` NULL leaves what was there. EXIT_OK; EXIT_USAGE: it was said what is
 * wrong. */
int option_take_number(const char *name, const char *text, guint64 least, guint64 most, guint64 *number);
/* Bytes, of which there is one at least: 65536, 64K, 4M, 1G. */
int option_take_size(const char *name, const char *text, guint64 *size);
int option_take_seconds(const char *name, const char *text, double most, double *seconds);

#endif
