/* SPDX-License-Identifier: MIT */
/* Bringing recordings to a folder whose disk may hang, with threads that may not be to be had. */
#include "command.h"
#include "recorder_keeper.h"
#include "recorder_store.h"
#include "recording_replay.h"
#include "tap.h"
#include "voice.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* ---- the world ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char said[4][512];
static size_t said_count;
static atomic_bool hangs, is_written;
static atomic_int commands;
static bool no_threads;

void complain(const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&lock);
	va_start(args, format);
	vsnprintf(said[said_count % G_N_ELEMENTS(said)], sizeof(said[0]), format, args);
	va_end(args);
	said_count++;
	pthread_mutex_unlock(&lock);
}

static pthread_t supervisor;
static atomic_bool is_held_up, is_elsewhere;
static atomic_int freed;

/* Of a recording that is freed. */
struct blame_copy *blame_copy_free(struct blame_copy *copy)
{
	if (!pthread_equal(pthread_self(), supervisor))
		atomic_store(&is_elsewhere, true);
	atomic_fetch_add(&freed, 1);
	return copy;
}

static atomic_int log_lines;

void syslog(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
	if (pthread_equal(pthread_self(), supervisor))
		atomic_store(&is_held_up, true);
	atomic_fetch_add(&log_lines, 1);
}

int recorder_store_open(const char *path, int run_fd)
{
	(void)path;
	(void)run_fd;
	return dup(0);
}

const char *recorder_store_describe(const char *path, char *buf, size_t size)
{
	g_strlcpy(buf, path, size);
	return buf;
}

int recorder_store_write(int folder_fd, const char *name, const char *text, size_t len, char **ret_file)
{
	(void)folder_fd;
	while (atomic_load(&hangs))
		g_usleep(1000);
	atomic_store(&is_written, len == strlen(text));
	*ret_file = g_strconcat(name, ".record", NULL);
	return 0;
}

void recording_replay(struct recording *recording)
{
	(void)recording;
}

int action_run_command(const char *command, const char *const *told)
{
	CU_ASSERT_STRING_EQUAL(command, "true");
	while (*told && !g_str_has_prefix(*told, "QRT_FILE="))
		told++;
	CU_ASSERT_STRING_EQUAL(*told, "QRT_FILE=/kept/vm.record");
	atomic_fetch_add(&commands, 1);
	return 0;
}

GThread *g_thread_try_new(const gchar *name, GThreadFunc func, gpointer data, GError **error)
{
	if (!no_threads)
		return g_thread_new(name, func, data);
	g_set_error(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "no room");
	return NULL;
}

static struct recorder_keeper *open_keeper(void)
{
	struct recorder_keeper *keeper = recorder_keeper_open("vm", false);

	said_count = 0;
	recorder_keeper_use_folder(keeper, "/kept", -1);
	return keeper;
}

static struct recorder_keep *make_keep(bool log)
{
	struct recorder_keep *keep = g_new0(struct recorder_keep, 1);

	recording_init(&keep->recording);
	strcpy(keep->recording.name, "vm");
	strcpy(keep->recording.trigger, "it waited");
	keep->log = log;
	return keep;
}

static void wait_idle(const struct recorder_keeper *keeper)
{
	while (recorder_keeper_is_busy(keeper))
		g_usleep(1000);
}

static void wait_said(size_t count)
{
	size_t now = 0;

	while (now < count) {
		g_usleep(1000);
		pthread_mutex_lock(&lock);
		now = said_count;
		pthread_mutex_unlock(&lock);
	}
}

/* ---- tests ---- */

static void test_kept(void)
{
	struct recorder_keeper *keeper = open_keeper();
	struct recorder_keep *keep = make_keep(true);

	keep->commands[keep->commands_count++] = "true";
	atomic_store(&commands, 0);
	CU_ASSERT_FALSE(recorder_keeper_is_busy(keeper));
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, keep), 0);
	CU_ASSERT_PTR_NULL(recorder_keeper_close(keeper));
	CU_ASSERT_TRUE(atomic_load(&is_written));
	CU_ASSERT_EQUAL(said_count, 1);
	CU_ASSERT_STRING_EQUAL(said[0], "it waited; kept in /kept/vm.record");
	CU_ASSERT_EQUAL(atomic_load(&commands), 1);
}

