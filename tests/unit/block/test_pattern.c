/* SPDX-License-Identifier: MIT */
#include "pattern.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char tool_name[] = "test";

static void test_finding(void)
{
	guint8 buffer[1000];
	gsize at;

	memset(buffer, 7, sizeof(buffer));
	CU_ASSERT_EQUAL(pattern_find_other(buffer, sizeof(buffer), 7), sizeof(buffer));
	CU_ASSERT_EQUAL(pattern_find_other(buffer, sizeof(buffer), 8), 0);
	CU_ASSERT_EQUAL(pattern_find_other(buffer, 1, 7), 1);
	CU_ASSERT_EQUAL(pattern_find_other(buffer, 0, 7), 0);
	for (at = 0; at < sizeof(buffer); at++) {
		buffer[at] ^= 0x80;
		CU_ASSERT_EQUAL(pattern_find_other(buffer, sizeof(buffer), 7), at);
		buffer[at] ^= 0x80;
	}
}

static void check_dump(const char *data, gsize length, guint64 offset, const char *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	pattern_dump(file, (const guint8 *)data, length, offset);
	fclose(file);
	CU_ASSERT_STRING_EQUAL(text, wanted);
	free(text);
}

static void test_dump(void)
{
	check_dump("", 0, 0, "");
	check_dump("hello world\n\377 ab!", 17, 0x3e8,
		   "000003e8:  68 65 6c 6c 6f 20 77 6f 72 6c 64 0a ff 20 61 62  hello.world...ab\n"
		   "000003f8:  21  .\n");
	check_dump("x", 1, 0x123456789a, "123456789a:  78  x\n");
}

static void test_files(void)
{
	char path[] = "/tmp/qrt-pattern-XXXXXX";
	int fd = mkstemp(path);
	guint8 buffer[10];

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT(!pattern_fill_from(buffer, sizeof(buffer), path));
	CU_ASSERT_EQUAL(write(fd, "abc", 3), 3);
	CU_ASSERT(pattern_fill_from(buffer, sizeof(buffer), path));
	CU_ASSERT_EQUAL(memcmp(buffer, "abcabcabca", 10), 0);
	CU_ASSERT_EQUAL(write(fd, "defghijklmn", 11), 11);
	CU_ASSERT(pattern_fill_from(buffer, sizeof(buffer), path));
	CU_ASSERT_EQUAL(memcmp(buffer, "abcdefghij", 10), 0);
	close(fd);
	unlink(path);
	CU_ASSERT(!pattern_fill_from(buffer, sizeof(buffer), path));
	CU_ASSERT(!pattern_fill_from(buffer, sizeof(buffer), "/"));
}

static const struct tap_test tests[] = {
	{"the first byte that is another one", test_finding},
	{"bytes as qemu-io prints them", test_dump},
	{"a file's bytes over and over", test_files},
};

TAP_MAIN("pattern", tests)
