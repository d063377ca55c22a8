/* SPDX-License-Identifier: MIT */
/* The server's loop, and its ends. */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#include "serve.h"

#define EVENTS_MAX 64

enum ending {
	END_NOT,
	END_ALL,    /* clients, sockets, the holder */
	END_LEFT,   /* what is kept is the next server's */
	END_FAILED, /* likewise, and this one failed */
};

struct run {
	struct serve *serve;
	GMainLoop *loop;
	enum ending ending;
	guint server, hold; /* sources */
};

static const char *first_path(const struct serve *serve)
{
	return ((const struct serve_socket *)serve->options.sockets->pdata[0])->path;
}

/* Where no service manager is there nobody is told. */
static void notify(const struct serve *serve, const char *text)
{
	if (serve->keep.hold)
		qrt_ivshmem_hold_notify(serve->keep.hold, text);
}

static void end(struct run *run, enum ending ending)
{
	if (run->ending == END_NOT)
		run->ending = ending;
	g_main_loop_quit(run->loop);
}

static void be_replaced(struct run *run)
{
	complain("%s: another server has taken over; this one leaves", first_path(run->serve));
	end(run, END_LEFT);
}

/* ---- events ---- */

static const struct serve_socket *find_socket(const struct serve *serve,
					      const struct qrt_ivshmem_event *event)
{
	const GPtrArray *sockets = serve->options.sockets;

	return event->kind == QRT_IVSHMEM_REFUSED && event->id < sockets->len ? sockets->pdata[event->id]
									      : NULL;
}

static void tell(struct serve *serve, const struct qrt_ivshmem_event *event)
{
	const struct serve_socket *one = find_socket(serve, event);
	const char *name = one ? one->name : g_hash_table_lookup(serve->names, GUINT_TO_POINTER(event->id));

	serve_events_tell(serve->events, event, name ? name : "", one ? one->path : NULL);
}

/* One that left is in no list any more, but its event wants a name. */
static void learn_names(struct serve *serve)
{
	int count = qrt_ivshmem_server_list(serve->server, NULL, 0), i;
	g_autofree struct qrt_ivshmem_client *clients = g_new0(struct qrt_ivshmem_client, (gsize)count + 1);

	qrt_ivshmem_server_list(serve->server, clients, (size_t)count);
	for (i = 0; i < count; i++)
		g_hash_table_insert(serve->names, GUINT_TO_POINTER(clients[i].id), g_strdup(clients[i].name));
}

/* Once, until somebody joins again. */
static void say_no_id(struct serve *serve, const struct qrt_ivshmem_event *event)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};

	if (event->kind == QRT_IVSHMEM_JOINED)
		serve->is_no_id_said = FALSE;
	if (event->kind != QRT_IVSHMEM_REFUSED || event->reason != QRT_IVSHMEM_NO_ID || serve->is_no_id_said)
		return;
	serve->is_no_id_said = TRUE;
	qrt_ivshmem_server_get_statistics(serve->server, &statistics);
	complain("%s: no id is free for who connects: %u that left wait until the clients that know this are "
		 "gone; have more ids (--layout=peers=), or sockets with an id=",
		 first_path(serve), statistics.ids_waiting);
}

static void hear(struct serve *serve, const struct qrt_ivshmem_event *events, int count)
{
	int i;

	for (i = 0; i < count; i++)
		say_no_id(serve, &events[i]);
	for (i = 0; i < count && serve->events; i++) {
		if (events[i].kind == QRT_IVSHMEM_JOINED)
			learn_names(serve);
		tell(serve, &events[i]);
	}
}

