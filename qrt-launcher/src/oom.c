/* SPDX-License-Identifier: MIT */
#include "oom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADJUSTMENT "-900" /* -1000: nobody at all */

static const char path[] = "/proc/self/oom_score_adj";
static char before[16]; /* "": nothing was changed */

static int write_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return r;
}

static int read_text(char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return 0;
}

void oom_protect(void)
{
	char found[sizeof(before)];

	if (before[0] || read_text(found, sizeof(found)) < 0 ||
	    strtol(found, NULL, 10) <= strtol(ADJUSTMENT, NULL, 10) || write_text(ADJUSTMENT) < 0)
		return;
	memcpy(before, found, sizeof(before));
}

void oom_release(void)
{
	if (before[0])
		(void)write_text(before);
}
