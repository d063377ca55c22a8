/* SPDX-License-Identifier: MIT */
#include "json_text.h"
#include "json_write.h"

#include <stdio.h>

/* json-glib escapes what is below a blank, but neither the last of these nor those of 8-bit terminals. */
static char *clean(const char *text)
{
	GString *result = g_string_new(NULL);
	gunichar c;

	for (; *text; text = g_utf8_next_char(text)) {
		c = g_utf8_get_char(text);
		if (g_unichar_iscntrl(c))
			g_string_append_printf(result, "\\u%04x", c);
		else
			g_string_append_unichar(result, c);
	}
	return g_string_free(result, FALSE);
}

char *json_text_take(JsonObject *object)
{
	JsonNode *node = json_node_init_object(json_node_alloc(), object);
	g_autofree char *text = json_write(node);

	json_node_unref(node);
	json_object_unref(object);
	return clean(text);
}

void json_text_print(JsonObject *object)
{
	g_autofree char *text = json_text_take(object);

	puts(text);
	fflush(stdout);
}

void json_text_set_string(JsonObject *object, const char *name, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	json_object_set_string_member(object, name, valid);
}

void json_text_set_u64(JsonObject *object, const char *name, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	if (value > G_MAXINT64)
		json_object_set_string_member(object, name, text);
	else
		json_object_set_int_member(object, name, (gint64)value);
}

guint64 json_text_get_u64(JsonObject *object, const char *name)
{
	const char *text = json_limit_get_string(object, name);

	return *text ? g_ascii_strtoull(text, NULL, 10) : (guint64)json_limit_get_int(object, name);
}
