/* SPDX-License-Identifier: MIT */
/* The supervisor's side of the control socket, with clients that mean harm or are stuck. */
#include "attach.h"
#include "change.h"
#include "command.h"
#include "recorder.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QUESTION  "{\"command\":\"status\"}\n"
#define RECORDING "{\"command\":\"recording\"}\n"
#define PATIENCE  (20 * G_USEC_PER_SEC)

static struct world {
	char folder[64];
	struct state state;
	struct supervisor supervisor;
	unsigned int reports, changes;
	size_t report_size;
	bool records_nothing;
	unsigned int recordings;
	void (*told)(char *text, void *data);
	void *told_data;
} world;

/* ---- what the socket needs of the launcher ---- */

char *report_status(struct supervisor *supervisor)
{
	char *text;

	CU_ASSERT_PTR_EQUAL(supervisor, &world.supervisor);
	world.reports++;
	text = g_strnfill(world.report_size, 'x');
	text[world.report_size - 1] = '\n';
	return text;
}

/* Its answer comes when a test says so. */
int recorder_report(struct supervisor *supervisor, void (*told)(char *text, void *data), void *data)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &world.supervisor);
	CU_ASSERT_PTR_NULL(world.told);
	if (world.records_nothing)
		return -ENOENT;
	world.recordings++;
	world.told = told;
	world.told_data = data;
	return 0;
}

static void give_recording(void)
{
	void (*told)(char *text, void *data) = world.told;

	CU_ASSERT_PTR_NOT_NULL_FATAL(told);
	world.told = NULL;
	if (told)
		told(g_strdup_printf("{\"recording\":\"%u\"}\n", world.recordings), world.told_data);
}

/* What a set is asked with, given back. */
char *change_answer(struct supervisor *supervisor, JsonObject *object)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &world.supervisor);
	world.changes = json_array_get_length(json_object_get_array_member(object, "changes"));
	return g_strdup_printf("{\"changed\":%u}\n", world.changes);
}

char *attach_answer_detach(struct supervisor *supervisor)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &world.supervisor);
	return g_strdup("{\"threads\":3}\n");
}

void complain(const char *format, ...)
{
	tap_note("said: %s", format);
}

const char *state_get_run_path(void)
{
	return "/run";
}

/* ---- the world ---- */

