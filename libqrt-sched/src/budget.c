/* SPDX-License-Identifier: MIT */
/* A budget as people write it: "30%/100ms", "5ms/20ms", "30%". */
#include "error_p.h"

#include <errno.h>
#include <inttypes.h>
#include <qrt/governor.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_DEFAULT 100000000ull
#define WINDOW_MIN     1000000ull
#define WINDOW_MAX     10000000000ull
#define RUNTIME_MIN    1000ull
#define NUMBER_MAX     1000000000000000ull /* what a unit can still be multiplied with */

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* A text and how far it was read. */
struct reading {
	const char *text, *at;
	struct qrt_sched_error *reterr;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct reading *in, int code,
							const char *format, ...)
{
	char what[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return qrt_sched_p_error(in->reterr, code, "budget '%.32s', character %d: %s", in->text,
				 (int)(in->at - in->text) + 1, what);
}

static int read_number(struct reading *in, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (*in->at < '0' || *in->at > '9')
		return refuse(in, -EINVAL, "a number is missing; write it like 30%%/100ms");
	for (; *in->at >= '0' && *in->at <= '9'; in->at++) {
		number = number * 10 + (uint64_t)(*in->at - '0');
		if (number > NUMBER_MAX)
			return refuse(in, -ERANGE, "the number is too large");
	}
	*ret_number = number;
	return 0;
}

static int read_unit(struct reading *in, uint64_t *ret_ns)
{
	size_t len = strcspn(in->at, "/"), i;

	for (i = 0; i < UNITS; i++) {
		if (strlen(units[i].name) != len || memcmp(units[i].name, in->at, len) != 0)
			continue;
		in->at += len;
		*ret_ns = units[i].ns;
		return 0;
	}
	return refuse(in, -EINVAL, "the unit is none of ns, us, ms, s");
}

static int read_time(struct reading *in, uint64_t *ret_ns)
{
	uint64_t number = 0, unit = 0;
	int rc = read_number(in, &number);

	if (rc >= 0)
		rc = read_unit(in, &unit);
	if (rc < 0)
		return rc;
	if (__builtin_mul_overflow(number, unit, ret_ns))
		return refuse(in, -ERANGE, "the time is too long");
	return 0;
}

/* The part before the slash: percent of the window, or a time. */
static int read_runtime(struct reading *in, uint64_t *ret_percent, uint64_t *ret_ns)
{
	const char *begin = in->at;
	int rc = read_number(in, ret_percent);

	if (rc < 0)
		return rc;
	if (*in->at == '%') {
		in->at++;
		return 0;
	}
	*ret_percent = 0;
	in->at = begin;
	return read_time(in, ret_ns);
}

static int read_window(struct reading *in, uint64_t *ret_ns)
{
	int rc;

	if (!*in->at)
		return 0;
	if (*in->at != '/')
		return refuse(in, -EINVAL, "a slash and the window are to follow, such as /100ms");
	in->at++;
	rc = read_time(in, ret_ns);
	if (rc >= 0 && *in->at)
		return refuse(in, -EINVAL, "nothing is to follow the window");
	return rc;
}

static int check(const struct reading *in, const struct qrt_sched_budget *budget)
{
	if (budget->window_ns < WINDOW_MIN || budget->window_ns > WINDOW_MAX)
		return refuse(in, -ERANGE, "the window is not within 1ms..10s");
	if (budget->runtime_ns < RUNTIME_MIN)
		return refuse(in, -ERANGE, "less than 1us a window is no budget; leave it away for none");
	if (budget->runtime_ns / budget->window_ns > QRT_SCHED_CPUS_MAX)
		return refuse(in, -ERANGE, "more than %d CPUs", QRT_SCHED_CPUS_MAX);
	return 0;
}

int qrt_sched_budget_parse(const char *text, struct qrt_sched_budget *ret_budget,
			   struct qrt_sched_error *reterr)
{
	struct reading in = {.text = text, .at = text, .reterr = reterr};
	struct qrt_sched_budget budget = {.window_ns = WINDOW_DEFAULT};
	uint64_t percent = 0;
	int rc = read_runtime(&in, &percent, &budget.runtime_ns);

	if (rc >= 0 && !percent && !budget.runtime_ns)
		return refuse(&in, -ERANGE, "no time at all is no budget; leave it away for none");
	/* "5ms" alone does not say of what. */
	if (rc >= 0 && !percent && !*in.at)
		return refuse(&in, -EINVAL, "the window is missing, such as /100ms");
	if (rc >= 0)
		rc = read_window(&in, &budget.window_ns);
	if (rc < 0)
		return rc;
	if (percent && __builtin_mul_overflow(percent, budget.window_ns, &budget.runtime_ns))
		return refuse(&in, -ERANGE, "the number is too large");
	if (percent)
		budget.runtime_ns /= 100;
	rc = check(&in, &budget);
	if (rc < 0)
		return rc;
	*ret_budget = budget;
	return 0;
}

static int format_time(uint64_t ns, char *buf, size_t size)
{
	size_t i = UNITS - 1;

	while (i && ns % units[i].ns)
		i--;
	return snprintf(buf, size, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
}

int qrt_sched_budget_format(const struct qrt_sched_budget *budget, char *buf, size_t size)
{
	uint64_t percent;
	char text[64];
	int len;

	if (budget->window_ns && !__builtin_mul_overflow(budget->runtime_ns, 100, &percent) &&
	    percent % budget->window_ns == 0)
		len = snprintf(text, sizeof(text), "%" PRIu64 "%%", percent / budget->window_ns);
	else
		len = format_time(budget->runtime_ns, text, sizeof(text));
	text[len++] = '/';
	len += format_time(budget->window_ns, text + len, sizeof(text) - (size_t)len);
	if ((size_t)len >= size)
		return -ENOSPC;
	memcpy(buf, text, (size_t)len + 1);
	return len;
}
