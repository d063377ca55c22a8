/* SPDX-License-Identifier: MIT */
#include "error_p.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages quote input: a newline or an escape sequence in it must not reach a terminal or a log. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			*text = '?';
	}
}

int qrt_sched_p_error(struct qrt_sched_error *reterr, int code, const char *format, ...)
{
	va_list args;

	if (!reterr)
		return code;
	memset(reterr, 0, sizeof(*reterr));
	reterr->code = code;
	va_start(args, format);
	vsnprintf(reterr->message, sizeof(reterr->message), format, args);
	va_end(args);
	make_printable(reterr->message);
	return code;
}
