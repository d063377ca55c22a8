/* SPDX-License-Identifier: MIT */
#include "message_p.h"

#include <stdio.h>

void qrt_p_message(char *buf, size_t size, const char *format, va_list args)
{
	vsnprintf(buf, size, format, args);
	for (; *buf; buf++) {
		unsigned char c = (unsigned char)*buf;

		if (c < 0x20 || c == 0x7f)
			*buf = '?';
	}
}
