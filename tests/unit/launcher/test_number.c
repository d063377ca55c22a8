/* SPDX-License-Identifier: MIT */
#include "number.h"
#include "tap.h"

#include <errno.h>

static void test_numbers(void)
{
	uint64_t number = 7;

	CU_ASSERT_EQUAL(number_parse("1", 9, &number), 0);
	CU_ASSERT_EQUAL(number, 1);
	CU_ASSERT_EQUAL(number_parse("18446744073709551615", UINT64_MAX, &number), 0);
	CU_ASSERT_EQUAL(number, UINT64_MAX);
}

static void test_no_numbers(void)
{
	static const char *const wrong[] = {"",   "0", "10", "-1",  "+1",  " 1",
					    "1 ", "x", "1x", "1.5", "0x1", "99999999999999999999"};
	uint64_t number = 7;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(number_parse(wrong[i], 9, &number), -EINVAL);
	CU_ASSERT_EQUAL(number, 7);
}

static void check_time(const char *text, uint64_t bare_ns, uint64_t wanted_ns)
{
	uint64_t ns = 0;

	CU_ASSERT_EQUAL(number_parse_time(text, bare_ns, &ns), 0);
	CU_ASSERT_EQUAL(ns, wanted_ns);
}

static void test_times(void)
{
	check_time("250ns", 0, 250);
	check_time("500us", 0, 500000);
	check_time("20ms", 0, 20000000);
	check_time("2s", 0, 2000000000);
	check_time("86400s", 0, UINT64_C(86400000000000));
	check_time("100", 1000, 100000);
	check_time("100ms", 1000, 100000000);
}

static void test_no_times(void)
{
	static const char *const wrong[] = {"",     "1",  "ms",   "-1ms",  " 1ms",
					    "1 ms", "1m", "1msx", "1.5ms", "99999999999999999999s"};
	uint64_t ns = 7;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(number_parse_time(wrong[i], 0, &ns), -EINVAL);
	CU_ASSERT_EQUAL(number_parse_time("0us", 0, &ns), -ERANGE);
	CU_ASSERT_EQUAL(number_parse_time("0", 1000, &ns), -ERANGE);
	CU_ASSERT_EQUAL(number_parse_time("86401s", 0, &ns), -ERANGE);
	CU_ASSERT_EQUAL(number_parse_time("18446744073709551615s", 0, &ns), -ERANGE);
	CU_ASSERT_EQUAL(ns, 7);
}

static const struct tap_test tests[] = {
	{"whole numbers", test_numbers},
	{"what is none changes nothing", test_no_numbers},
	{"times with their units, or a unit of the caller's", test_times},
	{"what is no time changes nothing", test_no_times},
};

TAP_MAIN("number", tests)
