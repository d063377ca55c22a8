/* SPDX-License-Identifier: MIT */
#include "tool_say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void complain(const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;
	char *c;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	for (c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	fprintf(stderr, "%s: %s\n", tool_name, text);
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

char *clean_text(char *text)
{
	char *c;

	for (c = text; *c; c++) {
		if (!g_ascii_isprint(*c))
			*c = '?';
	}
	return text;
}

int end_output(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain("standard output could not be written: %s",
		 errno ? strerror(errno) : "an earlier part of it was refused; is the disk full?");
	return code == EXIT_OK ? EXIT_FAILED : code;
}
