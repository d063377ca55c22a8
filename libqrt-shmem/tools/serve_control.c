/* SPDX-License-Identifier: MIT */
/*
 * The socket that says who is there: who connects gets one JSON object and the end. Nobody who reads slowly
 * holds up the server, and where there are too many the one who came first is sent away.
 */
#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"
#include "unix_socket.h"

#define READERS_MAX 16
#define PATIENCE_S  10
#define REST_MS     1000 /* where the kernel has no descriptor for a reader */

struct serve_control {
	const struct serve *serve;
	char *path, *path_before; /* before it is in its place */
	gboolean is_published;
	dev_t device; /* of the file: what lies there later may be another server's */
	ino_t inode;
	int fd;
	guint source;    /* of the socket, or of the rest */
	GQueue *readers; /* the oldest last */
};

struct reader {
	struct serve_control *control;
	int fd;
	char *text;
	size_t length, at;
	guint source, timeout;
};

/* ---- readers ---- */

static void drop_reader(struct reader *reader)
{
	g_queue_remove(reader->control->readers, reader);
	if (reader->source)
		g_source_remove(reader->source);
	if (reader->timeout)
		g_source_remove(reader->timeout);
	close(reader->fd);
	g_free(reader->text);
	g_free(reader);
}

static gboolean on_impatient(gpointer data)
{
	struct reader *reader = data;

	reader->timeout = 0;
	drop_reader(reader);
	return G_SOURCE_REMOVE;
}

static gboolean on_room(gint fd, GIOCondition condition, gpointer data)
{
	struct reader *reader = data;
	ssize_t sent = send(fd, reader->text + reader->at, reader->length - reader->at,
			    MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)condition;
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (sent > 0)
		reader->at += (size_t)sent;
	if (sent > 0 && reader->at < reader->length)
		return G_SOURCE_CONTINUE;
	reader->source = 0;
	drop_reader(reader);
	return G_SOURCE_REMOVE;
}

static void add_reader(struct serve_control *control, int fd)
{
	struct reader *reader;

	if (g_queue_get_length(control->readers) == READERS_MAX)
		drop_reader(g_queue_peek_tail(control->readers));
	reader = g_new0(struct reader, 1);
	reader->control = control;
	reader->fd = fd;
	reader->text = serve_report_make(control->serve);
	reader->length = strlen(reader->text);
	reader->source = g_unix_fd_add(fd, G_IO_OUT, on_room, reader);
	reader->timeout = g_timeout_add_seconds(PATIENCE_S, on_impatient, reader);
	g_queue_push_head(control->readers, reader);
}

/* ---- the socket ---- */

static gboolean on_connection(gint fd, GIOCondition condition, gpointer data);

static gboolean on_rested(gpointer data)
{
	struct serve_control *control = data;

	control->source = g_unix_fd_add(control->fd, G_IO_IN, on_connection, control);
	return G_SOURCE_REMOVE;
}

static gboolean on_connection(gint fd, GIOCondition condition, gpointer data)
{
	struct serve_control *control = data;
	int reader = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)condition;
	if (reader >= 0) {
		add_reader(control, reader);
		return G_SOURCE_CONTINUE;
	}
	if (errno != EMFILE && errno != ENFILE)
		return G_SOURCE_CONTINUE;
	control->source = g_timeout_add(REST_MS, on_rested, control);
	return G_SOURCE_REMOVE;
}

/* What lies there is of one that began, and did not come to its end. */
static int make_socket(struct serve_control *control)
{
	struct stat status;

	unix_socket_remove(control->path_before);
	control->fd = unix_socket_listen(control->path_before, SOCK_STREAM | SOCK_NONBLOCK);
	if (control->fd < 0)
		return control->fd;
	if (lstat(control->path_before, &status) < 0)
		return -errno;
	control->device = status.st_dev;
	control->inode = status.st_ino;
	return 0;
}

struct serve_control *serve_control_open(const struct serve *serve)
{
	const struct serve_socket *first = serve->options.sockets->pdata[0];
	struct serve_control *control = g_new0(struct serve_control, 1);
	int rc;

	control->serve = serve;
	control->path = g_strconcat(first->path, ".ctl", NULL);
	control->path_before = g_strconcat(first->path, ".new", NULL);
	control->readers = g_queue_new();
	rc = make_socket(control);
	if (rc >= 0) {
		control->source = g_unix_fd_add(control->fd, G_IO_IN, on_connection, control);
		return control;
	}
	complain("%s: no control socket can be made: %s", control->path, g_strerror(-rc));
	serve_control_close(control);
	return NULL;
}

/* What lies there is a server's that is gone, or leaves: the one before this one at the same sockets. */
void serve_control_publish(struct serve_control *control)
{
	control->is_published = rename(control->path_before, control->path) == 0;
	if (!control->is_published)
		complain("%s: no control socket is there: %s", control->path, g_strerror(errno));
}

static gboolean is_ours(const struct serve_control *control, const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && status.st_dev == control->device &&
	       status.st_ino == control->inode;
}

/* Where another server goes on the socket may be that one's at any moment: its own takes this one's place. */
void serve_control_leave(struct serve_control *control)
{
	if (control && control->is_published)
		control->inode = 0;
	serve_control_close(control);
}

void serve_control_close(struct serve_control *control)
{
	const char *path;

	if (!control)
		return;
	path = control->is_published ? control->path : control->path_before;
	while (!g_queue_is_empty(control->readers))
		drop_reader(g_queue_peek_head(control->readers));
	g_queue_free(control->readers);
	if (control->source)
		g_source_remove(control->source);
	if (control->fd >= 0 && is_ours(control, path))
		unlink(path);
	if (control->fd >= 0)
		close(control->fd);
	g_free(control->path);
	g_free(control->path_before);
	g_free(control);
}
