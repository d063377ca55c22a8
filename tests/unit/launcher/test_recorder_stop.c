/* SPDX-License-Identifier: MIT */
/* A guest that is to be stopped because of a delay, by a QEMU that may refuse, or hang. */
#include "blame_account.h"
#include "command.h"
#include "recorder_p.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

/* ---- the world ---- */

static struct {
	uint64_t time_ns;
	bool takes_stop;
	unsigned int said_count;
	char said[512];
} world;

static struct actions actions;
static struct recorder recorder;
static struct supervisor own;

uint64_t blame_now_ns(void)
{
	return world.time_ns;
}

bool qmp_stop(struct supervisor *supervisor)
{
	(void)supervisor;
	return world.takes_stop;
}

void complain(const char *format, ...)
{
	CU_FAIL("words of an action go where the keeper's go");
	(void)format;
}

void recorder_keeper_say(const struct recorder_keeper *keeper, const char *format, ...)
{
	va_list args;

	(void)keeper;
	va_start(args, format);
	vsnprintf(world.said, sizeof(world.said), format, args);
	va_end(args);
	world.said_count++;
}

static struct action *begin(void)
{
	memset(&world, 0, sizeof(world));
	memset(&recorder, 0, sizeof(recorder));
	memset(&own, 0, sizeof(own));
	actions = (struct actions){.count = 2,
				   .actions = {{.kind = ACTION_LOG, .over_ns = 5 * MS},
					       {.kind = ACTION_STOP, .over_ns = 5 * MS}}};
	world.time_ns = 100 * S;
	world.takes_stop = true;
	recorder.actions = &actions;
	recorder.keeper = (struct recorder_keeper *)&world; /* there is one, and nobody looks into it */
	own.flight = &recorder;
	return &actions.actions[1];
}

/* As recorder_react() does. */
static void ask(struct action *action)
{
	int r = recorder_stop_guest(&own, action);

	action_note(action, r, world.time_ns);
}

static bool is_due(const struct action *action)
{
	return action_is_due(action, 60 * MS, world.time_ns);
}

/* ---- tests ---- */

static void test_stopped(void)
{
	struct action *action = begin();

	ask(action);
	CU_ASSERT_EQUAL(world.said_count, 0);
	world.time_ns += S;
	recorder_check_stop(&own);
	CU_ASSERT_FALSE(is_due(action));
	CU_ASSERT_EQUAL(world.said_count, 0);
	recorder_note_stop(&own, NULL);
	CU_ASSERT_STRING_EQUAL(world.said, "the guest is stopped, as --on-delay wants it");
	world.time_ns += 9 * S;
	CU_ASSERT_FALSE(is_due(action));
	recorder_check_stop(&own);
	CU_ASSERT_EQUAL(world.said_count, 1);
	world.time_ns += S;
	CU_ASSERT_TRUE(is_due(action));
	CU_ASSERT_TRUE(action_is_due(&actions.actions[0], 60 * MS, 0));
}

static void test_refused(void)
{
	struct action *action = begin();
	unsigned int i;

	for (i = 0; i < 10; i++) {
		ask(action);
		recorder_note_stop(&own, "no");
		CU_ASSERT_FALSE(is_due(action));
		world.time_ns += S;
		CU_ASSERT_TRUE(is_due(action));
	}
	CU_ASSERT_STRING_EQUAL(world.said, "the guest cannot be stopped: QEMU refuses it: no");
	CU_ASSERT_EQUAL(world.said_count, 1);
}

/* It is said that nobody knows; a late answer counts. */
static void test_hangs(void)
{
	struct action *action = begin();

	ask(action);
	world.time_ns += 5 * S - 1;
	recorder_check_stop(&own);
	CU_ASSERT_EQUAL(world.said_count, 0);
	world.time_ns += 1;
	recorder_check_stop(&own);
	CU_ASSERT_PTR_NOT_NULL(strstr(world.said, "the guest may run still"));
	CU_ASSERT_PTR_NOT_NULL(strstr(world.said, "5.00 s"));
	recorder_check_stop(&own);
	CU_ASSERT_EQUAL(world.said_count, 1);
	world.time_ns += S;
	CU_ASSERT_TRUE(is_due(action));
	ask(action);
	recorder_check_stop(&own);
	CU_ASSERT_FALSE(is_due(action));
	CU_ASSERT_EQUAL(world.said_count, 1);
	recorder_note_stop(&own, NULL);
	CU_ASSERT_STRING_EQUAL(world.said, "the guest is stopped, as --on-delay wants it");
	world.time_ns += 9 * S;
	CU_ASSERT_FALSE(is_due(action));
}

static void test_no_monitor(void)
{
	struct action *action = begin();

	world.takes_stop = false;
	ask(action);
	CU_ASSERT_STRING_EQUAL(world.said, "the guest cannot be stopped: QEMU's monitor takes no command");
	CU_ASSERT_FALSE(is_due(action));
	world.time_ns += S;
	CU_ASSERT_TRUE(is_due(action));
	ask(action);
	CU_ASSERT_EQUAL(world.said_count, 1);
	recorder_check_stop(&own);
	CU_ASSERT_EQUAL(world.said_count, 1);
}

/* An answer that nobody asked for. */
static void test_no_actions(void)
{
	begin();
	recorder.keeper = NULL;
	recorder_note_stop(&own, NULL);
	own.flight = NULL;
	recorder_note_stop(&own, "no");
	CU_ASSERT_EQUAL(world.said_count, 0);
}

static const struct tap_test tests[] = {
	{"that it is stopped is said when it is", test_stopped},
	{"QEMU refuses, again and again", test_refused},
	{"QEMU hangs", test_hangs},
	{"no monitor", test_no_monitor},
	{"nobody wants it", test_no_actions},
};

TAP_MAIN("recorder_stop", tests)
