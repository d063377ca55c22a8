/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qrt_io.h"

/* The end of a word that begins at text; NULL: an open quote. */
static char *end_of(char *text, char **ret_begin)
{
	if (*text == '"' || *text == '\'') {
		*ret_begin = text + 1;
		return strchr(text + 1, *text);
	}
	*ret_begin = text;
	return text + strcspn(text, " \t\r\n");
}

int split(char *line, char **ret_words, int max)
{
	int count = 0;

	for (;;) {
		char *end;

		line += strspn(line, " \t\r\n");
		if (!*line || *line == '#') {
			ret_words[count] = NULL;
			return count;
		}
		if (count == max - 1)
			return -E2BIG;
		end = end_of(line, &ret_words[count++]);
		if (!end)
			return -EINVAL;
		line = end + (*end != '\0');
		*end = '\0';
	}
}

static int shift_of(char suffix)
{
	static const char suffixes[] = "bkmgtp";
	const char *found = suffix ? strchr(suffixes, tolower((unsigned char)suffix)) : suffixes;

	return found ? 10 * (int)(found - suffixes) : -EINVAL;
}

int read_number(const char *text, uint64_t *ret_number)
{
	char *end;
	int shift;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(text, &end, 0);
	shift = shift_of(*end);
	if (errno || shift < 0 || (*end && end[1]))
		return -EINVAL;
	if (*ret_number > UINT64_MAX >> 1 >> shift)
		return -ERANGE;
	*ret_number <<= shift;
	return 0;
}

void complain(const char *format, ...)
{
	char text[512], *c;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			*c = '?';
	}
	fprintf(stderr, "qrt-io: %s\n", text);
}
