/* SPDX-License-Identifier: MIT */
#include "json_put.h"
#include "json_write.h"

#include <math.h>

void json_put_string(JsonBuilder *builder, const char *name, const char *value)
{
	if (value)
		json_builder_add_string_value(json_builder_set_member_name(builder, name), value);
	else
		json_put_null(builder, name);
}

void json_put_int(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_add_int_value(json_builder_set_member_name(builder, name), value);
}

void json_put_known(JsonBuilder *builder, const char *name, gboolean is_known, gint64 value)
{
	if (is_known)
		json_put_int(builder, name, value);
	else
		json_put_null(builder, name);
}

void json_put_real(JsonBuilder *builder, const char *name, double value)
{
	if (isfinite(value))
		json_builder_add_double_value(json_builder_set_member_name(builder, name), value);
	else
		json_put_null(builder, name);
}

void json_put_bool(JsonBuilder *builder, const char *name, gboolean value)
{
	json_builder_add_boolean_value(json_builder_set_member_name(builder, name), value);
}

void json_put_null(JsonBuilder *builder, const char *name)
{
	json_builder_add_null_value(json_builder_set_member_name(builder, name));
}

char *json_put_end(JsonBuilder *builder)
{
	g_autoptr(JsonNode) root = json_builder_get_root(json_builder_end_object(builder));
	g_autofree char *text = json_write(root);

	g_object_unref(builder);
	return g_strconcat(text, "\n", NULL);
}