static void test_silent(void)
{
	struct recorder_keeper *keeper = open_keeper();

	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	wait_idle(keeper);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	recorder_keeper_close(keeper);
	CU_ASSERT_EQUAL(said_count, 0);
}

/* Without a folder there is the word alone. */
static void test_nowhere(void)
{
	struct recorder_keeper *keeper = recorder_keeper_open("vm", false);

	said_count = 0;
	atomic_store(&is_written, false);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(true)), 0);
	recorder_keeper_close(keeper);
	CU_ASSERT_FALSE(atomic_load(&is_written));
	CU_ASSERT_EQUAL(said_count, 1);
	CU_ASSERT_STRING_EQUAL(said[0], "it waited");
}

/* Whoever ends has a host to put back: he does not wait for ever, and what hangs finds all that it needs. */
static void test_hangs(void)
{
	struct recorder_keeper *keeper = open_keeper();

	atomic_store(&hangs, true);
	atomic_store(&is_written, false);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(true)), 0);
	CU_ASSERT_TRUE(recorder_keeper_is_busy(keeper));
	CU_ASSERT_PTR_NULL(recorder_keeper_close(keeper));
	CU_ASSERT_EQUAL(said_count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said[0], "is not in /kept after "));
	atomic_store(&hangs, false);
	while (!atomic_load(&is_written))
		g_usleep(1000);
	wait_said(2);
}

/* Once, until there was a thread; the delay itself is told all the same. */
static void test_no_thread(void)
{
	struct recorder_keeper *keeper = open_keeper();

	no_threads = true;
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(true)), -EAGAIN);
	CU_ASSERT_FALSE(recorder_keeper_is_busy(keeper));
	CU_ASSERT_EQUAL(said_count, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(said[0], "no recording can be kept"));
	CU_ASSERT_STRING_EQUAL(said[1], "it waited");
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), -EAGAIN);
	CU_ASSERT_EQUAL(said_count, 2);
	no_threads = false;
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	wait_idle(keeper);
	no_threads = true;
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), -EAGAIN);
	CU_ASSERT_EQUAL(said_count, 3);
	no_threads = false;
	recorder_keeper_close(keeper);
}

/* The log may take nothing for as long as the VM spins that the supervisor is about to hold. */
static void test_log(void)
{
	struct recorder_keeper *keeper = recorder_keeper_open("vm", true);

	supervisor = pthread_self();
	voice_open();
	said_count = 0;
	recorder_keeper_say(keeper, "the guest is %s", "stopped");
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(true)), 0);
	while (atomic_load(&log_lines) < 2)
		g_usleep(1000);
	CU_ASSERT_FALSE(atomic_load(&is_held_up));
	CU_ASSERT_EQUAL(said_count, 0);
	recorder_keeper_close(keeper);
}

/* What the supervisor asked for as memory it gives back itself, as soon as it may. */
static void test_freed(void)
{
	struct recorder_keeper *keeper = open_keeper();

	supervisor = pthread_self();
	atomic_store(&is_elsewhere, false);
	atomic_store(&freed, 0);
	atomic_store(&hangs, true);
	recorder_keeper_tidy(keeper);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	recorder_keeper_tidy(keeper);
	CU_ASSERT_EQUAL(atomic_load(&freed), 0);
	atomic_store(&hangs, false);
	wait_idle(keeper);
	recorder_keeper_tidy(keeper);
	CU_ASSERT_EQUAL(atomic_load(&freed), 1);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	wait_idle(keeper);
	CU_ASSERT_EQUAL(recorder_keeper_start(keeper, make_keep(false)), 0);
	wait_idle(keeper);
	CU_ASSERT_EQUAL(atomic_load(&freed), 2);
	recorder_keeper_close(keeper);
	CU_ASSERT_EQUAL(atomic_load(&freed), 3);
	CU_ASSERT_FALSE(atomic_load(&is_elsewhere));
}

static const struct tap_test tests[] = {
	{"a recording is kept, told and followed by a command", test_kept},
	{"one after the other, without a word", test_silent},
	{"without a folder", test_nowhere},
	{"a disk that hangs is left behind", test_hangs},
	{"no thread to be had is said once", test_no_thread},
	{"the supervisor frees what it gave", test_freed},
	{"the supervisor does not speak to the log itself", test_log},
};

TAP_MAIN("recorder_keeper", tests)
