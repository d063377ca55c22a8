/* SPDX-License-Identifier: MIT */
/* Lines of a file in /proc, without a FILE: that would allocate. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"

int lines_open(struct lines *lines, const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	lines->at = lines->end = 0;
	lines->fd = open(path, O_RDONLY | O_CLOEXEC);
	return lines->fd < 0 ? -errno : 0;
}

void lines_close(struct lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = -1;
}

static int fill(struct lines *lines)
{
	ssize_t got = read(lines->fd, lines->buf, sizeof(lines->buf));

	lines->at = 0;
	lines->end = got > 0 ? (size_t)got : 0;
	return got > 0;
}

int lines_next(struct lines *lines, char *line, size_t size)
{
	size_t length = 0;
	int is_any = 0;
	char c;

	while (lines->fd >= 0 && (lines->at < lines->end || fill(lines))) {
		is_any = 1;
		c = lines->buf[lines->at++];
		if (c == '\n')
			break;
		if (length + 1 < size)
			line[length++] = c;
	}
	line[length] = 0;
	return is_any;
}
