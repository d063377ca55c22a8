/* SPDX-License-Identifier: MIT */
#include "clean.h"

#include <glib.h>

char *clean_text(char *text)
{
	char *c;

	for (c = text; *c; c++) {
		if (!g_ascii_isprint(*c))
			*c = '?';
	}
	return text;
}

/* json-glib escapes what is below a blank, but neither the last of these nor those of 8-bit terminals. */
char *clean_json(const char *text)
{
	GString *clean = g_string_new(NULL);
	gunichar c;

	for (; *text; text = g_utf8_next_char(text)) {
		c = g_utf8_get_char(text);
		if (g_unichar_iscntrl(c))
			g_string_append_printf(clean, "\\u%04x", c);
		else
			g_string_append_unichar(clean, c);
	}
	return g_string_free(clean, FALSE);
}
