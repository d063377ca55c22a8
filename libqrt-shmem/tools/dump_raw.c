/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "json_text.h"

#define LINE 16

static void print_line(const unsigned char *data, guint64 at, guint length)
{
	guint i;

	printf("%08" G_GINT64_MODIFIER "x ", at);
	for (i = 0; i < LINE; i++) {
		if (i < length)
			printf("%s%02x", i == LINE / 2 ? "  " : " ", data[i]);
		else
			printf("%s  ", i == LINE / 2 ? "  " : " ");
	}
	fputs("  |", stdout);
	for (i = 0; i < length; i++)
		putchar(g_ascii_isprint(data[i]) ? data[i] : '.');
	puts("|");
}

/* A copy, as peers write meanwhile. */
static void print_lines(const unsigned char *memory, guint64 offset, guint64 length)
{
	unsigned char line[LINE], before[LINE];
	gboolean is_left_out = FALSE;
	guint64 at;
	guint count;

	for (at = 0; at < length && !ferror(stdout); at += count) {
		count = (guint)MIN(LINE, length - at);
		memcpy(line, memory + offset + at, count);
		if (at > 0 && count == LINE && memcmp(line, before, LINE) == 0) {
			if (!is_left_out)
				puts("*");
			is_left_out = TRUE;
			continue;
		}
		is_left_out = FALSE;
		print_line(line, offset + at, count);
		memcpy(before, line, LINE);
	}
	printf("%08" G_GINT64_MODIFIER "x\n", offset + length);
}

void dump_raw(const struct member *member, guint64 offset, guint64 length, gboolean is_json)
{
	const unsigned char *memory = member->memory;
	g_autofree char *code = NULL;
	JsonObject *object;

	if (!is_json) {
		print_lines(memory, offset, length);
		return;
	}
	object = json_object_new();
	code = g_base64_encode(memory + offset, (gsize)length);
	json_object_set_int_member(object, "bytes", (gint64)member->length);
	json_object_set_int_member(object, "offset", (gint64)offset);
	json_object_set_int_member(object, "length", (gint64)length);
	json_object_set_string_member(object, "base64", code);
	json_text_print(object);
}
