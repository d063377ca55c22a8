/* SPDX-License-Identifier: MIT */
#include "schemata_p.h"

#include <errno.h>
#include <string.h>

#include "tap.h"

/* As the kernel shows them. */
static const char file[] = "    MB:0=100;1=100\n"
			   "L3CODE:0=00fff;1=00fff\n"
			   "    L3:0=00ff;1=0f00\n";

static void expect_found(const char *like, int rc, const char *line)
{
	char buf[QRT_SCHED_P_SCHEMATA_LINE] = "";
	int got = qrt_sched_p_schemata_find(file, like, buf);

	if (got != rc || (rc == 0 && strcmp(buf, line) != 0))
		tap_note("%s: %d '%s'", like, got, buf);
	CU_ASSERT_EQUAL(got, rc);
	if (rc == 0)
		CU_ASSERT_STRING_EQUAL(buf, line);
}

static void lines_are_found_by_their_resource(void)
{
	expect_found("L3:0=1", 0, "L3:0=ff;1=f00");
	expect_found("L3CODE:1=1", 0, "L3CODE:0=fff;1=fff");
	expect_found("MB:0=50", 0, "MB:0=100;1=100");
	expect_found("L3DATA:0=1", -ENOENT, "");
	expect_found("L:0=1", -ENOENT, "");
	expect_found("L3", -ENOENT, "");
	expect_found("", -ENOENT, "");
}

static void expect_left(const char *line, const char *other, int rc, const char *left)
{
	char buf[QRT_SCHED_P_SCHEMATA_LINE] = "";
	int got = qrt_sched_p_schemata_minus(line, other, buf);

	if (got != rc || (rc == 0 && strcmp(buf, left) != 0))
		tap_note("%s without %s: %d '%s'", line, other, got, buf);
	CU_ASSERT_EQUAL(got, rc);
	if (rc == 0)
		CU_ASSERT_STRING_EQUAL(buf, left);
}

static void ways_are_taken_away(void)
{
	expect_left("L3:0=ff;1=f00", "L3:0=f", 0, "L3:0=f0;1=f00");
	expect_left("L3:0=ff;1=ff", "L3:1=0f;0=f0", 0, "L3:0=f;1=f0");
	expect_left("L3:0=ff", "L3:2=ff", 0, "L3:0=ff");
	expect_left("L3:0=ff", "L2:0=ff", 0, "L3:0=ff");
	expect_left("L3:0=ff", "L3:0=ff", -ERANGE, "");
	expect_left("L3:0=ff;1=3", "L3:1=7", -ERANGE, "");
	expect_left("L3:junk", "L3:0=1", -EINVAL, "");
}

static void lines_are_told_from_others(void)
{
	static const char *const bad[] = {"",         "L3",       "L3:",        "L3:0",
					  "L3:0=",    ":0=f",     "L3:0=0f",    "L3: 0=f",
					  "L3:0=f;",  "L3:0=f\n", "L3:0=f 1=f", "L3:x=f",
					  "../a:0=f", "L3:0=g",   "L3:00=f",    "L3:0=f;;1=f"};
	size_t i;

	CU_ASSERT(qrt_sched_p_schemata_is_line("L3:0=ff;1=f"));
	CU_ASSERT(qrt_sched_p_schemata_is_line("L3CODE:11=ffff"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (qrt_sched_p_schemata_is_line(bad[i]))
			tap_note("'%s'", bad[i]);
		CU_ASSERT(!qrt_sched_p_schemata_is_line(bad[i]));
	}
	CU_ASSERT(qrt_sched_p_schemata_is_file("/rc/schemata"));
	CU_ASSERT(!qrt_sched_p_schemata_is_file("/rc/schemata2"));
	CU_ASSERT(!qrt_sched_p_schemata_is_file("schemata"));
}

static const struct tap_test tests[] = {
	{"lines are found by their resource", lines_are_found_by_their_resource},
	{"ways are taken away", ways_are_taken_away},
	{"lines are told from others", lines_are_told_from_others},
};

TAP_MAIN("schemata", tests)
