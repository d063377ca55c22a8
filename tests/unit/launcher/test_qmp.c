/* SPDX-License-Identifier: MIT */
/* What is asked of QEMU's monitor and what its answers are taken for; the test is QEMU. */
#include "command.h"
#include "guest.h"
#include "json_limit.h"
#include "recorder.h"
#include "supervisor.h"
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the world ---- */

static struct supervisor own;
static int qemu_fd; /* QEMU's end */
static unsigned int answers, stops;
static char refusal[256];

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	CU_FAIL("nothing is wrong");
}

static char heard[64]; /* of the guest */

void recorder_note_answer(struct supervisor *supervisor, uint64_t took_ns)
{
	(void)supervisor;
	(void)took_ns;
	answers++;
}

void guest_take_event(struct guest *guest, const char *event, const char *reason)
{
	(void)guest;
	g_snprintf(heard, sizeof(heard), "%s %s", event, reason);
}

void recorder_note_stop(struct supervisor *supervisor, const char *error)
{
	(void)supervisor;
	stops += !error;
	g_strlcpy(refusal, error ? error : "", sizeof(refusal));
}

struct watched *watch_find(const struct watch *watch, pid_t tid)
{
	(void)watch;
	(void)tid;
	return NULL;
}

int watch_enter(struct watch *watch, const struct watch_entry *entry)
{
	(void)watch;
	(void)entry;
	CU_FAIL("no thread is known");
	return 0;
}

static void begin(void)
{
	struct qrt_sched_plan *plan;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	memset(&own, 0, sizeof(own));
	own.plan = plan;
	own.qmp_fd = fds[0];
	qemu_fd = fds[1];
	answers = stops = 0;
	refusal[0] = '\0';
	qmp_open(&own);
}

static void end(void)
{
	qmp_close(&own);
	qrt_sched_plan_close((struct qrt_sched_plan *)own.plan);
	close(own.qmp_fd);
	if (qemu_fd >= 0)
		close(qemu_fd);
}

/* All that has come in is taken. */
static void turn(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void say(const char *text)
{
	CU_ASSERT_EQUAL(write(qemu_fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* The id of the question with this command among those that were asked since the last call; -1: none. */
static gint64 find_question(const char *command)
{
	char text[4096];
	ssize_t n = recv(qemu_fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	g_auto(GStrv) lines = NULL;
	gint64 id = -1;
	size_t i;

	text[MAX(n, 0)] = '\0';
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; lines[i]; i++) {
		JsonObject *question = json_limit_parse(lines[i], -1);

		if (question && strcmp(json_limit_get_string(question, "execute"), command) == 0)
			id = json_limit_get_int(question, "id");
		if (question)
			json_object_unref(question);
	}
	return id;
}

static void answer(gint64 id, const char *what)
{
	g_autofree char *text = g_strdup_printf("{\"id\":%d,%s}\n", (int)id, what);

	say(text);
}

static void bring_up(void)
{
	gint64 id;

	say("{\"QMP\":{}}\n");
	id = find_question("qmp_capabilities");
	CU_ASSERT_TRUE_FATAL(id >= 0);
	answer(id, "\"return\":{}");
}

/* ---- tests ---- */

static void test_status(void)
{
	gint64 id;

	begin();
	bring_up();
	id = find_question("query-status");
	CU_ASSERT_TRUE_FATAL(id >= 0);
	answer(id, "\"return\":{\"status\":\"paused\\u001b\"}");
	CU_ASSERT_STRING_EQUAL(own.guest_state, "paused");
	CU_ASSERT_EQUAL(answers, 2);
	qmp_ask_status(&own);
	CU_ASSERT_EQUAL(find_question("query-status"), id);
	end();
}

/* The oldest question counts; without one, and without a monitor, nothing is owed. */
static void test_silence(void)
{
	gint64 id;

	begin();
	CU_ASSERT_EQUAL(qmp_get_silence(&own), 0);
	say("{\"QMP\":{}}\n");
	id = find_question("qmp_capabilities");
	g_usleep(20000);
	CU_ASSERT_TRUE(qmp_get_silence(&own) >= 20000000);
	answer(id, "\"return\":{}");
	id = find_question("query-status");
	g_usleep(20000);
	qmp_ask_status(&own);
	CU_ASSERT_TRUE(qmp_stop(&own));
	CU_ASSERT_TRUE(qmp_get_silence(&own) >= 20000000);
	close(qemu_fd);
	qemu_fd = -1;
	turn();
	CU_ASSERT_EQUAL(qmp_get_silence(&own), 0);
	CU_ASSERT_TRUE(id >= 0);
	end();
}

/* That it was asked is not that it did: the answer says so. */
static void test_stop(void)
{
	gint64 id;

	begin();
	CU_ASSERT_FALSE(qmp_stop(&own));
	bring_up();
	CU_ASSERT_TRUE(qmp_stop(&own));
	id = find_question("stop");
	CU_ASSERT_TRUE_FATAL(id >= 0);
	CU_ASSERT_EQUAL(stops, 0);
	/* Not twice before the answer. */
	CU_ASSERT_TRUE(qmp_stop(&own));
	CU_ASSERT_EQUAL(find_question("stop"), -1);
	answer(id, "\"return\":{}");
	CU_ASSERT_EQUAL(stops, 1);
	CU_ASSERT_STRING_EQUAL(refusal, "");
	end();
}

static void test_refused(void)
{
	gint64 id;

	begin();
	bring_up();
	CU_ASSERT_TRUE(qmp_stop(&own));
	id = find_question("stop");
	answer(id, "\"error\":{\"class\":\"GenericError\",\"desc\":\"not \\u001b[2Jnow\"}");
	CU_ASSERT_EQUAL(stops, 0);
	CU_ASSERT_STRING_EQUAL(refusal, "not ?[2Jnow");
	CU_ASSERT_TRUE(qmp_stop(&own));
	CU_ASSERT_EQUAL(find_question("stop"), id);
	answer(id, "\"error\":5");
	CU_ASSERT_STRING_EQUAL(refusal, "it does not say why");
	end();
}

static void test_closed(void)
{
	begin();
	bring_up();
	CU_ASSERT_TRUE(qmp_stop(&own));
	close(qemu_fd);
	qemu_fd = -1;
	turn();
	CU_ASSERT_FALSE(qmp_stop(&own));
	CU_ASSERT_EQUAL(stops, 0);
	end();
}

/* Whatever an event says of itself. */
static void test_event(void)
{
	begin();
	bring_up();
	find_question("query-status");
	say("{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}\n");
	CU_ASSERT_STRING_EQUAL(heard, "RESET guest-reset");
	say("{\"event\":\"STOP\"}\n");
	CU_ASSERT_STRING_EQUAL(heard, "STOP ");
	say("{\"event\":7,\"data\":[]}\n");
	CU_ASSERT_STRING_EQUAL(heard, " ");
	end();
}

static const struct tap_test tests[] = {
	{"the guest's state", test_status},
	{"what becomes of the guest is handed on", test_event},
	{"how long it gives no answer", test_silence},
	{"a stop is done when QEMU says so", test_stop},
	{"a stop that QEMU refuses", test_refused},
	{"a monitor that is gone stops nothing", test_closed},
};

TAP_MAIN("qmp", tests)
