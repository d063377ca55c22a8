/* SPDX-License-Identifier: MIT */
#include "io_text.h"
#include "tap.h"

static void check_text(char *text, const char *wanted)
{
	CU_ASSERT_STRING_EQUAL(text, wanted);
	g_free(text);
}

static void test_times(void)
{
	check_text(io_text_time(0, FALSE), "00.00 sec");
	check_text(io_text_time(250000000, FALSE), "00.25 sec");
	check_text(io_text_time(59990000000, FALSE), "59.99 sec");
	check_text(io_text_time(65200000000, FALSE), "0:01:05.20");
	check_text(io_text_time(G_GUINT64_CONSTANT(36000000000000) + 61230000000, FALSE), "10:01:01.23");
	check_text(io_text_time(250000000, TRUE), "0:00:00.25");
}

static void test_figures(void)
{
	check_text(io_text_figures(4096, 1, 500000),
		   "4 KiB, 1 ops; 00.00 sec (7.812 MiB/sec and 2000.0000 ops/sec)");
	check_text(io_text_figures(0, 1, 1000000000),
		   "0 bytes, 1 ops; 01.00 sec (0 bytes/sec and 1.0000 ops/sec)");
	check_text(io_text_figures(1536, 2, 0),
		   "1.500 KiB, 2 ops; 00.00 sec (1.397 TiB/sec and 2000000000.0000 ops/sec)");
	check_text(io_text_machine(4096, 1, 500000), "4096,1,0:00:00.00,8192000.000,2000.000");
}

static const struct tap_test tests[] = {
	{"times", test_times},
	{"figures, also of no time at all", test_figures},
};

TAP_MAIN("io_text", tests)
