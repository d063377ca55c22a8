/* SPDX-License-Identifier: MIT */
#include "plan_text_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t"

char *qrt_sched_p_trim(char *text)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = 0;
	return text;
}

static int is_blank(char c)
{
	return c && strchr(BLANKS, c);
}

/* The name in front of a '=', NULL where that goes on with what stands before it: behind a comma it is an
 * argument or a value, and behind another '=' the first value. */
static char *name_before(char *text, char *equals)
{
	char *end = equals, *start, *before;

	while (end > text && is_blank(end[-1]))
		end--;
	for (start = end; start > text && !is_blank(start[-1]); start--) {
		if (start[-1] == ',' || start[-1] == '=')
			return NULL;
	}
	for (before = start; before > text && is_blank(before[-1]); before--)
		;
	return before > text && before[-1] != ',' && before[-1] != '=' ? start : NULL;
}

char *qrt_sched_p_next_option(char *text)
{
	char *equals = strchr(text, '='), *start = NULL;

	while (!start && equals && (equals = strchr(equals + 1, '=')))
		start = name_before(text, equals);
	return start;
}

int qrt_sched_p_number_parse(const char *text, int32_t first, int32_t last, int32_t *ret_number)
{
	int is_negative = *text == '-';
	int32_t number = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (number < 100000000)
			number = number * 10 + (*text - '0');
	}
	if (is_negative)
		number = -number;
	if (number < first || number > last)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

#define WORD_MAX 32

/* Names are in lower case alone: a wrong case is no distance to them. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int least(int a, int b, int c)
{
	int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters have to be changed, added or left out to make one word of the other. */
static int distance(const char *a, const char *b)
{
	int row[WORD_MAX + 1], columns = (int)strlen(b), i, j;

	for (j = 0; j <= columns; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		int diagonal = row[0];

		row[0] = i + 1;
		for (j = 0; j < columns; j++) {
			int above = row[j + 1];

			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (lower(a[i]) != lower(b[j])));
			diagonal = above;
		}
	}
	return row[columns];
}

static const char *nearest(const struct qrt_sched_p_names *names, const char *word)
{
	const char *best = NULL;
	int i, best_distance = 3;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (i = 0; i < names->count; i++) {
		const char *name = names->name(i);
		int d = name ? distance(word, name) : best_distance;

		/* A word of which nothing is left was not a slip of the finger. */
		if (d < best_distance && d < (int)strlen(name) - 1) {
			best = name;
			best_distance = d;
		}
	}
	return best;
}

void qrt_sched_p_suggest(const char *word, const struct qrt_sched_p_names *meant,
			 const struct qrt_sched_p_names *known, char *buf, size_t size)
{
	const char *near = nearest(meant, word), *separator = "known are ";
	size_t length;
	int i;

	snprintf(buf, size, "%s%s%s", near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
	for (i = 0; i < known->count; i++) {
		if (!known->name(i))
			continue;
		length = strlen(buf);
		snprintf(buf + length, size - length, "%s%s", separator, known->name(i));
		separator = ", ";
	}
}
