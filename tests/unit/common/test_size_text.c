/* SPDX-License-Identifier: MIT */
#include "size_text.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static void test_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {{"0", 0},
		     {"512", 512},
		     {"512b", 512},
		     {"4k", 4096},
		     {"4K", 4096},
		     {"1.5k", 1536},
		     {"0.5M", 524288},
		     {"1.0005k", 1025},
		     {"1.05k", 1075},
		     {"2.50000000000000000000000000000000000000000000000000k", 2560},
		     {"3G", UINT64_C(3) << 30},
		     {"2T", UINT64_C(2) << 40},
		     {"1p", UINT64_C(1) << 50},
		     {"7E", UINT64_C(7) << 60},
		     {"0x10", 16},
		     {"0XfF", 255},
		     {"0x7fffffffffffffff", INT64_MAX},
		     {"9223372036854775807", INT64_MAX}};
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bytes = 99;
		CU_ASSERT_EQUAL(size_text_parse(sizes[i].text, &bytes), 0);
		CU_ASSERT_EQUAL(bytes, sizes[i].bytes);
	}
}

static void test_no_sizes(void)
{
	static const char *const wrong[] = {"",    "x",     "k",   " 1",    "1 ",  "-1",   "+1",
					    "1kb", "1.5",   "1.b", "1.5.k", "0x",  "0x1k", "0xg",
					    "1e3", "512k;", ".5k", "1kk",   "inf", "nan",  "1,5k"};
	static const char *const large[] = {"8E",
					    "9223372036854775808",
					    "9E",
					    "16E",
					    "9999999999999999999999",
					    "0x8000000000000000",
					    "0x1ffffffffffffffffff"};
	uint64_t bytes = 99;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(size_text_parse(wrong[i], &bytes), -EINVAL);
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		CU_ASSERT_EQUAL(size_text_parse(large[i], &bytes), -ERANGE);
	CU_ASSERT_EQUAL(bytes, 99);
}

static void check_text(double bytes, const char *wanted)
{
	char text[SIZE_TEXT_BYTES];

	size_text_format(bytes, text);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void test_texts(void)
{
	check_text(0, "0 bytes");
	check_text(512, "512 bytes");
	check_text(1023, "1023 bytes");
	check_text(0.25, "0.250 bytes");
	check_text(1024, "1 KiB");
	check_text(1536, "1.500 KiB");
	check_text(156.806 * 1024, "156.806 KiB");
	check_text(8388608, "8 MiB");
	check_text(9223372036854775807.0, "8 EiB");
	check_text(1e30, "867361737988.404 EiB");
}

static const struct tap_test tests[] = {
	{"sizes with letters, fractions and in hexadecimal", test_sizes},
	{"what is no size, or too large, leaves the result alone", test_no_sizes},
	{"sizes are read in the largest unit", test_texts},
};

TAP_MAIN("size_text", tests)
