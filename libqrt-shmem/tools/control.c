/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unix_socket.h"

#define TEXT_MAX (64u << 20)
#define PAUSE_US 20000

static int left_ms(gint64 until)
{
	return (int)MAX(0, (until - g_get_monotonic_time()) / 1000);
}

/* Of a server whose queue is full none waits for a place in it for ever. */
static int connect_until(const char *path, gint64 until)
{
	int fd;

	while ((fd = unix_socket_connect(path, SOCK_STREAM | SOCK_NONBLOCK)) == -EAGAIN && left_ms(until) > 0)
		g_usleep(PAUSE_US);
	return fd == -EAGAIN ? -ETIMEDOUT : fd;
}

/* 0: there is more; 1: that was all. */
static int read_part(int fd, GString *text, gint64 until)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char part[65536];
	ssize_t got;

	if (poll(&poll_fd, 1, left_ms(until)) == 0)
		return -ETIMEDOUT;
	got = read(fd, part, sizeof(part));
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	g_string_append_len(text, part, got);
	return got == 0;
}

static int read_all(int fd, GString *text, gint64 until)
{
	int rc = 0;

	while (rc == 0) {
		rc = text->len > TEXT_MAX ? -EBADMSG : read_part(fd, text, until);
		if (rc == 0 && left_ms(until) == 0)
			rc = -ETIMEDOUT;
	}
	return rc < 0 ? rc : text->len ? 0 : -ECONNRESET;
}

int control_ask(const char *path, guint timeout_ms, JsonObject **ret_report)
{
	gint64 until = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	g_autofree char *control = g_strconcat(path, ".ctl", NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	int fd = connect_until(control, until), rc;

	if (fd < 0)
		return fd;
	rc = read_all(fd, text, until);
	close(fd);
	if (rc < 0)
		return rc;
	*ret_report = json_limit_parse(text->str, (gssize)text->len);
	return *ret_report ? 0 : -EBADMSG;
}

gboolean control_has_holder(const char *path)
{
	g_autofree char *holder = g_strconcat(path, ".hold", NULL);
	struct stat status;

	return lstat(holder, &status) == 0 && S_ISSOCK(status.st_mode);
}
