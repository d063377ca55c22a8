/* SPDX-License-Identifier: MIT */
#include "json_limit.h"

#include <string.h>

#define DEPTH_MAX 32

/* What JSON has outside strings. The library's scanner knows comments and other quotes, too, in which ours
 * would lose its way. */
static gboolean is_plain(char c)
{
	return g_ascii_isalnum(c) || (c && strchr("{}[]:,+-.", c));
}

/* One object, and not too deep. json-glib 1.6 takes a second value, too, and leaks one of them. */
static gboolean is_one_object(const char *text, gsize len)
{
	gboolean in_string = FALSE, has_ended = FALSE;
	int depth = 0;
	gsize i;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = FALSE;
			continue;
		}
		if (g_ascii_isspace(text[i]))
			continue;
		if (has_ended || (depth == 0 && text[i] != '{'))
			return FALSE;
		if (text[i] == '"')
			in_string = TRUE;
		else if (!is_plain(text[i]))
			return FALSE;
		else if (text[i] == '{' || text[i] == '[')
			depth++;
		else if (text[i] == '}' || text[i] == ']')
			depth--;
		if (depth > DEPTH_MAX)
			return FALSE;
		has_ended = depth == 0;
	}
	return has_ended;
}

JsonObject *json_limit_parse(const char *text, gssize len)
{
	JsonParser *parser;
	JsonObject *object = NULL;
	JsonNode *root;

	if (len < 0)
		len = (gssize)strlen(text);
	if (!g_utf8_validate(text, len, NULL) || !is_one_object(text, len))
		return NULL;
	parser = json_parser_new_immutable();
	if (json_parser_load_from_data(parser, text, len, NULL)) {
		root = json_parser_get_root(parser);
		if (root && JSON_NODE_HOLDS_OBJECT(root))
			object = json_object_ref(json_node_get_object(root));
	}
	g_object_unref(parser);
	return object;
}

static JsonNode *find(JsonObject *object, const char *name, JsonNodeType type)
{
	JsonNode *node = object ? json_object_get_member(object, name) : NULL;

	return node && json_node_get_node_type(node) == type ? node : NULL;
}

gint64 json_limit_get_int(JsonObject *object, const char *name)
{
	JsonNode *node = find(object, name, JSON_NODE_VALUE);

	return node ? json_node_get_int(node) : 0;
}

gboolean json_limit_get_bool(JsonObject *object, const char *name)
{
	JsonNode *node = find(object, name, JSON_NODE_VALUE);

	return node ? json_node_get_boolean(node) : FALSE;
}

const char *json_limit_get_string(JsonObject *object, const char *name)
{
	JsonNode *node = find(object, name, JSON_NODE_VALUE);
	const char *text = node ? json_node_get_string(node) : NULL;

	return text ? text : "";
}

JsonObject *json_limit_get_object(JsonObject *object, const char *name)
{
	JsonNode *node = find(object, name, JSON_NODE_OBJECT);

	return node ? json_node_get_object(node) : NULL;
}

JsonArray *json_limit_get_array(JsonObject *object, const char *name)
{
	JsonNode *node = find(object, name, JSON_NODE_ARRAY);

	return node ? json_node_get_array(node) : NULL;
}

guint json_limit_get_length(JsonArray *array)
{
	return array ? json_array_get_length(array) : 0;
}

JsonObject *json_limit_get_element(JsonArray *array, guint index)
{
	JsonNode *node = json_array_get_element(array, index);

	return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}
