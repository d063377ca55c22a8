/* SPDX-License-Identifier: MIT */
#include "json_limit.h"
#include "tap.h"

#include <string.h>

static gboolean is_taken(const char *text)
{
	JsonObject *object = json_limit_parse(text, -1);

	if (object)
		json_object_unref(object);
	return object != NULL;
}

static void test_object(void)
{
	JsonObject *object = json_limit_parse(" {\"a\": [-1.5e+3, {\"b\": \"} \\\" {\"}], \"n\": 7}\r\n", -1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT_EQUAL(json_limit_get_int(object, "n"), 7);
	CU_ASSERT_STRING_EQUAL(
		json_limit_get_string(json_limit_get_element(json_limit_get_array(object, "a"), 1), "b"),
		"} \" {");
	json_object_unref(object);
	CU_ASSERT_TRUE(is_taken("{}"));
}

/* json-glib 1.6 takes two values, and leaks one of them. */
static void test_one(void)
{
	static const char *const others[] = {
		"{\"a\":1}{\"b\":2}",
		"{} {}",
		"{}]",
		"{}}",
		"\"x\"{\"a\":1}",
		"5{\"a\":1}",
		"[{\"a\":1}]",
		"7",
		"",
		"{",
		"}",
		"{\"a\":{\"b\":1}",
		"{\"a",
		"{\"a\":\"\\",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(others); i++) {
		CU_ASSERT_FALSE(is_taken(others[i]));
	}
}

/* What its scanner takes beside JSON, and could hide a second value in. */
static void test_dialect(void)
{
	static const char *const others[] = {
		"{/*\"*/}{/*\"*/}", "{#\"\n}{#\"\n}",   "{'\"':1}",         "var x={\"a\":1};",
		"{\"a\":1;}",       "{\"a\":\303\244}", "{\"a\":\"\377\"}",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(others); i++) {
		CU_ASSERT_FALSE(is_taken(others[i]));
	}
	CU_ASSERT_PTR_NULL(json_limit_parse("{}\0{}", 5));
}

static void test_depth(void)
{
	g_autoptr(GString) text = g_string_new("{\"a\":");
	int i;

	for (i = 0; i < 31; i++)
		g_string_append_c(text, '[');
	for (i = 0; i < 31; i++)
		g_string_append_c(text, ']');
	g_string_append_c(text, '}');
	CU_ASSERT_TRUE(is_taken(text->str));
	g_string_insert(text, 5, "[");
	g_string_insert(text, (gssize)text->len - 1, "]");
	CU_ASSERT_FALSE(is_taken(text->str));
}

static const struct tap_test tests[] = {
	{"an object is taken as it is", test_object},
	{"one object, and nothing else", test_one},
	{"JSON, and no dialect of it", test_dialect},
	{"nothing so deep that a parser runs out of stack", test_depth},
};

TAP_MAIN("json_limit", tests)
