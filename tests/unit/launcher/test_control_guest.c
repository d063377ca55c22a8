/* SPDX-License-Identifier: MIT */
/* The control socket while a guest is asked. */
#include "control_help.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK "{\"command\":\"guest\",\"ask\":\"ping\"}\n"

static void check_heard(int fd, const char *wanted)
{
	char line[64] = "";

	hear(fd, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, wanted);
}

/* Until it is asked, or is not any more. */
static void wait_asked(bool is_asked)
{
	gint64 end = g_get_monotonic_time() + PATIENCE;

	while ((control_world.guest_told != NULL) != is_asked && g_get_monotonic_time() < end)
		pump(1000);
	CU_ASSERT_EQUAL_FATAL(control_world.guest_told != NULL, is_asked);
}

static void give_answer(uint64_t ns)
{
	const struct guest_ask_answer answer = {.ns = ns};
	guest_ask_told *told = control_world.guest_told;

	control_world.guest_told = NULL;
	told(&answer, control_world.guest_told_data);
}

/* Others are answered meanwhile, and the same client afterwards. */
static void test_answer(void)
{
	int fd, other;

	open_control();
	fd = dial();
	other = dial();
	say(fd, ASK QUESTION);
	wait_asked(true);
	check_answers(other);
	give_answer(7);
	check_heard(fd, "{\"ns\":7}\n");
	check_heard(fd, "xxxxxxxxx\n");
	say(fd, ASK);
	wait_asked(true);
	give_answer(8);
	check_heard(fd, "{\"ns\":8}\n");
	say(fd, "{\"command\":\"guest\",\"ask\":\"the way\"}\n");
	check_heard(fd, "{\"error\":\"no\"}\n");
	check_answers(fd);
	close(fd);
	close(other);
	close_control();
}

/* Who has left has asked nothing; who only says no more is answered. */
static void test_who_left(void)
{
	int fd;

	open_control();
	fd = dial();
	say(fd, ASK);
	wait_asked(true);
	close(fd);
	wait_asked(false);
	fd = dial();
	say(fd, ASK);
	wait_asked(true);
	CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
	pump(100000);
	wait_asked(true);
	give_answer(9);
	check_heard(fd, "{\"ns\":9}\n");
	close(fd);
	close_control();
}

/* Whoever waits is patient; a recording meanwhile is another's; the VM may end. */
static void test_the_end(void)
{
	int fd, other;
	char line[8];

	open_control();
	fd = dial();
	other = dial();
	say(fd, ASK);
	wait_asked(true);
	say(other, "{\"command\":\"recording\"}\n");
	while (!control_world.told)
		pump(1000);
	control_world.told(g_strdup("{}\n"), control_world.told_data);
	check_heard(other, "{}\n");
	pump(11 * G_USEC_PER_SEC);
	CU_ASSERT_TRUE(recv(fd, line, sizeof(line), 0) < 0 && errno == EAGAIN);
	close_control();
	CU_ASSERT_PTR_NULL(control_world.guest_told);
	CU_ASSERT_EQUAL(recv(fd, line, sizeof(line), 0), 0);
	close(fd);
	close(other);
}

static const struct tap_test tests[] = {
	{"an answer that takes its time holds up nobody", test_answer},
	{"who has left asks nothing", test_who_left},
	{"a VM that ends before its guest answers", test_the_end},
};

TAP_MAIN("control_guest", tests)