static void open_world(void)
{
	memset(&world, 0, sizeof(world));
	world.report_size = 10;
	strcpy(world.folder, "/tmp/qrt-control-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(world.folder));
	world.state.fd = open(world.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world.supervisor.state = &world.state;
	CU_ASSERT_EQUAL_FATAL(control_open(&world.supervisor), 0);
}

static void close_world(void)
{
	control_close(&world.supervisor);
	control_close(&world.supervisor);
	unlinkat(world.state.fd, "control", 0);
	close(world.state.fd);
	rmdir(world.folder);
}

static void pump(gint64 us)
{
	gint64 end = g_get_monotonic_time() + us;

	do {
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	} while (g_get_monotonic_time() < end);
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", world.folder);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		CU_ASSERT_EQUAL_FATAL(errno, EAGAIN);
		pump(1000);
	}
	return fd;
}

static void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes until a newline, or until the other side hangs up: then the result is 0. */
static size_t hear(int fd, char *buf, size_t size)
{
	gint64 end = g_get_monotonic_time() + PATIENCE;
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && g_get_monotonic_time() < end) {
		n = recv(fd, buf + len, 1, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			pump(1000);
		else if (buf[len++] == '\n')
			break;
	}
	buf[len] = '\0';
	CU_ASSERT_TRUE(len > 0 && buf[len - 1] == '\n');
	return len;
}

static void check_answers(int fd)
{
	char line[64];

	say(fd, QUESTION);
	CU_ASSERT_EQUAL(hear(fd, line, sizeof(line)), 10);
	CU_ASSERT_STRING_EQUAL(line, "xxxxxxxxx\n");
}

/* ---- the tests ---- */

static void test_questions(void)
{
	char line[64];
	int fd;

	open_world();
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
	close_world();
}

/* Its threads were put back: nobody changes them any more. */
static void test_let_go(void)
{
	char line[128];
	int fd;

	open_world();
	world.supervisor.let_go = 1;
	fd = dial();
	say(fd, "{\"command\":\"set\",\"changes\":[{}]}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "let go"));
	CU_ASSERT_EQUAL(world.changes, 0);
	close(fd);
	close_world();
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
	open_world();
	fd = dial();
	for (sent = 0; sent < question->len; sent += 1000) {
		CU_ASSERT_TRUE_FATAL(
			send(fd, question->str + sent, MIN(1000, question->len - sent), MSG_NOSIGNAL) > 0);
		pump(0);
	}
	CU_ASSERT_TRUE(hear(fd, line, sizeof(line)) > 0);
	CU_ASSERT_STRING_EQUAL(line, "{\"changed\":2}\n");
	CU_ASSERT_EQUAL(world.changes, 2);
	say(fd, "{\"command\":\"detach\"}\n");
	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "{\"threads\":3}\n");
	g_string_free(question, TRUE);
	close(fd);
	close_world();
}

static void test_private(void)
{
	struct stat status;

	open_world();
	CU_ASSERT_EQUAL(fstatat(world.state.fd, "control", &status, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
	close_world();
}

/* One that asks 150 times in one breath does not hold up another that asks once. */
static void test_turns(void)
{
	char line[64];
	int many, one, i;

	open_world();
	many = dial();
	one = dial();
	for (i = 0; i < 150; i++)
		say(many, QUESTION);
	say(one, QUESTION);
	while (recv(one, line, 10, 0) < 0)
		CU_ASSERT_TRUE_FATAL(g_main_context_iteration(NULL, FALSE));
	CU_ASSERT_TRUE(world.reports < 20);
	for (i = 0; i < 150; i++)
		CU_ASSERT_EQUAL(hear(many, line, sizeof(line)), 10);
	CU_ASSERT_EQUAL(world.reports, 151);
	close(many);
	close(one);
	close_world();
}

static void test_endless_line(void)
{
	char text[1000];
	size_t sent = 0;
	ssize_t n = 0;
	int fd;

	open_world();
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
	close_world();
}

/* The answers wait in the socket; once it is full no more are made. */
static void test_takes_nothing(void)
{
	unsigned int reports;
	int greedy, fd, i;

	open_world();
	world.report_size = 100000;
	greedy = dial();
	for (i = 0; i < 150; i++)
		say(greedy, QUESTION);
	pump(200000);
	reports = world.reports;
	CU_ASSERT_TRUE(reports > 0 && reports < 50);
	pump(200000);
	CU_ASSERT_EQUAL(world.reports, reports);
	world.report_size = 10;
	fd = dial();
	check_answers(fd);
	close(fd);
	close(greedy);
	close_world();
}

/* Those that came first make room. */
static void test_many_connections(void)
{
	int fds[100], fd;
	char line[64];
	size_t i;

	open_world();
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
	close_world();
}

/* The one who says nothing is sent away; the one who asks now and then is not. */
static void test_patience(void)
{
	gint64 start = g_get_monotonic_time();
	int silent, asking, half;
	char line[64];

	open_world();
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
	close_world();
}

/* Without a descriptor for who waits, the supervisor does not look for one without end. */
static void test_no_descriptors(void)
{
	struct rlimit limit, low;
	int fd, turns = 0, i;

	open_world();
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
	close_world();
}

static void check_heard(int fd, const char *wanted)
{
	char line[64] = "";

	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, wanted);
}

static void wait_asked(void)
{
	gint64 end = g_get_monotonic_time() + PATIENCE;

	while (!world.told && g_get_monotonic_time() < end)
		pump(1000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world.told);
}

/* Others are answered meanwhile, and who asks for one, too, has his turn. */
static void test_recording(void)
{
	int first, second, other;

	open_world();
	first = dial();
	second = dial();
	other = dial();
	say(first, RECORDING QUESTION);
	wait_asked();
	say(second, RECORDING);
	check_answers(other);
	check_answers(other);
	CU_ASSERT_EQUAL(world.recordings, 1);
	give_recording();
	check_heard(first, "{\"recording\":\"1\"}\n");
	check_heard(first, "xxxxxxxxx\n");
	wait_asked();
	give_recording();
	check_heard(second, "{\"recording\":\"2\"}\n");
	check_answers(second);
	world.records_nothing = true;
	say(other, RECORDING);
	check_heard(other, "{\"error\":\"nothing is recorded\"}\n");
	close(first);
	close(second);
	close(other);
	close_world();
}

/* It goes out to nobody, and the next one is answered. */
static void test_recording_of_who_left(void)
{
	int gone, sent_away, others[20], fd;
	size_t i;

	open_world();
	gone = dial();
	say(gone, RECORDING);
	wait_asked();
	close(gone);
	give_recording();
	pump(10000);
	sent_away = dial();
	say(sent_away, RECORDING);
	wait_asked();
	for (i = 0; i < G_N_ELEMENTS(others); i++)
		others[i] = dial();
	fd = dial();
	say(fd, RECORDING);
	pump(10000);
	check_heard(sent_away, "");
	give_recording();
	wait_asked();
	give_recording();
	check_heard(fd, "{\"recording\":\"3\"}\n");
	for (i = 0; i < G_N_ELEMENTS(others); i++)
		close(others[i]);
	close(sent_away);
	close(fd);
	close_world();
}

/* Whoever waits for us is not sent away; the VM may end meanwhile. */
static void test_recording_at_the_end(void)
{
	int fd, waiting;
	char line[8];

	open_world();
	fd = dial();
	say(fd, RECORDING);
	wait_asked();
	waiting = dial();
	say(waiting, RECORDING);
	pump(12 * G_USEC_PER_SEC);
	CU_ASSERT_TRUE(recv(fd, line, sizeof(line), 0) < 0 && errno == EAGAIN);
	CU_ASSERT_TRUE(recv(waiting, line, sizeof(line), 0) < 0 && errno == EAGAIN);
	close_world();
	CU_ASSERT_EQUAL(recv(fd, line, sizeof(line), 0), 0);
	close(fd);
	close(waiting);
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
	{"a recording that takes its time holds up nobody", test_recording},
	{"a recording for who has left", test_recording_of_who_left},
	{"a VM that ends before its recording is made", test_recording_at_the_end},
	{"no descriptor left: no endless turns", test_no_descriptors},
};

TAP_MAIN("control", tests)
