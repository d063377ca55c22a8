/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <errno.h>
#include <string.h>

#include "tool_say.h"

#define LINE 16

gboolean pattern_fill_from(guint8 *buffer, gsize length, const char *path)
{
	FILE *file = fopen(path, "rbe");
	gsize have, copied;
	int reason;

	if (!file) {
		complain("%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	have = fread(buffer, 1, length, file);
	reason = ferror(file) ? errno : 0;
	fclose(file);
	if (reason || (have == 0 && length > 0)) {
		complain("%s: %s", path,
			 reason ? g_strerror(reason) : "the file is empty: it has no pattern");
		return FALSE;
	}
	/* Whole patterns double, and so each copy begins at the start of one. */
	for (; have < length; have += copied) {
		copied = MIN(have, length - have);
		memcpy(buffer + have, buffer, copied);
	}
	return TRUE;
}

gsize pattern_find_other(const guint8 *buffer, gsize length, guint8 pattern)
{
	gsize i;

	if (length > 0 && buffer[0] == pattern && memcmp(buffer, buffer + 1, length - 1) == 0)
		return length;
	for (i = 0; i < length && buffer[i] == pattern;)
		i++;
	return i;
}

void pattern_dump(FILE *file, const guint8 *buffer, gsize length, guint64 offset)
{
	gsize at, count, i;

	for (at = 0; at < length && !ferror(file); at += LINE) {
		count = MIN(LINE, length - at);
		fprintf(file, "%08" G_GINT64_MODIFIER "x:  ", offset + at);
		for (i = 0; i < count; i++)
			fprintf(file, "%02x ", buffer[at + i]);
		putc(' ', file);
		for (i = 0; i < count; i++)
			putc(g_ascii_isalnum(buffer[at + i]) ? buffer[at + i] : '.', file);
		putc('\n', file);
	}
}
