/* SPDX-License-Identifier: MIT */
#include "control_help.h"

#include "attach.h"
#include "change.h"
#include "command.h"
#include "guest.h"
#include "recorder.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct control_world control_world;

/* ---- what the socket needs of the launcher ---- */

char *report_status(struct supervisor *supervisor)
{
	char *text;

	CU_ASSERT_PTR_EQUAL(supervisor, &control_world.supervisor);
	control_world.reports++;
	text = g_strnfill(control_world.report_size, 'x');
	text[control_world.report_size - 1] = '\n';
	return text;
}

/* Its answer comes when a test says so. */
int recorder_report(struct supervisor *supervisor, void (*told)(char *text, void *data), void *data)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &control_world.supervisor);
	CU_ASSERT_PTR_NULL(control_world.told);
	if (control_world.records_nothing)
		return -ENOENT;
	control_world.recordings++;
	control_world.told = told;
	control_world.told_data = data;
	return 0;
}

/* What a set is asked with, given back. */
char *change_answer(struct supervisor *supervisor, JsonObject *object)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &control_world.supervisor);
	control_world.changes = json_array_get_length(json_object_get_array_member(object, "changes"));
	return g_strdup_printf("{\"changed\":%u}\n", control_world.changes);
}

char *attach_answer_detach(struct supervisor *supervisor)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &control_world.supervisor);
	return g_strdup("{\"threads\":3}\n");
}

/* Its answer comes when a test says so. */
char *guest_answer(struct guest *guest, JsonObject *request, guest_ask_told *told, void *data)
{
	CU_ASSERT_PTR_EQUAL(guest, control_world.supervisor.guest);
	if (strcmp(json_object_get_string_member(request, "ask"), "ping") != 0)
		return g_strdup("{\"error\":\"no\"}\n");
	CU_ASSERT_PTR_NULL(control_world.guest_told);
	control_world.guest_told = told;
	control_world.guest_told_data = data;
	return NULL;
}

char *guest_answer_format(const struct guest *guest, const struct guest_ask_answer *answer)
{
	CU_ASSERT_PTR_EQUAL(guest, control_world.supervisor.guest);
	return g_strdup_printf("{\"ns\":%u}\n", (unsigned int)answer->ns);
}

void guest_answer_forget(struct guest *guest, const void *data)
{
	CU_ASSERT_PTR_EQUAL(guest, control_world.supervisor.guest);
	CU_ASSERT_PTR_EQUAL(data, control_world.guest_told_data);
	control_world.guest_told = NULL;
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

void open_control(void)
{
	memset(&control_world, 0, sizeof(control_world));
	control_world.report_size = 10;
	strcpy(control_world.folder, "/tmp/qrt-control-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(control_world.folder));
	control_world.state.fd = open(control_world.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	control_world.supervisor.state = &control_world.state;
	CU_ASSERT_EQUAL_FATAL(control_open(&control_world.supervisor), 0);
}

void close_control(void)
{
	control_close(&control_world.supervisor);
	control_close(&control_world.supervisor);
	unlinkat(control_world.state.fd, "control", 0);
	close(control_world.state.fd);
	rmdir(control_world.folder);
}

void pump(gint64 us)
{
	gint64 end = g_get_monotonic_time() + us;

	do {
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	} while (g_get_monotonic_time() < end);
}

int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", control_world.folder);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		CU_ASSERT_EQUAL_FATAL(errno, EAGAIN);
		pump(1000);
	}
	return fd;
}

void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

size_t hear(int fd, char *buf, size_t size)
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

void check_answers(int fd)
{
	char line[64];

	say(fd, QUESTION);
	CU_ASSERT_EQUAL(hear(fd, line, sizeof(line)), 10);
	CU_ASSERT_STRING_EQUAL(line, "xxxxxxxxx\n");
}
