/* SPDX-License-Identifier: MIT */
/* Words of an error, for a person. */
#ifndef QRT_MESSAGE_P_H
#define QRT_MESSAGE_P_H

#include <stdarg.h>
#include <stddef.h>

/* Writes one line, cut to `size` bytes, with '?' for control characters: messages quote input, and a newline
 * or an escape sequence in it must not reach a terminal or a log. */
void qrt_p_message(char *buf, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