static gboolean on_server(gint fd, GIOCondition condition, gpointer data)
{
	struct run *run = data;
	struct qrt_ivshmem_event events[EVENTS_MAX];
	int count = qrt_ivshmem_server_harvest(run->serve->server, events, EVENTS_MAX);

	(void)fd;
	(void)condition;
	if (count >= 0) {
		hear(run->serve, events, count);
		return G_SOURCE_CONTINUE;
	}
	run->server = 0;
	if (count == -ESTALE) {
		be_replaced(run);
	} else {
		complain("the server cannot go on: %s", g_strerror(-count));
		end(run, END_FAILED);
	}
	return G_SOURCE_REMOVE;
}

static gboolean on_hold(gint fd, GIOCondition condition, gpointer data)
{
	struct run *run = data;
	int rc = qrt_ivshmem_hold_check(run->serve->keep.hold);

	(void)fd;
	(void)condition;
	if (rc >= 0)
		return G_SOURCE_CONTINUE;
	run->hold = 0;
	if (rc == -ESTALE)
		be_replaced(run);
	else
		complain("%s.hold: the holder is gone: all ends with this server from now on",
			 first_path(run->serve));
	return G_SOURCE_REMOVE;
}

/* Where a service manager keeps what there is, it decides whether the service goes on. */
static gboolean on_signal(gpointer data)
{
	struct run *run = data;

	notify(run->serve, "STOPPING=1");
	end(run, run->serve->keep.kind == SERVE_KEEP_SYSTEMD ? END_LEFT : END_ALL);
	return G_SOURCE_CONTINUE;
}

/* ---- beginning and end ---- */

static void say_ready(const struct serve *serve)
{
	notify(serve, "READY=1");
	if (serve->options.ready_fd < 0)
		return;
	if (write(serve->options.ready_fd, "\n", 1) != 1)
		complain("--ready-fd %d: it cannot be written: %s", serve->options.ready_fd,
			 g_strerror(errno));
	close(serve->options.ready_fd);
}

static void watch(struct run *run)
{
	const struct serve *serve = run->serve;
	int hold_fd = serve->keep.kind == SERVE_KEEP_HOLDER ? qrt_ivshmem_hold_get_fd(serve->keep.hold) : -1;
	sigset_t none;

	run->server = g_unix_fd_add(qrt_ivshmem_server_get_fd(serve->server), G_IO_IN, on_server, run);
	if (hold_fd >= 0)
		run->hold = g_unix_fd_add(hold_fd, G_IO_IN, on_hold, run);
	g_unix_signal_add(SIGTERM, on_signal, run);
	g_unix_signal_add(SIGINT, on_signal, run);
	g_unix_signal_add(SIGHUP, on_signal, run);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void unwatch(struct run *run)
{
	if (run->server)
		g_source_remove(run->server);
	if (run->hold)
		g_source_remove(run->hold);
	g_main_loop_unref(run->loop);
}

/* Clients that another server has by now are not this one's to end: one that was stopped may not know yet. */
static gboolean is_stale(struct serve *serve)
{
	struct qrt_ivshmem_event event;

	if (serve->keep.kind == SERVE_KEEP_HOLDER && qrt_ivshmem_hold_check(serve->keep.hold) == -ESTALE)
		return TRUE;
	return qrt_ivshmem_server_harvest(serve->server, &event, 1) == -ESTALE;
}

static void finish(struct run *run)
{
	struct serve *serve = run->serve;
	gboolean is_for_good = run->ending == END_ALL && !is_stale(serve);

	serve_control_close(serve->control);
	serve->control = NULL;
	serve->server = is_for_good ? qrt_ivshmem_server_close(serve->server)
				    : qrt_ivshmem_server_leave(serve->server);
	serve_keep_close(&serve->keep, is_for_good);
}

int serve_run(struct serve *serve)
{
	struct run run = {.serve = serve, .loop = g_main_loop_new(NULL, FALSE)};

	learn_names(serve);
	watch(&run);
	say_ready(serve);
	g_main_loop_run(run.loop);
	unwatch(&run);
	finish(&run);
	return run.ending == END_FAILED ? EXIT_FAILED : EXIT_OK;
}
