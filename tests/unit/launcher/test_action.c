/* SPDX-License-Identifier: MIT */
#include "action.h"
#include "command.h"
#include "tap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static char said[512];

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

static void test_words(void)
{
	struct actions actions = {.count = 0};

	CU_ASSERT_EQUAL(action_get_least(&actions), 0);
	CU_ASSERT_EQUAL(action_take(&actions, "20ms:log"), 0);
	CU_ASSERT_EQUAL(action_take(&actions, "5ms:file"), 0);
	CU_ASSERT_EQUAL(action_take(&actions, "1s:command=echo a:b=c; exit"), 0);
	CU_ASSERT_EQUAL(action_take(&actions, "100us:stop"), 0);
	CU_ASSERT_EQUAL(actions.count, 4);
	CU_ASSERT_EQUAL(actions.actions[0].kind, ACTION_LOG);
	CU_ASSERT_EQUAL(actions.actions[0].over_ns, 20 * MS);
	CU_ASSERT_EQUAL(actions.actions[2].kind, ACTION_COMMAND);
	CU_ASSERT_STRING_EQUAL(actions.actions[2].argument, "echo a:b=c; exit");
	CU_ASSERT_EQUAL(action_get_least(&actions), MS / 10);
	CU_ASSERT_EQUAL(action_take(&actions, "1s:log"), -EINVAL);
	action_clear(&actions);
	CU_ASSERT_EQUAL(actions.count, 0);
}

static void test_wrong(void)
{
	static const char *const wrong[] = {
		"",        "log",        "5ms",          "5ms:",          "5:log",
		"0ms:log", "5ms:logs",   "5ms:log=x",    "5ms:command",   "5ms:command=",
		":log",    "5ms:stop=1", "5ms:failsafe", "5ms:failsafe=", "-5ms:log"};
	struct actions actions = {.count = 0};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		said[0] = '\0';
		CU_ASSERT_EQUAL(action_take(&actions, wrong[i]), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, "give TIME:ACTION"));
	}
	CU_ASSERT_EQUAL(action_take(&actions, "5ms:failsafe=/nonexistent.plan"), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "/nonexistent.plan"));
	CU_ASSERT_EQUAL(actions.count, 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void test_failsafe(void)
{
	struct actions actions = {.count = 0};
	char path[] = "/tmp/qrt-action-XXXXXX", text[128];
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	snprintf(text, sizeof(text), "5ms:failsafe=%s", path);
	write_file(path, "vcpu_sched=other\n");
	CU_ASSERT_EQUAL(action_take(&actions, text), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_has(actions.actions[0].plan, QRT_SCHED_ROLE_VCPU), 1);
	write_file(path, "vcpu_sched=other\nvcpu_prio=x\n");
	CU_ASSERT_EQUAL(action_take(&actions, text), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, ":2: "));
	action_clear(&actions);
	unlink(path);
}

/* A delay rarely comes alone: once, and then not for a while. */
static void test_due(void)
{
	struct action action = {.kind = ACTION_LOG, .over_ns = 5 * MS};

	CU_ASSERT_FALSE(action_is_due(&action, 5 * MS - 1, 100 * S));
	CU_ASSERT_TRUE(action_is_due(&action, 5 * MS, 100 * S));
	CU_ASSERT_TRUE(action_is_due(&action, 5 * MS, 100 * S));
	action_note(&action, 0, 100 * S);
	CU_ASSERT_FALSE(action_is_due(&action, 500 * MS, 101 * S));
	CU_ASSERT_FALSE(action_is_due(&action, 500 * MS, 110 * S - 1));
	CU_ASSERT_TRUE(action_is_due(&action, 5 * MS, 110 * S));
}

/* One that failed comes again soon, and is worth a word now and then. */
static void test_failed(void)
{
	struct action action = {.kind = ACTION_STOP, .over_ns = 5 * MS};
	unsigned int i, news = 0;

	for (i = 0; i < 20; i++) {
		news += action_is_news(&action);
		action_note(&action, -EIO, 100 * S);
	}
	CU_ASSERT_EQUAL(news, 2);
	CU_ASSERT_FALSE(action_is_due(&action, 5 * MS, 101 * S - 1));
	CU_ASSERT_TRUE(action_is_due(&action, 5 * MS, 101 * S));
	action_note(&action, 0, 101 * S);
	CU_ASSERT_TRUE(action_is_news(&action));
	CU_ASSERT_FALSE(action_is_due(&action, 5 * MS, 102 * S));
}

static void test_open(void)
{
	struct action action = {.kind = ACTION_STOP, .over_ns = 5 * MS};

	action_note(&action, 1, 100 * S);
	CU_ASSERT_FALSE(action_is_due(&action, 5 * MS, 1000 * S));
	action_note(&action, -EIO, 1000 * S);
	CU_ASSERT_TRUE(action_is_due(&action, 5 * MS, 1001 * S));
}

static void test_command(void)
{
	char path[] = "/tmp/qrt-action-XXXXXX", command[128], text[128] = "";
	const char *const told[] = {"QRT_VM=vm", "QRT_DELAY_NS=7", NULL};
	struct timespec ts = {.tv_nsec = 10000000};
	int fd = mkstemp(path), tries;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	snprintf(command, sizeof(command), "echo \"$QRT_VM $QRT_DELAY_NS\" >%s", path);
	CU_ASSERT_EQUAL(action_run_command(command, told), 0);
	for (tries = 0; tries < 3000 && !strchr(text, '\n'); tries++) {
		nanosleep(&ts, NULL);
		CU_ASSERT_TRUE(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	}
	CU_ASSERT_STRING_EQUAL(text, "vm 7\n");
	close(fd);
	unlink(path);
}

static const struct tap_test tests[] = {
	{"times and actions", test_words},
	{"what is none is refused with a word", test_wrong},
	{"a plan to fall back to is read at once", test_failsafe},
	{"once, and then not for a while", test_due},
	{"one that failed comes again", test_failed},
	{"one of which nobody knows whether it is done", test_open},
	{"a command is told what happened", test_command},
};

TAP_MAIN("action", tests)
