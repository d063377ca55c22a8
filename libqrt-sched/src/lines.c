/* SPDX-License-Identifier: MIT */
#include "lines_p.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sys_p.h"

void qrt_sched_p_lines_put(struct qrt_sched_p_lines *lines, const char *format, ...)
{
	size_t left = lines->len < lines->size ? lines->size - lines->len : 0;
	va_list args;

	va_start(args, format);
	lines->len += (size_t)vsnprintf(left ? lines->buf + lines->len : NULL, left, format, args);
	va_end(args);
}

int qrt_sched_p_lines_take(const char *text, size_t len, char *line, size_t size)
{
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	if (!len)
		return 0;
	if (!end || n >= size || memchr(text, '\0', n))
		return -EINVAL;
	memcpy(line, text, n);
	line[n] = '\0';
	return (int)n + 1;
}

void qrt_sched_p_read_boot(char *ret_boot, size_t size)
{
	if (qrt_sched_p_read("/proc/sys/kernel/random/boot_id", ret_boot, size) < 0)
		snprintf(ret_boot, size, "unknown");
	ret_boot[strcspn(ret_boot, "\n")] = '\0';
}
