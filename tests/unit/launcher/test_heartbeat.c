/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "heartbeat.h"
#include "tap.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define S UINT64_C(1000000000)

/* Who spoke, in turn; the log waits until it is let. */
static atomic_int complaints, log_lines;
static atomic_bool log_hangs;

void complain(const char *format, ...)
{
	(void)format;
	atomic_fetch_add(&complaints, 1);
}

void syslog(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
	while (atomic_load(&log_hangs))
		usleep(1000);
	atomic_fetch_add(&log_lines, 1);
}

static bool comes(atomic_int *count)
{
	int i;

	for (i = 0; i < 20000 && atomic_load(count) == 0; i++)
		usleep(1000);
	return atomic_load(count) == 1;
}

/* Whoever hangs may hang in the log: standard error is told all the same. */
static void test_log_hangs(void)
{
	atomic_store(&log_hangs, true);
	heartbeat_say("vm");
	CU_ASSERT_TRUE(comes(&complaints));
	CU_ASSERT_EQUAL(atomic_load(&log_lines), 0);
	atomic_store(&log_hangs, false);
	CU_ASSERT_TRUE(comes(&log_lines));
}

static void test_lost(void)
{
	struct heartbeat heartbeat = {0};

	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 0, 100 * S));
	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 0, 105 * S - 1));
	CU_ASSERT_TRUE(heartbeat_is_lost(&heartbeat, 0, 105 * S));
	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 0, 200 * S));
	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 1, 201 * S));
	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 2, 205 * S));
	CU_ASSERT_FALSE(heartbeat_is_lost(&heartbeat, 2, 209 * S));
	CU_ASSERT_TRUE(heartbeat_is_lost(&heartbeat, 2, 210 * S));
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int listen_there(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/qrt-notify-%d", getpid());
	unlink(address.sun_path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

static int heard(int fd, const char *wanted)
{
	char text[64] = "";
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	return wanted ? n >= 0 && strcmp(text, wanted) == 0 : n < 0;
}

static void test_told(void)
{
	int fd = listen_there();
	struct notify *notify;

	setenv("WATCHDOG_USEC", "2000000", 1);
	unsetenv("WATCHDOG_PID");
	notify = notify_open();
	CU_ASSERT_PTR_NOT_NULL_FATAL(notify);
	notify_send(notify, "READY=1");
	CU_ASSERT_TRUE(heard(fd, "READY=1"));
	notify_beat(notify, 10 * S);
	CU_ASSERT_TRUE(heard(fd, "WATCHDOG=1"));
	notify_beat(notify, 11 * S - 1);
	CU_ASSERT_TRUE(heard(fd, NULL));
	notify_beat(notify, 11 * S);
	CU_ASSERT_TRUE(heard(fd, "WATCHDOG=1"));
	notify_close(notify);
	close(fd);
	unlink(address.sun_path);
}

/* Another process of the service is meant, or nobody asked. */
static void test_not_asked(void)
{
	int fd = listen_there();
	struct notify *notify;

	setenv("WATCHDOG_PID", "1", 1);
	notify = notify_open();
	CU_ASSERT_PTR_NOT_NULL_FATAL(notify);
	notify_beat(notify, 10 * S);
	CU_ASSERT_TRUE(heard(fd, NULL));
	notify_close(notify);
	close(fd);
	unlink(address.sun_path);
}

static void test_nobody(void)
{
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_PTR_NULL(notify_open());
	setenv("NOTIFY_SOCKET", "relative", 1);
	CU_ASSERT_PTR_NULL(notify_open());
	notify_send(NULL, "READY=1");
	notify_beat(NULL, S);
	CU_ASSERT_PTR_NULL(notify_close(NULL));
}

static const struct tap_test tests[] = {
	{"a supervisor without turns is said once", test_lost},
	{"it is said where the log hangs", test_log_hangs},
	{"a service manager is told", test_told},
	{"one that wants no heartbeat gets none", test_not_asked},
	{"nobody is there", test_nobody},
};

TAP_MAIN("heartbeat", tests)
