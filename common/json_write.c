/* SPDX-License-Identifier: MIT */
#include "json_write.h"

static gboolean is_exponent(const char *text)
{
	return text[0] == 'e' && (text[1] == '+' || text[1] == '-');
}

/* The fraction behind it that was put there so that the number does not look like a whole one. */
static const char *skip_fraction(const char *from)
{
	return from[0] == '.' && from[1] == '0' ? from + 2 : from;
}

/* In place: it only becomes shorter. */
static void mend(char *text)
{
	gboolean is_string = FALSE;
	const char *from = text;

	while (*from) {
		if (is_string && *from == '\\' && from[1]) {
			*text++ = *from++;
		} else if (*from == '"') {
			is_string = !is_string;
		} else if (!is_string && is_exponent(from)) {
			*text++ = *from++;
			*text++ = *from++;
			while (g_ascii_isdigit(*from))
				*text++ = *from++;
			from = skip_fraction(from);
			continue;
		}
		*text++ = *from++;
	}
	*text = 0;
}

char *json_write(JsonNode *node)
{
	char *text = json_to_string(node, FALSE);

	mend(text);
	return text;
}
