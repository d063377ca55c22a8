/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "state.h"
#include "unix_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX  (16u << 20)
#define PATIENCE_US (5 * G_USEC_PER_SEC)
#define PATIENCE_CHANGE_US                                                                                   \
	(60 * G_USEC_PER_SEC) /* where something is changed: it is better to know how that went */
#define RETRY_US 20000

static const char status_line[] = "{\"command\":\"status\"}\n";

/* The path of a socket is short; by the folder's descriptor every folder is near enough. */
static int connect_socket(int folder_fd, gint64 deadline)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/control", folder_fd);
	return unix_client_connect(path, deadline);
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

/* 1 when the line is whole, 0 when there is more to come. What follows the line is not for us. */
static int read_some(int fd, GString *line)
{
	char buf[16384], *end;
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return -errno;
	if (n == 0)
		return line->len > 0 ? -EPROTO : -ECONNRESET;
	end = memchr(buf, '\n', (size_t)n);
	g_string_append_len(line, buf, end ? end - buf : n);
	return end != NULL;
}

static int read_line(int fd, GString *line, gint64 deadline)
{
	int r = 0;

	while (r == 0) {
		if (line->len >= ANSWER_MAX)
			return -EPROTO;
		r = wait_readable(fd, deadline);
		if (r == 0)
			r = read_some(fd, line);
	}
	return r < 0 ? r : 0;
}

static int send_all(int fd, const char *text, size_t len, gint64 deadline)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return errno == EPIPE ? -ECONNRESET : -errno;
		if (n < 0 && g_get_monotonic_time() >= deadline)
			return -ETIMEDOUT;
		if (n < 0)
			g_usleep(RETRY_US);
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int converse(int fd, const char *question, gint64 deadline, JsonObject **ret_answer)
{
	GString *line;
	JsonObject *answer = NULL;
	int r = send_all(fd, question, strlen(question), deadline);

	if (r < 0)
		return r;
	line = g_string_new(NULL);
	r = read_line(fd, line, deadline);
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

static int ask_line(int folder_fd, const char *line, gint64 patience_us, JsonObject **ret_answer)
{
	gint64 deadline = g_get_monotonic_time() + patience_us;
	int fd = connect_socket(folder_fd, deadline), r;

	if (fd < 0)
		return fd;
	r = converse(fd, line, deadline, ret_answer);
	close(fd);
	return r;
}

int control_ask(int folder_fd, const char *command, JsonObject **ret_answer)
{
	g_autofree char *line = g_strdup_printf("{\"command\":\"%s\"}\n", command);

	return ask_line(folder_fd, line, PATIENCE_US, ret_answer);
}

int control_ask_recording(int folder_fd, JsonObject **ret_answer)
{
	return ask_line(folder_fd, "{\"command\":\"recording\"}\n", PATIENCE_CHANGE_US, ret_answer);
}

int control_ask_line(int run_fd, const char *name, const char *line, gint64 patience_us,
		     JsonObject **ret_answer)
{
	int fd = openat(run_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : ask_line(fd, line, patience_us, ret_answer);

	if (fd >= 0)
		close(fd);
	return r;
}

int control_ask_status(int run_fd, const char *name, JsonObject **ret_answer)
{
	return control_ask_line(run_fd, name, status_line, PATIENCE_US, ret_answer);
}

int control_ask_status_within(int run_fd, const char *name, gint64 patience_us, JsonObject **ret_answer)
{
	return control_ask_line(run_fd, name, status_line, patience_us, ret_answer);
}

int control_ask_change(int run_fd, const char *name, const char *line, JsonObject **ret_answer)
{
	int r = control_ask_line(run_fd, name, line, PATIENCE_CHANGE_US, ret_answer);

	return r == -ETIMEDOUT ? -ETIME : r;
}

bool control_is_gone(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ECONNREFUSED;
}

void control_complain(const char *name, int error)
{
	if (control_is_gone(error))
		complain("no VM named '%s' runs; 'qrt-launcher status' lists them", name);
	else if (error == -ETIMEDOUT)
		complain("the supervisor of VM '%s' does not answer; is it stopped?", name);
	else if (error == -ETIME)
		complain("the supervisor of VM '%s' does not answer any more; is it stopped? It may still "
			 "make the "
			 "change; 'qrt-launcher status' shows it",
			 name);
	else if (error == -EPROTO)
		complain("the answer of VM '%s' is not understood; is its launcher of another version?",
			 name);
	else if (error == -ECONNRESET)
		complain("the supervisor of VM '%s' hung up without an answer; it may be ending: try again",
			 name);
	else
		complain("the supervisor of VM '%s' cannot be asked: %s", name, strerror(-error));
}

/* The supervisor may not wait for another launcher; who asks him may. */
static int change_until(int run_fd, const char *name, const char *line, JsonObject **ret_answer)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;
	int r = control_ask_change(run_fd, name, line, ret_answer);

	while (r == 0 && json_limit_get_bool(*ret_answer, "busy") && g_get_monotonic_time() < until) {
		json_object_unref(*ret_answer);
		g_usleep(RETRY_US);
		r = control_ask_change(run_fd, name, line, ret_answer);
	}
	return r;
}

/* What lies before one that is stopped is carried out when it goes on, which nobody expects any more then. */
static int change_awake(int run_fd, const char *name, const char *line, JsonObject **ret_answer)
{
	JsonObject *status = NULL;
	int r = control_ask_status(run_fd, name, &status);

	if (r < 0)
		return r;
	json_object_unref(status);
	return change_until(run_fd, name, line, ret_answer);
}

/* The change, or where there is no line the status. */
static int find(const char *name, const char *line, JsonObject **ret_answer)
{
	int run_fd, r;

	if (!state_is_name(name)) {
		complain("'%s' is no VM's name: letters, digits, '_', '.', '-', at most %d", name,
			 STATE_NAME_MAX);
		return -EINVAL;
	}
	run_fd = state_open_run(false);
	if (run_fd < 0 && run_fd != -ENOENT)
		return run_fd; /* it was said why */
	if (run_fd < 0)
		r = run_fd;
	else if (line)
		r = change_awake(run_fd, name, line, ret_answer);
	else
		r = control_ask_status(run_fd, name, ret_answer);
	if (run_fd >= 0)
		close(run_fd);
	if (r < 0)
		control_complain(name, r);
	return r;
}

int control_find(const char *name, const char *line, JsonObject **ret_answer)
{
	return find(name, line, ret_answer);
}

int control_find_status(const char *name, JsonObject **ret_answer)
{
	return find(name, NULL, ret_answer);
}
