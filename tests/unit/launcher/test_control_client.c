/* SPDX-License-Identifier: MIT */
/* Asking a supervisor that means harm or is stuck. */
#include "command.h"
#include "control.h"
#include "state.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct world {
	char folder[64];
	int folder_fd, fd;
	GThread *thread;
	/* What the supervisor answers, `times` times; then it waits for the client to hang up, or hangs up.
	 */
	const char *answer;
	size_t len, times;
	bool waits;
} world;

static char said[512];

/* ---- what the client needs of the launcher ---- */

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

bool state_is_name(const char *name)
{
	return strchr(name, '/') == NULL;
}

int state_open_run(bool create)
{
	(void)create;
	return open(world.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- a supervisor ---- */

static void open_world(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(&world, 0, sizeof(world));
	said[0] = '\0';
	strcpy(world.folder, "/tmp/qrt-client-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(world.folder));
	world.folder_fd = open(world.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", world.folder);
	CU_ASSERT_EQUAL_FATAL(bind(world.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(world.fd, 1), 0);
}

static void close_world(void)
{
	unlinkat(world.folder_fd, "control", 0);
	close(world.folder_fd);
	close(world.fd);
	rmdir(world.folder);
}

static gpointer supervise(gpointer unused)
{
	int client = accept(world.fd, NULL, NULL);
	char request[256];
	size_t i;

	CU_ASSERT_TRUE(recv(client, request, sizeof(request), 0) > 0);
	for (i = 0; i < world.times; i++) {
		if (send(client, world.answer, world.len, MSG_NOSIGNAL) < 0)
			break;
	}
	if (world.waits)
		while (recv(client, request, sizeof(request), 0) > 0)
			;
	close(client);
	return unused;
}

/* Asks one that answers so; returns the result. */
static int ask(const char *answer, size_t len, size_t times, bool waits)
{
	JsonObject *object = NULL;
	int r;

	open_world();
	world.answer = answer;
	world.len = len;
	world.times = times;
	world.waits = waits;
	world.thread = g_thread_new("supervisor", supervise, NULL);
	r = control_ask(world.folder_fd, "status", &object);
	g_thread_join(world.thread);
	CU_ASSERT_EQUAL(object != NULL, r == 0);
	if (object)
		json_object_unref(object);
	close_world();
	return r;
}

static int ask_text(const char *answer, bool waits)
{
	return ask(answer, strlen(answer), 1, waits);
}

/* ---- the tests ---- */

/* What stands behind the line is not waited for, nor is the other side's end. */
static void test_answer(void)
{
	CU_ASSERT_EQUAL(ask_text("{\"a\":1}\n", true), 0);
	CU_ASSERT_EQUAL(ask_text("{\"a\":1}\n{\"b\"", true), 0);
	CU_ASSERT_EQUAL(ask_text("{\"a\":1}\n\n\n", false), 0);
}

static void test_nonsense(void)
{
	static const char nul[] = "{\"a\":\"x\0y\"}\n";
	char deep[4000];

	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\n';
	CU_ASSERT_EQUAL(ask_text("no\n", true), -EPROTO);
	CU_ASSERT_EQUAL(ask_text("[1]\n", true), -EPROTO);
	CU_ASSERT_EQUAL(ask_text("\n", true), -EPROTO);
	CU_ASSERT_EQUAL(ask_text("{\"a\":\"\xff\"}\n", true), -EPROTO);
	CU_ASSERT_EQUAL(ask_text("{\"a\":1", false), -EPROTO);
	CU_ASSERT_EQUAL(ask(nul, sizeof(nul) - 1, 1, true), -EPROTO);
	CU_ASSERT_EQUAL(ask(deep, sizeof(deep), 1, true), -EPROTO);
}

static void test_endless(void)
{
	g_autofree char *megabyte = g_strnfill(1 << 20, ' ');

	CU_ASSERT_EQUAL(ask(megabyte, 1 << 20, 100, false), -EPROTO);
}

static void test_hangs_up(void)
{
	CU_ASSERT_EQUAL(ask("", 0, 0, false), -ECONNRESET);
}

/* It takes the question and says nothing, or half a line. */
static void test_silent(void)
{
	gint64 start = g_get_monotonic_time();

	CU_ASSERT_EQUAL(ask_text("{\"a\":", true), -ETIMEDOUT);
	CU_ASSERT_TRUE(g_get_monotonic_time() - start >= 4 * G_USEC_PER_SEC);
}

/* So many wait already that the kernel lets nobody wait any more: that is not "no VM". */
static void test_never_accepts(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	JsonObject *object;
	int fds[16];
	size_t n = 0, i;

	open_world();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", world.folder);
	do {
		CU_ASSERT_TRUE_FATAL(n < G_N_ELEMENTS(fds));
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	} while (connect(fds[n++], (struct sockaddr *)&address, sizeof(address)) == 0);
	CU_ASSERT_EQUAL(control_ask(world.folder_fd, "status", &object), -ETIMEDOUT);
	for (i = 0; i < n; i++)
		close(fds[i]);
	close_world();
}

static void check_said(int error, const char *words)
{
	control_complain("guest", error);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "'guest'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, words));
}

static void test_words(void)
{
	JsonObject *object;

	open_world();
	CU_ASSERT_EQUAL(control_find_status("missing", &object), -ENOENT);
	CU_ASSERT_STRING_EQUAL(said, "no VM named 'missing' runs; 'qrt-launcher status' lists them");
	CU_ASSERT_EQUAL(control_find_status("control", &object), -ENOTDIR);
	CU_ASSERT_STRING_EQUAL(said, "no VM named 'control' runs; 'qrt-launcher status' lists them");
	CU_ASSERT_EQUAL(control_find_status("a/b", &object), -EINVAL);
	close_world();
	check_said(-ECONNREFUSED, "no VM named");
	check_said(-ETIMEDOUT, "does not answer");
	check_said(-ETIME, "may still make the change");
	check_said(-EPROTO, "not understood");
	check_said(-ECONNRESET, "hung up");
	check_said(-EACCES, strerror(EACCES));
}

static const struct tap_test tests[] = {
	{"an answer ends with its line", test_answer},
	{"nonsense is no answer", test_nonsense},
	{"an answer without end is none", test_endless},
	{"one that hangs up without an answer", test_hangs_up},
	{"one that says nothing is not waited for without end", test_silent},
	{"one that accepts nobody does not answer", test_never_accepts},
	{"each error has its words", test_words},
};

TAP_MAIN("control_client", tests)
