/* SPDX-License-Identifier: MIT */
#ifndef QRT_AGENT_LINES_H
#define QRT_AGENT_LINES_H

#include <stddef.h>

struct lines {
	int fd; /* -1: it could not be opened, and has no lines */
	size_t at, end;
	char buf[4096];
};

/* On the caller's stack or among what is static. It is to be closed, whatever is returned. */
int lines_open(struct lines *lines, const char *folder, const char *name);
void lines_close(struct lines *lines);
/* The next one, cut where it is too long; 0: there is none. */
int lines_next(struct lines *lines, char *line, size_t size);

#endif
