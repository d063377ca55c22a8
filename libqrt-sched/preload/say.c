/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
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

static int is_first(int error)
{
	static _Atomic uint64_t said[3]; /* one bit an errno */
	unsigned number = (unsigned)-error % 192;
	uint64_t bit = 1ull << number % 64;

	return !(atomic_fetch_or(&said[number / 64], bit) & bit);
}

static const char *role_of(const char *name)
{
	int32_t index;
	int role;

	if (name == QRT_SCHED_PLACER_MAIN)
		return "main";
	role = name ? qrt_sched_plan_classify(preload_process.plan, name, &index) : QRT_SCHED_ROLE_OTHR;
	return qrt_sched_role_name((enum qrt_sched_role)role);
}

static const char *shown_name(const char *name)
{
	if (name == QRT_SCHED_PLACER_MAIN)
		return "main";
	return name ? name : "(unnamed)";
}

void preload_say_fallback(const char *name, const char *message)
{
	static _Atomic uint32_t said; /* one bit a role */
	const char *role = role_of(name);
	uint32_t bit = 1u << qrt_sched_role_parse(role);

	if (atomic_fetch_or(&said, bit) & bit)
		return;
	preload_say("thread '%.15s' (%s) runs under fifo instead of deadline: %s", shown_name(name), role,
		    message);
}

void preload_say_unplaced(const char *name, int error, const char *message)
{
	/* A supervisor that does not answer is there: it was started by qrt-launcher. */
	int is_launched = error == -ETIMEDOUT || strstr(message, "qrt-launcher");

	if (!is_first(error))
		return;
	preload_say("thread '%.15s' (%s) is not placed: %s%s", shown_name(name), role_of(name), message,
		    is_launched ? "" : "; or start it by qrt-launcher");
}
