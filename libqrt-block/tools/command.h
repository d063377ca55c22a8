/* SPDX-License-Identifier: MIT */
/* The commands, by name. */
#ifndef QRT_IO_COMMAND_H
#define QRT_IO_COMMAND_H

#include "session.h"

struct command {
	const char *name, *letter; /* letter: the short name, or NULL */
	const char *arguments;     /* for help */
	const char *summary;
	const char *help; /* more lines, or NULL */
	gboolean needs_image;
	int most; /* words behind the name; -1: it looks by itself */
	gboolean (*run)(struct session *session, int argc, char **argv);
};

extern const struct command *const command_groups[]; /* each ends without a name; NULL at the end */
extern const struct command command_ios[], command_images[], command_others[];

/* command_truncate.c */
gboolean command_truncate(struct session *session, int argc, char **argv);

const struct command *command_find(const char *name);
/* All of them by their names; the caller's array. */
GPtrArray *command_list(void);
/* One line each, or all about one. FALSE: there is none of that name, which was said. */
gboolean command_help(const char *name);

#endif
