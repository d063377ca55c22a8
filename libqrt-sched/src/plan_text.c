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

			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
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

void qrt_sched_p_suggest(const struct qrt_sched_p_names *names, const char *word, char *buf, size_t size)
{
	const char *near = nearest(names, word), *separator = "known are ";
	size_t length;
	int i;

	snprintf(buf, size, "%s%s%s", near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
	for (i = 0; i < names->count; i++) {
		if (!names->name(i))
			continue;
		length = strlen(buf);
		snprintf(buf + length, size - length, "%s%s", separator, names->name(i));
		separator = ", ";
	}
}
