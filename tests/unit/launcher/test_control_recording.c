/* SPDX-License-Identifier: MIT */
/* The control socket while a recording is made for who asks. */
#include "control_help.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORDING "{\"command\":\"recording\"}\n"

static void give_recording(void)
{
	void (*told)(char *text, void *data) = control_world.told;

	CU_ASSERT_PTR_NOT_NULL_FATAL(told);
	control_world.told = NULL;
	if (told)
		told(g_strdup_printf("{\"recording\":\"%u\"}\n", control_world.recordings),
		     control_world.told_data);
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

	while (!control_world.told && g_get_monotonic_time() < end)
		pump(1000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(control_world.told);
}

/* Others are answered meanwhile, and who asks for one, too, has his turn. */
static void test_recording(void)
{
	int first, second, other;

	open_control();
	first = dial();
	second = dial();
	other = dial();
	say(first, RECORDING QUESTION);
	wait_asked();
	say(second, RECORDING);
	check_answers(other);
	check_answers(other);
	CU_ASSERT_EQUAL(control_world.recordings, 1);
	give_recording();
	check_heard(first, "{\"recording\":\"1\"}\n");
	check_heard(first, "xxxxxxxxx\n");
	wait_asked();
	give_recording();
	check_heard(second, "{\"recording\":\"2\"}\n");
	check_answers(second);
	control_world.records_nothing = true;
	say(other, RECORDING);
	check_heard(other, "{\"error\":\"nothing is recorded\"}\n");
	close(first);
	close(second);
	close(other);
	close_control();
}

/* It goes out to nobody, and the next one is answered. */
static void test_recording_of_who_left(void)
{
	int gone, sent_away, others[20], fd;
	size_t i;

	open_control();
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
	close_control();
}

/* Whoever waits for us is not sent away; the VM may end meanwhile. */
static void test_recording_at_the_end(void)
{
	int fd, waiting;
	char line[8];

	open_control();
	fd = dial();
	say(fd, RECORDING);
	wait_asked();
	waiting = dial();
	say(waiting, RECORDING);
	pump(12 * G_USEC_PER_SEC);
	CU_ASSERT_TRUE(recv(fd, line, sizeof(line), 0) < 0 && errno == EAGAIN);
	CU_ASSERT_TRUE(recv(waiting, line, sizeof(line), 0) < 0 && errno == EAGAIN);
	close_control();
	CU_ASSERT_EQUAL(recv(fd, line, sizeof(line), 0), 0);
	close(fd);
	close(waiting);
}

static const struct tap_test tests[] = {
	{"a recording that takes its time holds up nobody", test_recording},
	{"a recording for who has left", test_recording_of_who_left},
	{"a VM that ends before its recording is made", test_recording_at_the_end},
};

TAP_MAIN("control_recording", tests)
