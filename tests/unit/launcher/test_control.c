/* SPDX-License-Identifier: MIT */
/* The supervisor's side of the control socket, with clients that mean harm or are stuck. */
#include "control_help.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_questions(void)
{
	char line[64];
	int fd;

	open_control();
	fd = dial();
	check_answers(fd);
	say(fd, "nonsense\n{\"command\":\"stop\"}\n{\"command\":5}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "{\"error\":\"no JSON object\"}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "{\"error\":\"unknown command\"}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "{\"error\":\"unknown command\"}\n");
	say(fd, "{\"command\":");
	pump(10000);
	say(fd, "\"status\"}\n");
	CU_ASSERT_EQUAL(hear(fd, line, sizeof(line)), 10);
	close(fd);
	close_control();
}

/* Its threads were put back: nobody changes them any more. */
static void test_let_go(void)
{
	char line[128];
	int fd;

	open_control();
	control_world.supervisor.let_go = 1;
	fd = dial();
	say(fd, "{\"command\":\"set\",\"changes\":[{}]}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "let go"));
	CU_ASSERT_EQUAL(control_world.changes, 0);
	close(fd);
	close_control();
}

/* A plan file fits into a question, and arrives in pieces. */
static void test_long_question(void)
{
	GString *question = g_string_new("{\"command\":\"set\",\"changes\":[{\"text\":\"");
	char line[64];
	size_t sent;
	int fd, i;

	for (i = 0; i < 60000; i++)
		g_string_append_c(question, '#');
	g_string_append(question, "\"},{}]}\n");
	open_control();
	fd = dial();
	for (sent = 0; sent < question->len; sent += 1000) {
		CU_ASSERT_TRUE_FATAL(
			send(fd, question->str + sent, MIN(1000, question->len - sent), MSG_NOSIGNAL) > 0);
		pump(0);
	}
	CU_ASSERT_TRUE(hear(fd, line, sizeof(line)) > 0);
	CU_ASSERT_STRING_EQUAL(line, "{\"changed\":2}\n");
	CU_ASSERT_EQUAL(control_world.changes, 2);
	say(fd, "{\"command\":\"detach\"}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "{\"threads\":3}\n");
	g_string_free(question, TRUE);
	close(fd);
	close_control();
}

static void test_private(void)
{
	struct stat status;

	open_control();
	CU_ASSERT_EQUAL(fstatat(control_world.state.fd, "control", &status, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
	close_control();
}

/* One that asks 150 times in one breath does not hold up another that asks once. */
static void test_turns(void)
{
	char line[64];
	int many, one, i;

	open_control();
	many = dial();
	one = dial();
	for (i = 0; i < 150; i++)
		say(many, QUESTION);
	say(one, QUESTION);
	while (recv(one, line, 10, 0) < 0)
		CU_ASSERT_TRUE_FATAL(g_main_context_iteration(NULL, FALSE));
	CU_ASSERT_TRUE(control_world.reports < 20);
	for (i = 0; i < 150; i++)
		CU_ASSERT_EQUAL(hear(many, line, sizeof(line)), 10);
	CU_ASSERT_EQUAL(control_world.reports, 151);
	close(many);
	close(one);
	close_control();
}

static void test_endless_line(void)
{
	char text[1000];
	size_t sent = 0;
	ssize_t n = 0;
	int fd;

	open_control();
	memset(text, '[', sizeof(text));
	fd = dial();
	while (sent < 1 << 20 && (n >= 0 || errno == EAGAIN)) {
		n = send(fd, text, sizeof(text), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		pump(0);
	}
	CU_ASSERT_TRUE(sent < 100000);
	CU_ASSERT_TRUE(n < 0 && (errno == EPIPE || errno == ECONNRESET));
	close(fd);
	fd = dial();
	check_answers(fd);
	close(fd);
	close_control();
}

/* The answers wait in the socket; once it is full no more are made. */
static void test_takes_nothing(void)
{
	unsigned int reports;
	int greedy, fd, i;

	open_control();
	control_world.report_size = 100000;
	greedy = dial();
	for (i = 0; i < 150; i++)
		say(greedy, QUESTION);
	/* By turns, not by time: nobody else is in this. */
	while (g_main_context_iteration(NULL, FALSE))
		;
	reports = control_world.reports;
	CU_ASSERT_TRUE(reports > 0 && reports < 50);
	pump(200000);
	CU_ASSERT_EQUAL(control_world.reports, reports);
	control_world.report_size = 10;
	fd = dial();
	check_answers(fd);
	close(fd);
	close(greedy);
	close_control();
}

/* Those that came first make room. */
static void test_many_connections(void)
{
	int fds[100], fd;
	char line[64];
	size_t i;

	open_control();
	for (i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = dial();
		if (i % 2)
			say(fds[i], "{\"command\":");
	}
	fd = dial();
	check_answers(fd);
	CU_ASSERT_EQUAL(hear(fds[0], line, sizeof(line)), 0);
	CU_ASSERT_EQUAL(hear(fds[50], line, sizeof(line)), 0);
	check_answers(fds[98]);
	for (i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	close(fd);
	close_control();
}

/* The one who says nothing is sent away; the one who asks now and then is not. */
static void test_patience(void)
{
	gint64 start = g_get_monotonic_time();
	int silent, asking, half;
	char line[64];

	open_control();
	silent = dial();
	half = dial();
	asking = dial();
	say(half, "{\"comm");
	for (; g_get_monotonic_time() - start < 14 * G_USEC_PER_SEC; pump(3 * G_USEC_PER_SEC))
		check_answers(asking);
	CU_ASSERT_EQUAL(hear(silent, line, sizeof(line)), 0);
	CU_ASSERT_EQUAL(hear(half, line, sizeof(line)), 0);
	check_answers(asking);
	close(silent);
	close(half);
	close(asking);
	close_control();
}

/* Without a descriptor for who waits, the supervisor does not look for one without end. */
static void test_no_descriptors(void)
{
	struct rlimit limit, low;
	int fd, turns = 0, i;

	open_control();
	fd = dial();
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = (rlim_t)dup(0);
	close((int)low.rlim_cur);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (i = 0; i < 1000; i++)
		turns += g_main_context_iteration(NULL, FALSE);
	CU_ASSERT_TRUE(turns < 10);
	setrlimit(RLIMIT_NOFILE, &limit);
	check_answers(fd);
	close(fd);
	close_control();
}

static const struct tap_test tests[] = {
	{"questions are answered in turn, nonsense too", test_questions},
	{"a VM that was let go is not changed", test_let_go},
	{"a long question is heard to its end", test_long_question},
	{"the socket is its user's alone", test_private},
	{"who asks much does not hold up who asks once", test_turns},
	{"a line without end ends the conversation", test_endless_line},
	{"who takes no answer gets no more", test_takes_nothing},
	{"many stuck clients make room for a new one", test_many_connections},
	{"a silent client is sent away, an asking one stays", test_patience},
	{"no descriptor left: no endless turns", test_no_descriptors},
};

TAP_MAIN("control", tests)
