/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MOST_NS UINT64_C(86400000000000)

/* strtoull() takes blanks and signs, too. */
static int parse_digits(const char *text, uint64_t *ret_number, const char **ret_rest)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	*ret_rest = end;
	return errno != 0 ? -EINVAL : 0;
}

int number_parse(const char *text, uint64_t most, uint64_t *ret_number)
{
	const char *rest;
	uint64_t number;

	if (parse_digits(text, &number, &rest) < 0 || *rest != '\0' || number < 1 || number > most)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static uint64_t find_unit(const char *text, uint64_t bare_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	size_t i;

	if (*text == '\0')
		return bare_ns;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].unit) == 0)
			return units[i].ns;
	}
	return 0;
}

int number_parse_time(const char *text, uint64_t bare_ns, uint64_t *ret_ns)
{
	const char *rest;
	uint64_t number, unit_ns;

	if (parse_digits(text, &number, &rest) < 0)
		return -EINVAL;
	unit_ns = find_unit(rest, bare_ns);
	if (unit_ns == 0)
		return -EINVAL;
	if (number == 0 || number > TIME_MOST_NS / unit_ns)
		return -ERANGE;
	*ret_ns = number * unit_ns;
	return 0;
}
