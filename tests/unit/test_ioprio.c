/* SPDX-License-Identifier: MIT */
#include "setting_p.h"
#include "tap.h"

#include <errno.h>
#include <qrt/sched.h>
#include <stdio.h>
#include <string.h>

static void every_priority_goes_out_and_comes_back(void)
{
	char text[8], word[16];
	uint32_t level;

	for (level = 0; level < 8; level++) {
		snprintf(word, sizeof(word), "rt:%u", level);
		CU_ASSERT_EQUAL(qrt_sched_ioprio_parse(word), (int)(1u << 13 | level));
		CU_ASSERT_EQUAL(qrt_sched_ioprio_format(1u << 13 | level, text, sizeof(text)), 4);
		CU_ASSERT_STRING_EQUAL(text, word);
		snprintf(word, sizeof(word), "be:%u", level);
		CU_ASSERT_EQUAL(qrt_sched_ioprio_parse(word), (int)(2u << 13 | level));
		CU_ASSERT_EQUAL(qrt_sched_ioprio_format(2u << 13 | level, text, sizeof(text)), 4);
		CU_ASSERT_STRING_EQUAL(text, word);
	}
	CU_ASSERT_EQUAL(qrt_sched_ioprio_parse("idle"), 3 << 13);
	CU_ASSERT_EQUAL(qrt_sched_ioprio_format(3u << 13, text, sizeof(text)), 4);
	CU_ASSERT_STRING_EQUAL(text, "idle");
	CU_ASSERT_EQUAL(qrt_sched_ioprio_parse("none"), 0);
	CU_ASSERT_EQUAL(qrt_sched_ioprio_format(0, text, sizeof(text)), 4);
	CU_ASSERT_STRING_EQUAL(text, "none");
}

static void other_words_are_refused(void)
{
	static const char *const bad[] = {"",      "rt",    "rt:",  "rt:8", "rt:-1",  "rt:00", "be:9",
					  "be:1 ", " be:1", "RT:1", "3",    "idle:0", "none:0"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_ioprio_parse(bad[i]), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_ioprio_parse(NULL), -EINVAL);
}

static void other_values_and_short_buffers_are_refused(void)
{
	static const uint32_t bad[] = {1,        7,         1u << 13 | 8, 2u << 13 | 0x1fff, 3u << 13 | 1,
				       4u << 13, UINT32_MAX};
	char text[8] = "as it is";
	size_t i, size;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_ioprio_format(bad[i], text, sizeof(text)), -EINVAL);
	for (size = 0; size <= 4; size++)
		CU_ASSERT_EQUAL(qrt_sched_ioprio_format(0, text, size), -ENOSPC);
	CU_ASSERT_EQUAL(memcmp(text, "as it is", sizeof(text)), 0);
}

static const struct tap_test tests[] = {
	{"every priority goes out and comes back", every_priority_goes_out_and_comes_back},
	{"other words are refused", other_words_are_refused},
	{"other values and short buffers are refused", other_values_and_short_buffers_are_refused},
};

TAP_MAIN("ioprio", tests)
