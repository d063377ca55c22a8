/* SPDX-License-Identifier: MIT */
#include "json_write.h"
#include "tap.h"

#include <string.h>

static char *write_array(JsonArray *array)
{
	JsonNode *node = json_node_init_array(json_node_alloc(), array);
	char *text = json_write(node);

	json_node_unref(node);
	json_array_unref(array);
	return text;
}

static void numbers_are_what_they_were(void)
{
	static const double numbers[] = {0,      1,      -1,      0.5,    1e22,    1e300,
					 -1e300, 1e-300, 2.5e-10, 5e-324, 12345678};
	JsonArray *array = json_array_new(), *read;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	guint i;

	for (i = 0; i < G_N_ELEMENTS(numbers); i++)
		json_array_add_double_element(array, numbers[i]);
	text = write_array(array);
	CU_ASSERT_PTR_NULL(strstr(text, "e+300."));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "[0.0,1.0,-1.0,0.5,1e+22,"));
	CU_ASSERT_FATAL(json_parser_load_from_data(parser, text, -1, NULL));
	read = json_node_get_array(json_parser_get_root(parser));
	CU_ASSERT_EQUAL_FATAL(json_array_get_length(read), G_N_ELEMENTS(numbers));
	for (i = 0; i < G_N_ELEMENTS(numbers); i++)
		CU_ASSERT_EQUAL(json_array_get_double_element(read, i), numbers[i]);
}

static void strings_stay_as_they_are(void)
{
	static const char *const texts[] = {"1e+300.0", "\"1e-5.0", "\\", "\\\"e+1.0", "e+", ""};
	JsonArray *array = json_array_new(), *read;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	guint i;

	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		json_array_add_string_element(array, texts[i]);
	json_array_add_boolean_element(array, TRUE);
	json_array_add_double_element(array, 1e-7);
	text = write_array(array);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ",true,"));
	CU_ASSERT_FATAL(json_parser_load_from_data(parser, text, -1, NULL));
	read = json_node_get_array(json_parser_get_root(parser));
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		CU_ASSERT_STRING_EQUAL(json_array_get_string_element(read, i), texts[i]);
	CU_ASSERT_EQUAL(json_array_get_double_element(read, i + 1), 1e-7);
}

static const struct tap_test tests[] = {
	{"numbers are what they were", numbers_are_what_they_were},
	{"strings stay as they are", strings_stay_as_they_are},
};

TAP_MAIN("json write", tests)
