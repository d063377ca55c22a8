/* SPDX-License-Identifier: MIT */
#include "json_data.h"

#include <string.h>

void json_data_set_bytes(JsonObject *object, const void *data, gsize length)
{
	g_autofree char *text = g_strndup(data, length), *code = NULL;
	const char *c;

	for (c = text; g_utf8_validate(text, (gssize)length, NULL) && *c; c = g_utf8_next_char(c)) {
		if (g_unichar_iscntrl(g_utf8_get_char(c)) && *c != '\t' && *c != '\n')
			break;
	}
	if ((gsize)(c - text) == length) {
		json_object_set_string_member(object, "text", text);
		return;
	}
	code = g_base64_encode(data, length);
	json_object_set_string_member(object, "base64", code);
}

static void add_double(JsonArray *numbers, guint64 bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	if (number - number == 0)
		json_array_add_double_element(numbers, number);
	else
		json_array_add_null_element(numbers);
}

static void add_number(JsonArray *numbers, enum json_data_kind kind, guint64 bits)
{
	g_autofree char *text = NULL;

	if (kind == JSON_DATA_DOUBLE) {
		add_double(numbers, bits);
	} else if (kind == JSON_DATA_U64 && bits > G_MAXINT64) {
		text = g_strdup_printf("%" G_GUINT64_FORMAT, bits);
		json_array_add_string_element(numbers, text);
	} else {
		json_array_add_int_element(numbers, (gint64)bits);
	}
}

void json_data_set_numbers(JsonObject *object, enum json_data_kind kind, const void *data, gsize count)
{
	JsonArray *numbers = json_array_new();
	guint64 bits;
	gsize i;

	for (i = 0; i < count; i++) {
		memcpy(&bits, (const char *)data + i * sizeof(bits), sizeof(bits));
		add_number(numbers, kind, bits);
	}
	json_object_set_array_member(object, "numbers", numbers);
}
