/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "preload_p.h"

static void write_line(char *line, int len, size_t size)
{
	int saved = errno;
	ssize_t ignored;

	if (len < 0)
		return;
	if ((size_t)len > size - 2)
		len = (int)size - 2;
	line[len] = '\n';
	ignored = write(STDERR_FILENO, line, (size_t)len + 1);
	(void)ignored;
	errno = saved;
}

void preload_say(const char *format, ...)
{
	char line[512] = "qrt: ";
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line + 5, sizeof(line) - 5, format, args);
	va_end(args);
	write_line(line, len < 0 ? len : len + 5, sizeof(line));
}
