/* SPDX-License-Identifier: MIT */
/*
 * The socket in the VM's folder that answers questions: one JSON object a line, each way. Nobody who asks
 * may hold up the supervisor or those who ask after him: of one client, one question is answered before
 * everybody else has a turn, and when there are too many the one who came first is sent away.
 */
#include "command.h"
#include "control_p.h"
#include "supervisor.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define REQUEST_MAX 65536 /* a plan file fits in */
#define TURN_MAX    4096
#define PATIENCE_S  10   /* for a client that says or takes nothing */
#define REST_MS     1000 /* where the kernel has no descriptor for a client */

static void drop_client(struct client *client)
{
	struct control *control = client->control;

	g_queue_remove(control->clients, client);
	control_question_forget(client);
	if (client->source)
		g_source_remove(client->source);
	if (client->timeout)
		g_source_remove(client->timeout);
	close(client->fd);
	g_string_free(client->in, TRUE);
	g_string_free(client->out, TRUE);
	g_free(client);
}

static gboolean on_impatient(gpointer data)
{
	struct client *client = data;

	client->timeout = 0;
	drop_client(client);
	return G_SOURCE_REMOVE;
}

static void stop_patience(struct client *client)
{
	if (client->timeout)
		g_source_remove(client->timeout);
	client->timeout = 0;
}

static void be_patient(struct client *client)
{
	stop_patience(client);
	client->timeout = g_timeout_add_seconds(PATIENCE_S, on_impatient, client);
}

static bool has_request(const struct client *client)
{
	return memchr(client->in->str, '\n', client->in->len) != NULL;
}

static void take_request(struct client *client)
{
	GString *in = client->in;
	char *end = memchr(in->str, '\n', in->len), *text;

	if (!end)
		return;
	text = control_question_answer(client, in->str, end - in->str);
	g_string_append(client->out, text ? text : "");
	g_free(text);
	g_string_erase(in, 0, end + 1 - in->str);
}

/* False when the client is gone or asks without end. */
static bool read_client(struct client *client)
{
	char buf[TURN_MAX];
	ssize_t n = recv(client->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	g_string_append_len(client->in, buf, n);
	return n > 0 && (has_request(client) || client->in->len < REQUEST_MAX);
}

/* False when the client is gone. */
static bool write_client(struct client *client)
{
	ssize_t n;

	if (client->out->len == 0)
		return true;
	n = send(client->fd, client->out->str, client->out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	g_string_erase(client->out, 0, n);
	if (client->out->len == 0)
		be_patient(client);
	return true;
}

static gboolean on_client(gint fd, GIOCondition condition, gpointer data);

/* Reads on only when the last answer is out: a client that takes none gets no more. Who waits for us shows
 * no lack of patience; that it is gone is seen. */
static void wait_client(struct client *client)
{
	bool busy = client->out->len > 0 || has_request(client);

	if (client->awaits) {
		stop_patience(client);
		client->source = g_unix_fd_add(client->fd, G_IO_HUP, on_client, client);
		return;
	}
	client->source = g_unix_fd_add(client->fd, busy ? G_IO_OUT : G_IO_IN, on_client, client);
}

void control_tell(struct client *client, char *text)
{
	client->awaits = CONTROL_NOTHING;
	g_string_append(client->out, text);
	g_free(text);
	if (client->source)
		g_source_remove(client->source);
	be_patient(client);
	wait_client(client);
}

static bool serve(struct client *client)
{
	if (client->out->len == 0 && !has_request(client) && !read_client(client))
		return false;
	if (client->out->len == 0)
		take_request(client);
	return write_client(client);
}

static gboolean on_client(gint fd, GIOCondition condition, gpointer data)
{
	struct client *client = data;

	(void)fd;
	client->source = 0;
	if (condition & (G_IO_IN | G_IO_OUT) && serve(client))
		wait_client(client);
	else
		drop_client(client);
	return G_SOURCE_REMOVE;
}

static void add_client(struct control *control, int fd)
{
	struct client *client;

	if (g_queue_get_length(control->clients) >= CLIENTS_MAX)
		drop_client(g_queue_peek_tail(control->clients));
	client = g_new0(struct client, 1);
	client->control = control;
	client->fd = fd;
	client->in = g_string_new(NULL);
	client->out = g_string_new(NULL);
	g_queue_push_head(control->clients, client);
	be_patient(client);
	wait_client(client);
}

static gboolean on_connect(gint fd, GIOCondition condition, gpointer data);

static gboolean on_rested(gpointer data)
{
	struct control *control = data;

	control->source = g_unix_fd_add(control->fd, G_IO_IN, on_connect, control);
	return G_SOURCE_REMOVE;
}

static gboolean on_connect(gint fd, GIOCondition condition, gpointer data)
{
	struct control *control = data;
	int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)condition;
	if (client_fd >= 0) {
		add_client(control, client_fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* Who waits is still there: to look at once would be to look without end. */
		control->source = g_timeout_add(REST_MS, on_rested, control);
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

/* The path of a socket is short; by the folder's descriptor every folder is near enough. */
static int listen_at(int folder_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", folder_fd);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    fchmodat(folder_fd, "control", 0600, 0) == 0 && listen(fd, CLIENTS_MAX) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int control_open(struct supervisor *supervisor)
{
	int fd = listen_at(supervisor->state->fd);

	if (fd < 0) {
		complain("%s/%s/control cannot be made: %s", state_get_run_path(), supervisor->state->name,
			 strerror(-fd));
		return fd;
	}
	supervisor->control = g_new0(struct control, 1);
	supervisor->control->supervisor = supervisor;
	supervisor->control->fd = fd;
	supervisor->control->clients = g_queue_new();
	supervisor->control->source = g_unix_fd_add(fd, G_IO_IN, on_connect, supervisor->control);
	return 0;
}

void control_close(struct supervisor *supervisor)
{
	struct control *control = supervisor->control;

	if (!control)
		return;
	while (!g_queue_is_empty(control->clients))
		drop_client(g_queue_peek_head(control->clients));
	g_queue_free(control->clients);
	g_source_remove(control->source);
	close(control->fd);
	g_free(control);
	supervisor->control = NULL;
}
