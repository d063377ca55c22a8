/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lines_p.h"
#include "sys_p.h"
#include "tap.h"

static void what_has_no_room_is_counted(void)
{
	char buf[8];
	struct qrt_sched_p_lines lines = {.buf = buf, .size = sizeof(buf)};

	qrt_sched_p_lines_put(&lines, "%d ", 1234);
	CU_ASSERT_STRING_EQUAL(buf, "1234 ");
	qrt_sched_p_lines_put(&lines, "%s\n", "abcdef");
	CU_ASSERT_STRING_EQUAL(buf, "1234 ab");
	CU_ASSERT_EQUAL(lines.len, 12);
	qrt_sched_p_lines_put(&lines, "more");
	CU_ASSERT_EQUAL(lines.len, 16);
	CU_ASSERT_STRING_EQUAL(buf, "1234 ab");
}

static void without_a_buffer_it_only_counts(void)
{
	struct qrt_sched_p_lines lines = {0};

	qrt_sched_p_lines_put(&lines, "%s", "abc");
	CU_ASSERT_EQUAL(lines.len, 3);
}

static void one_line_after_the_other(void)
{
	static const char text[] = "ab\n\ncd\n";
	char line[4] = "";
	size_t at = 0;

	CU_ASSERT_EQUAL(qrt_sched_p_lines_take(text, 7, line, sizeof(line)), 3);
	CU_ASSERT_STRING_EQUAL(line, "ab");
	at += 3;
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take(text + at, 7 - at, line, sizeof(line)), 1);
	CU_ASSERT_STRING_EQUAL(line, "");
	at += 1;
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take(text + at, 7 - at, line, sizeof(line)), 3);
	CU_ASSERT_STRING_EQUAL(line, "cd");
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take(text + 7, 0, line, sizeof(line)), 0);
}

static void lines_that_are_none_are_refused(void)
{
	char line[4];

	CU_ASSERT_EQUAL(qrt_sched_p_lines_take("ab", 2, line, sizeof(line)), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take("abcd\n", 5, line, sizeof(line)), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take("a\0b\n", 4, line, sizeof(line)), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_p_lines_take("abc\n", 4, line, sizeof(line)), 4);
	CU_ASSERT_STRING_EQUAL(line, "abc");
}

static void a_boot_has_a_name(void)
{
	struct qrt_sched_p_sys elsewhere = *qrt_sched_p_sys;
	const struct qrt_sched_p_sys *kernel = qrt_sched_p_sys;
	char boot[64], again[64];

	qrt_sched_p_read_boot(boot, sizeof(boot));
	qrt_sched_p_read_boot(again, sizeof(again));
	CU_ASSERT_STRING_EQUAL(boot, again);
	CU_ASSERT_PTR_NULL(strpbrk(boot, " \n"));
	CU_ASSERT_TRUE(*boot != '\0');
	elsewhere.root = "/nonexistent";
	qrt_sched_p_sys = &elsewhere;
	qrt_sched_p_read_boot(boot, sizeof(boot));
	qrt_sched_p_sys = kernel;
	CU_ASSERT_STRING_EQUAL(boot, "unknown");
}

static const struct tap_test tests[] = {
	{"what has no room is counted", what_has_no_room_is_counted},
	{"without a buffer it only counts", without_a_buffer_it_only_counts},
	{"one line after the other", one_line_after_the_other},
	{"lines that are none are refused", lines_that_are_none_are_refused},
	{"a boot has a name", a_boot_has_a_name},
};

TAP_MAIN("lines", tests)
