/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "option.h"
#include "tap.h"

#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char said[256];

/* The rest of the launcher is not linked in. */
void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

static int take_even(void *data, const char *value)
{
	int number = (int)strtol(value, NULL, 10);

	if (number % 2 != 0)
		return -1;
	*(int *)data = number;
	return 0;
}

static int take_any(void *data, const char *value)
{
	*(int *)data = -(int)strlen(value);
	return 0;
}

static const struct option_entry entries[] = {
	{"--even", take_even, "an even number"},
	{"--any", take_any, "anything"},
};
static const struct option_table table = {"count", entries, G_N_ELEMENTS(entries)};

static void check(char *word, char *value, int wanted, int wanted_number, int wanted_index)
{
	char *argv[] = {word, value};
	int number = 99, index = 0, argc = value ? 2 : 1;

	said[0] = '\0';
	CU_ASSERT_EQUAL(option_take_any(&table, &number, argc, argv, &index), wanted);
	CU_ASSERT_EQUAL(number, wanted_number);
	if (wanted >= 0)
		CU_ASSERT_EQUAL(index, wanted_index);
}

static void test_taken(void)
{
	check((char[]){"--even"}, (char[]){"4"}, 1, 4, 2);
	check((char[]){"--even=6"}, (char[]){"4"}, 1, 6, 1);
	check((char[]){"--any"}, (char[]){"abc"}, 1, -3, 2);
	check((char[]){"--any="}, NULL, 1, 0, 1);
	CU_ASSERT_STRING_EQUAL(said, "");
}

static void test_others(void)
{
	check((char[]){"--evens"}, (char[]){"4"}, 0, 99, 0);
	check((char[]){"even"}, (char[]){"4"}, 0, 99, 0);
	CU_ASSERT_STRING_EQUAL(said, "");
}

static void test_wrong(void)
{
	check((char[]){"--even"}, (char[]){"5"}, -EXIT_USAGE, 99, 0);
	CU_ASSERT_STRING_EQUAL(said, "count: --even '5': give an even number");
	check((char[]){"--any"}, NULL, -EXIT_USAGE, 99, 0);
	CU_ASSERT_STRING_EQUAL(said, "--any needs a value");
}

static const struct tap_test tests[] = {
	{"whichever stands there is taken", test_taken},
	{"what is none of them is left", test_others},
	{"a wrong value, and none, are said", test_wrong},
};

TAP_MAIN("option", tests)
