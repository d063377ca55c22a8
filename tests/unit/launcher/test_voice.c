/* SPDX-License-Identifier: MIT */
/* What is said where nobody reads: who says it goes on. */
#include "tap.h"
#include "voice.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define ROOM 65536

/* ---- standard error is a pipe ---- */

struct heard {
	int fd;
	size_t len;
	char text[4 * ROOM];
};

static struct heard heard;

static void open_pipe(void)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(pipe(pair), 0);
	CU_ASSERT_FATAL(dup2(pair[1], STDERR_FILENO) >= 0);
	close(pair[1]);
	heard = (struct heard){.fd = pair[0]};
}

/* Until it does not take one byte more. */
static void fill_pipe(void)
{
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK);

	CU_ASSERT_FATAL(fd >= 0);
	while (write(fd, ".", 1) == 1)
		;
	close(fd);
}

/* Reads on until `word` was there. */
static void hear(const char *word)
{
	ssize_t n = 1;

	while (n > 0 && !strstr(heard.text, word) && heard.len < sizeof(heard.text) - 1) {
		n = read(heard.fd, heard.text + heard.len, sizeof(heard.text) - 1 - heard.len);
		heard.len += n > 0 ? (size_t)n : 0;
		heard.text[heard.len] = '\0';
	}
}

static size_t count_lines(const char *word)
{
	const char *at = heard.text;
	size_t count = 0;

	while ((at = strstr(at, word))) {
		count++;
		at++;
	}
	return count;
}

/* ---- the system's log ---- */

static atomic_bool log_hangs;
static atomic_uint log_lines;
static char log_last[256];

void syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	while (atomic_load(&log_hangs))
		usleep(1000);
	va_start(args, format);
	vsnprintf(log_last, sizeof(log_last), format, args);
	va_end(args);
	atomic_fetch_add(&log_lines, 1);
}

/* In a child: what is open stays open for the life of a process. */
static void in_child(int (*run)(void))
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(run());
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

/* ---- promises ---- */

static int say_directly(void)
{
	open_pipe();
	voice_say("a line\n");
	hear("a line\n");
	return strcmp(heard.text, "a line\n");
}

static void test_direct(void)
{
	in_child(say_directly);
}

static int say_in_order(void)
{
	char line[32], wanted[4096] = "";
	int i;

	open_pipe();
	voice_open();
	for (i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		strcat(wanted, line);
		voice_say(line);
	}
	voice_flush();
	hear("line 99\n");
	return strcmp(heard.text, wanted);
}

static void test_order(void)
{
	in_child(say_in_order);
}

/* More than the ring holds: it comes to an end, and what was lost is counted. */
static int say_without_a_reader(void)
{
	const size_t said = 5000;
	const char *count;
	char line[64];
	size_t i;

	open_pipe();
	voice_open();
	fill_pipe();
	for (i = 0; i < said; i++) {
		snprintf(line, sizeof(line), "this is line number %5zu of those\n", i);
		voice_say(line);
	}
	voice_flush();
	hear("lines lost: ");
	voice_say("the last one\n");
	hear("the last one\n");
	count = strstr(heard.text, "lines lost: ");
	if (!count)
		return 1;
	return strtoul(count + strlen("lines lost: "), NULL, 10) + count_lines("this is line") != said;
}

static void test_no_reader(void)
{
	in_child(say_without_a_reader);
}

/* Standard error is not held up by it, either. */
static int log_without_a_reader(void)
{
	unsigned lost;
	int i;

	open_pipe();
	voice_open();
	atomic_store(&log_hangs, true);
	for (i = 0; i < 5000; i++)
		voice_log("this is one of many lines for the log\n");
	voice_say("for who reads\n");
	hear("for who reads\n");
	if (atomic_load(&log_lines) > 0)
		return 1;
	atomic_store(&log_hangs, false);
	while (atomic_load(&log_lines) < 2)
		usleep(1000);
	voice_flush();
	voice_log("the last one\n");
	voice_flush();
	lost = 5000 + 2 - atomic_load(&log_lines);
	return !(lost > 0 && lost < 5000 && strcmp(log_last, "the last one") == 0);
}

static void test_log(void)
{
	in_child(log_without_a_reader);
}

static int log_directly(void)
{
	voice_log("a line\n");
	return !(atomic_load(&log_lines) == 1 && strcmp(log_last, "a line") == 0);
}

static void test_log_directly(void)
{
	in_child(log_directly);
}

static int say_again(void)
{
	GHashTable *known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	open_pipe();
	voice_remember(known);
	voice_say("the same\n");
	voice_say("the same\n");
	voice_say("another\n");
	g_hash_table_remove_all(known);
	voice_say("the same\n");
	voice_remember(NULL);
	g_hash_table_destroy(known);
	voice_say("the same\n");
	voice_say("end\n");
	hear("end\n");
	return strcmp(heard.text, "the same\nanother\nthe same\nthe same\nend\n");
}

static void test_known(void)
{
	in_child(say_again);
}

static void limit_file(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	setrlimit(RLIMIT_FSIZE, &limit);
}

/* The place for events is full in the middle of a line; later there is room again. */
static int tell_where_it_is_full(void)
{
	char text[1024] = "";
	FILE *file = tmpfile();
	int fd = fileno(file);

	signal(SIGXFSZ, SIG_IGN);
	open_pipe();
	voice_open();
	voice_open_events(fd);
	limit_file(15);
	voice_tell("{\"one\":1}\n");
	voice_tell("{\"two\":2}\n");
	voice_tell("{\"three\":3}\n");
	hear("events are lost until that is mended\n");
	voice_flush();
	limit_file(RLIM_INFINITY);
	voice_tell("{\"four\":4}\n");
	voice_flush();
	return pread(fd, text, sizeof(text) - 1, 0) < 0 ||
	       strcmp(text, "{\"one\":1}\n{\"two\n{\"four\":4}\n{\"event\":\"lost\",\"lines\":2}\n") != 0;
}

static void test_full(void)
{
	in_child(tell_where_it_is_full);
}

static int tell_who_reads_slowly(void)
{
	char line[64];
	int pair[2], i;

	if (pipe(pair) < 0 || fcntl(pair[1], F_SETFL, O_NONBLOCK) < 0)
		return 1;
	open_pipe();
	voice_open_events(pair[1]);
	heard.fd = pair[0];
	for (i = 0; i < 3000; i++) {
		snprintf(line, sizeof(line), "{\"number\":%06d,\"of\":\"many lines\"}\n", i);
		voice_tell(line);
		if (i % 1000 == 999)
			usleep(20000);
	}
	voice_tell("{\"last\":1}\n");
	hear("{\"last\":1}\n");
	return count_lines("\n{\"number\":") + 1 != 3000 && !strstr(heard.text, "\"lost\"");
}

static void test_slow(void)
{
	in_child(tell_who_reads_slowly);
}

static const struct tap_test tests[] = {
	{"is as before where it was not opened", test_direct},
	{"comes in order", test_order},
	{"nobody who reads: it goes on", test_no_reader},
	{"the log is as before where it was not opened", test_log_directly},
	{"a log that hangs holds up nobody", test_log},
	{"what is known is not said again", test_known},
	{"events are whole lines, and lost ones are counted, where their place is full", test_full},
	{"events are whole lines where their reader is slow", test_slow},
};

TAP_MAIN("voice", tests)
