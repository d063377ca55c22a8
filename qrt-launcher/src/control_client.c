/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (16u << 20)
#define PATIENCE   (5 * G_USEC_PER_SEC)

/* The path of a socket is short; by the folder's descriptor every folder is near enough. */
static int connect_socket(int folder_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", folder_fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* 0 when there is something to read or the other side is gone. */
static int wait_readable(int fd, gint64 deadline)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	gint64 left = deadline - g_get_monotonic_time();
	int r = left > 0 ? poll(&waiting, 1, (int)(left / 1000) + 1) : 0;

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int read_line(int fd, GString *line)
{
	gint64 deadline = g_get_monotonic_time() + PATIENCE;
	char buf[16384];
	ssize_t n;
	int r;

	while (line->len < ANSWER_MAX) {
		r = wait_readable(fd, deadline);
		if (r < 0)
			return r;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return -EPROTO;
		g_string_append_len(line, buf, n);
		if (buf[n - 1] == '\n')
			return 0;
	}
	return -EPROTO;
}

static int converse(int fd, const char *command, JsonObject **ret_answer)
{
	g_autofree char *request = g_strdup_printf("{\"command\":\"%s\"}\n", command);
	GString *line;
	JsonObject *answer = NULL;
	int r;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	line = g_string_new(NULL);
	r = read_line(fd, line);
	if (r == 0)
		answer = json_limit_parse(line->str, (gssize)line->len);
	g_string_free(line, TRUE);
	if (r < 0)
		return r;
	if (!answer)
		return -EPROTO;
	*ret_answer = answer;
	return 0;
}

int control_ask(int folder_fd, const char *command, JsonObject **ret_answer)
{
	int fd = connect_socket(folder_fd), r;

	if (fd < 0)
		return fd;
	r = converse(fd, command, ret_answer);
	close(fd);
	return r;
}

static int ask_in_run(int run_fd, const char *name, JsonObject **ret_answer)
{
	int fd = openat(run_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : control_ask(fd, "status", ret_answer);

	if (fd >= 0)
		close(fd);
	if (r == -ETIMEDOUT)
		complain("the supervisor of VM '%s' does not answer; is it stopped?", name);
	else if (r == -EPROTO)
		complain("the answer of VM '%s' is not understood; is its launcher of another version?",
			 name);
	else if (r < 0)
		complain("no VM named '%s' runs; 'qrt-launcher status' lists them", name);
	return r;
}

int control_ask_status(const char *name, JsonObject **ret_answer)
{
	int run_fd, r;

	if (!state_is_name(name)) {
		complain("'%s' is no VM's name: letters, digits, '_', '.', '-', at most %d", name,
			 STATE_NAME_MAX);
		return -EINVAL;
	}
	run_fd = state_open_run(false);
	if (run_fd == -ENOENT)
		complain("no VM named '%s' runs; 'qrt-launcher status' lists them", name);
	if (run_fd < 0)
		return run_fd;
	r = ask_in_run(run_fd, name, ret_answer);
	close(run_fd);
	return r;
}
