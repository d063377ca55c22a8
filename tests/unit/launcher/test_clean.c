/* SPDX-License-Identifier: MIT */
#include "clean.h"
#include "tap.h"

#include <glib.h>

static void test_text(void)
{
	char name[] = "\033[2Ja\r\n\t\177\302\233b", plain[] = "CPU 0/KVM ~", none[] = "";

	CU_ASSERT_STRING_EQUAL(clean_text(name), "?[2Ja??????b");
	CU_ASSERT_STRING_EQUAL(clean_text(plain), "CPU 0/KVM ~");
	CU_ASSERT_STRING_EQUAL(clean_text(none), "");
}

/* U+009B begins an order of an 8-bit terminal; U+001F is the one that json-glib lets through. */
static void test_json(void)
{
	g_autofree char *odd = clean_json("{\"name\":\"\302\233x\037y\177\"}"),
			*plain = clean_json("{\"name\":\"a\\u001bz\",\"n\":[1,2]}"),
			*letters = clean_json("\"k\303\244se\"");

	CU_ASSERT_STRING_EQUAL(odd, "{\"name\":\"\\u009bx\\u001fy\\u007f\"}");
	CU_ASSERT_STRING_EQUAL(plain, "{\"name\":\"a\\u001bz\",\"n\":[1,2]}");
	CU_ASSERT_STRING_EQUAL(letters, "\"k\303\244se\"");
}

static const struct tap_test tests[] = {
	{"no byte of a text steers a terminal", test_text},
	{"JSON says the same without control characters", test_json},
};

TAP_MAIN("clean", tests)
