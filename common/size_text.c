/* SPDX-License-Identifier: MIT */
#include "size_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 1e18 /* more digits change nothing */

/* How often 1024 is multiplied; negative: no letter of ours. */
static int find_power(char letter)
{
	static const char letters[] = "bkmgtpe";
	const char *at = letter ? strchr(letters, tolower((unsigned char)letter)) : NULL;

	return at ? (int)(at - letters) : -1;
}

static int parse_hex(const char *text, uint64_t *ret_bytes)
{
	char *end;

	if (!isxdigit((unsigned char)text[2]))
		return -EINVAL;
	errno = 0;
	*ret_bytes = strtoull(text, &end, 16);
	if (*end)
		return -EINVAL;
	return errno || *ret_bytes > INT64_MAX ? -ERANGE : 0;
}

/* What ".375" is of a unit, without the locale's point; the end of the digits. */
static const char *take_fraction(const char *text, double *ret_fraction)
{
	double digits = 0, whole = 1;

	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++) {
			if (whole >= EXACT)
				continue;
			digits = digits * 10 + (*text - '0');
			whole *= 10;
		}
	}
	*ret_fraction = digits / whole;
	return text;
}

/* Behind the digits: a fraction, a letter. */
static int parse_rest(const char *rest, uint64_t whole, uint64_t *ret_bytes)
{
	double fraction;
	const char *letter = take_fraction(rest, &fraction);
	int power = *letter ? find_power(*letter) : 0;
	unsigned shift = (unsigned)power * 10;

	if (power < 0 || (*letter && letter[1]) || (letter != rest && power < 1))
		return -EINVAL;
	if (whole > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = (whole << shift) + (uint64_t)(fraction * (double)(UINT64_C(1) << shift) + 0.5);
	return *ret_bytes > INT64_MAX ? -ERANGE : 0;
}

int size_text_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t whole, bytes;
	char *end;
	int rc;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	if (text[0] == '0' && tolower((unsigned char)text[1]) == 'x') {
		rc = parse_hex(text, &bytes);
	} else {
		errno = 0;
		whole = strtoull(text, &end, 10);
		rc = errno ? -ERANGE : parse_rest(end, whole, &bytes);
	}
	if (rc >= 0)
		*ret_bytes = bytes;
	return rc;
}

void size_text_format(double bytes, char text[static SIZE_TEXT_BYTES])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	char number[24], *point;
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(number, sizeof(number), "%.3f", bytes);
	point = strchr(number, '.');
	if (point && strcmp(point, ".000") == 0)
		*point = '\0';
	snprintf(text, SIZE_TEXT_BYTES, "%.20s %s", number, units[unit]);
}
