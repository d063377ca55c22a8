/* SPDX-License-Identifier: MIT */
/* What is left of a VM's folder at its end. */
#include "command.h"
#include "state.h"
#include "tap.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

static int times_said;

void complain(const char *format, ...)
{
	(void)format;
	times_said++;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static char *path;
static int run_fd;
static struct state state;

static void begin(void)
{
	path = g_dir_make_tmp("qrt-test-XXXXXX", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	setenv("QRT_RUN_DIR", path, 1);
	run_fd = state_open_run(true);
	CU_ASSERT_FATAL(run_fd >= 0);
	CU_ASSERT_EQUAL_FATAL(state_open(run_fd, "vm", &state), 0);
	CU_ASSERT_EQUAL_FATAL(state_write(&state, "threads", "text", 4), 0);
}

static void end(void)
{
	state_close_run(run_fd);
	CU_ASSERT_EQUAL(g_rmdir(path), 0);
	g_free(path);
}

static void all_is_back(void)
{
	begin();
	state_end(&state, true);
	CU_ASSERT_EQUAL(state_open_folder(run_fd, "vm"), -ENOENT);
	end();
}

/* Unlocked, with all that is needed to try again. */
static void something_is_not(void)
{
	struct state left;
	char *text;
	size_t len;

	begin();
	CU_ASSERT_EQUAL(state_open_left(run_fd, "vm", &left), -EBUSY);
	state_end(&state, false);
	CU_ASSERT_EQUAL_FATAL(state_open_left(run_fd, "vm", &left), 0);
	CU_ASSERT_EQUAL_FATAL(state_read(left.fd, "threads", 16, &text, &len), 0);
	CU_ASSERT_STRING_EQUAL(text, "text");
	g_free(text);
	state_end(&left, true);
	CU_ASSERT_EQUAL(state_open_folder(run_fd, "vm"), -ENOENT);
	end();
}

#define RESTS 10

/* Who looks again and again leaves out for a while what it could not repair, and nothing else. */
static void what_failed_is_left_out_for_a_while(void)
{
	GHashTable *rests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct state whole;
	int i;

	begin();
	CU_ASSERT_EQUAL_FATAL(state_write(&state, "state.json", "junk", 4), 0);
	state_end(&state, false);
	times_said = 0;
	CU_ASSERT_EQUAL(state_repair_vms(run_fd, false, rests), 1);
	CU_ASSERT_EQUAL(times_said, 1);
	CU_ASSERT_EQUAL_FATAL(state_open(run_fd, "whole", &whole), 0);
	state_end(&whole, false);
	for (i = 0; i < RESTS; i++)
		CU_ASSERT_EQUAL(state_repair_vms(run_fd, false, rests), 1);
	CU_ASSERT_EQUAL(times_said, 1);
	CU_ASSERT_EQUAL(state_open_folder(run_fd, "whole"), -ENOENT);
	CU_ASSERT_EQUAL(state_repair_vms(run_fd, false, rests), 1);
	CU_ASSERT_EQUAL(times_said, 2);
	CU_ASSERT_EQUAL(state_repair_vms(run_fd, false, NULL), 1);
	CU_ASSERT_EQUAL(times_said, 3);
	CU_ASSERT_EQUAL_FATAL(state_open_left(run_fd, "vm", &state), 0);
	state_end(&state, true);
	g_hash_table_destroy(rests);
	end();
}

static const struct tap_test tests[] = {
	{"nothing is left where all was put back", all_is_back},
	{"what could not be repaired is left out for a while", what_failed_is_left_out_for_a_while},
	{"what was written down is left where something was not", something_is_not},
};

TAP_MAIN("state_end", tests)
