/* SPDX-License-Identifier: MIT */
#include "io_option.h"
#include "tap.h"

const char tool_name[] = "test";

#define READ  "bCl:pP:qs:v"
#define WRITE "bcCfnpP:qs:uz"
#define MANY  16

static gboolean parse(struct io_option *option, const char *letters, guint many, const char *line)
{
	g_auto(GStrv) argv = g_strsplit(line, " ", -1);

	return io_option_parse(option, letters, many, (int)g_strv_length(argv), argv);
}

static void test_places(void)
{
	struct io_option option;

	CU_ASSERT(parse(&option, READ, 1, "read 4k 0x200"));
	CU_ASSERT_EQUAL(option.offset, 4096);
	CU_ASSERT_EQUAL(option.length, 512);
	CU_ASSERT_EQUAL(option.part_length, 512);
	CU_ASSERT(!option.has_pattern && !option.is_quiet && option.deadline_ns == 0);
	CU_ASSERT_EQUAL(option.priority, QRT_BLOCK_NORMAL);
	io_option_clear(&option);
	CU_ASSERT(parse(&option, "CqvP:", MANY, "readv 0 512 1k 0 8"));
	CU_ASSERT_EQUAL(option.length, 1544);
	CU_ASSERT_EQUAL_FATAL(option.lengths->len, 4);
	CU_ASSERT_EQUAL(g_array_index(option.lengths, guint64, 1), 1024);
	io_option_clear(&option);
	CU_ASSERT(parse(&option, "", 0, "flush --priority low"));
	CU_ASSERT_EQUAL(option.priority, QRT_BLOCK_LOW);
	io_option_clear(&option);
}

static void test_letters(void)
{
	struct io_option option;

	CU_ASSERT(parse(&option, READ, 1, "read -qvCP 0xab 0 4k -s 512 -l 1k"));
	CU_ASSERT(option.is_quiet && option.is_dumped && option.is_machine && option.has_pattern);
	CU_ASSERT_EQUAL(option.pattern, 0xab);
	CU_ASSERT_EQUAL(option.part_offset, 512);
	CU_ASSERT_EQUAL(option.part_length, 1024);
	io_option_clear(&option);
	CU_ASSERT(parse(&option, READ, 1, "read -P 1 -s 512 0 4k"));
	CU_ASSERT_EQUAL(option.part_length, 3584);
	io_option_clear(&option);
	CU_ASSERT(parse(&option, WRITE, 1, "write -fzu --priority urgent --deadline 20ms 0 4k"));
	CU_ASSERT(option.is_fua && option.is_zeroes && option.is_unmapped);
	CU_ASSERT_EQUAL(option.priority, QRT_BLOCK_URGENT);
	CU_ASSERT_EQUAL(option.deadline_ns, 20000000);
	io_option_clear(&option);
	CU_ASSERT(parse(&option, WRITE, 1, "write -s name --bounce 0 4k"));
	CU_ASSERT_STRING_EQUAL(option.source, "name");
	CU_ASSERT(option.is_bounced);
	CU_ASSERT_EQUAL(option.pattern, IO_OPTION_PATTERN);
	io_option_clear(&option);
}

static void check_wrong(const char *letters, guint many, const char *line)
{
	struct io_option option;

	if (parse(&option, letters, many, line)) {
		tap_note("taken: %s", line);
		CU_FAIL("it is wrong");
	}
	io_option_clear(&option);
}

static void test_wrong_ones(void)
{
	static const char *const reads[] = {"read",
					    "read 0",
					    "read 0 4k 4k",
					    "read x 4k",
					    "read 0 4x",
					    "read 0 -1",
					    "read -x 0 4k",
					    "read 0 8E",
					    "read -P 256 0 4k",
					    "read -P x 0 4k",
					    "read -P",
					    "read -s 512 0 4k",
					    "read -l 1 0 4k",
					    "read -P 1 -l 5k 0 4k",
					    "read -b 0 1",
					    "read -z 0 1",
					    "read --priority x 0 1",
					    "read --no 0 1",
					    "read --deadline 5 0 1",
					    "read -P 1 -s 5k 0 4k",
					    "read --deadline 0ms 0 1",
					    "read --bounce=1 0 1"};
	static const char *const writes[] = {
		"write -u 0 4k",    "write -z -P 1 0 4k", "write -z -s f 0 4k", "write -P 1 -s f 0 4k",
		"write -n -z 0 4k", "write -c 0 64k",     "write -v 0 1",       "write -z --bounce 0 1"};
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(reads); i++)
		check_wrong(READ, 1, reads[i]);
	for (i = 0; i < G_N_ELEMENTS(writes); i++)
		check_wrong(WRITE, 1, writes[i]);
	check_wrong("CfiquzP:", MANY, "aio_write -z 0 4k 4k");
	check_wrong("CfiquzP:", MANY, "aio_write -i 0 4k");
	check_wrong("CfiquzP:", MANY, "aio_write 0 5E 5E");
	check_wrong("CqvP:", 2, "readv 0 1 1 1");
	check_wrong("", 0, "flush 5");
}

static const struct tap_test tests[] = {
	{"offset and lengths", test_places},
	{"letters of qemu-io, and words of ours", test_letters},
	{"what is wrong is not taken", test_wrong_ones},
};

TAP_MAIN("io_option", tests)
