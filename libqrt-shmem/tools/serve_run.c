/* SPDX-License-Identifier: MIT */
/* The server's loop, and its ends. */
#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "serve.h"

#define EVENTS_MAX 64
#define DECISION_S 15
#define LOOK_MS    100

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
	gboolean is_still, is_asked; /* another one may take over; a signal came meanwhile */
	guint server, hold;          /* sources */
};

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
	complain("%s: another server has taken over; this one leaves", serve_first_path(run->serve));
	end(run, END_LEFT);
}

/* ---- what comes ---- */

static gboolean on_server(gint fd, GIOCondition condition, gpointer data);

static void end_by_signal(struct run *run)
{
	notify(run->serve, "STOPPING=1");
	end(run, run->serve->keep.kind == SERVE_KEEP_SYSTEMD ? END_LEFT : END_ALL);
}

static void watch_server(struct run *run)
{
	run->server = g_unix_fd_add(qrt_ivshmem_server_get_fd(run->serve->server), G_IO_IN, on_server, run);
}

/* Nothing is to change while another server looks whether it can go on with what there is. */
static void stand_still(struct run *run)
{
	run->is_still = TRUE;
	if (run->server)
		g_source_remove(run->server);
	run->server = 0;
}

static void go_on(struct run *run)
{
	if (!run->is_still)
		return;
	complain("%s: another server could not take over; this one goes on", serve_first_path(run->serve));
	run->is_still = FALSE;
	watch_server(run);
	if (run->is_asked)
		end_by_signal(run);
}

/* FALSE: nothing more will be heard. */
static gboolean hear_hold(struct run *run)
{
	int rc = qrt_ivshmem_hold_check(run->serve->keep.hold);

	if (rc == -EINPROGRESS) {
		stand_still(run);
		return TRUE;
	}
	if (rc == -ESTALE) {
		be_replaced(run);
		return FALSE;
	}
	if (rc < 0)
		complain("%s.hold: the holder is gone: all ends with this server from now on",
			 serve_first_path(run->serve));
	go_on(run);
	return rc >= 0;
}

static gboolean on_hold(gint fd, GIOCondition condition, gpointer data)
{
	struct run *run = data;

	(void)fd;
	(void)condition;
	if (hear_hold(run))
		return G_SOURCE_CONTINUE;
	run->hold = 0;
	return G_SOURCE_REMOVE;
}

/* One that stood still for another reason may have to stand still for this one. */
static gboolean is_to_wait(struct run *run)
{
	if (!run->hold || hear_hold(run))
		return run->is_still;
	g_source_remove(run->hold);
	run->hold = 0;
	return run->ending != END_NOT;
}

static gboolean on_server(gint fd, GIOCondition condition, gpointer data)
{
	struct run *run = data;
	struct qrt_ivshmem_event events[EVENTS_MAX];
	int count;

	(void)fd;
	(void)condition;
	if (is_to_wait(run)) {
		run->server = 0;
		return G_SOURCE_REMOVE;
	}
	count = qrt_ivshmem_server_harvest(run->serve->server, events, EVENTS_MAX);
	if (count >= 0) {
		serve_hear(run->serve, events, count);
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

/* Where a service manager keeps what there is, it decides whether the service goes on. While another server
 * may take over, what is to be ended may be its by then. */
static gboolean on_signal(gpointer data)
{
	struct run *run = data;

	run->is_asked = TRUE;
	if (!run->is_still)
		end_by_signal(run);
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
	int hold_fd = serve->keep.hold ? qrt_ivshmem_hold_get_fd(serve->keep.hold) : -1;
	sigset_t none;

	watch_server(run);
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

/* Another one that just asked has a copy of what would be ended: it decides first. The holder gives it less
 * time than this. */
static int await_decision(const struct serve *serve)
{
	struct pollfd fd = {.fd = qrt_ivshmem_hold_get_fd(serve->keep.hold), .events = POLLIN};
	gint64 until = g_get_monotonic_time() + DECISION_S * G_USEC_PER_SEC;
	int rc;

	while ((rc = qrt_ivshmem_hold_check(serve->keep.hold)) == -EINPROGRESS &&
	       g_get_monotonic_time() < until)
		poll(&fd, 1, LOOK_MS);
	return rc;
}

/* Clients that another server has by now are not this one's to end: one that was stopped may not know yet. */
static gboolean is_stale(struct serve *serve)
{
	struct qrt_ivshmem_event event;

	if (serve->keep.kind == SERVE_KEEP_HOLDER && await_decision(serve) == -ESTALE)
		return TRUE;
	return qrt_ivshmem_server_harvest(serve->server, &event, 1) == -ESTALE;
}

static void finish(struct run *run)
{
	struct serve *serve = run->serve;
	gboolean is_for_good = run->ending == END_ALL && !is_stale(serve);

	if (is_for_good)
		serve_control_close(serve->control);
	else
		serve_control_leave(serve->control);
	serve->control = NULL;
	serve->server = is_for_good ? qrt_ivshmem_server_close(serve->server)
				    : qrt_ivshmem_server_leave(serve->server);
	serve_keep_close(&serve->keep, is_for_good);
}

/* What was there before is this server's from here on, or stays another one's. */
static int take_over(struct serve *serve)
{
	struct qrt_ivshmem_event events[EVENTS_MAX];
	int count;

	serve_learn_names(serve);
	count = qrt_ivshmem_server_harvest(serve->server, events, EVENTS_MAX);
	if (count < 0) {
		if (count != -ESTALE)
			complain("%s: this server does not take over: %s", serve_first_path(serve),
				 g_strerror(-count));
		return count;
	}
	/* One that was kept without a memory stays until here. */
	if (serve_keep_find_memory(&serve->keep) < 0 && serve->keep.shape_fd >= 0)
		serve_shape_keep(&serve->keep, &serve->memory);
	serve_control_publish(serve->control);
	if (serve->keep.kind == SERVE_KEEP_HOLDER)
		qrt_ivshmem_hold_set_alone(serve->keep.hold, (guint32)(serve->options.hold_s * 1000));
	serve_say_kept(serve);
	serve_hear(serve, events, count);
	return 0;
}

int serve_run(struct serve *serve)
{
	struct run run = {.serve = serve};
	int rc = take_over(serve);

	if (rc < 0)
		return rc;
	run.loop = g_main_loop_new(NULL, FALSE);
	watch(&run);
	say_ready(serve);
	g_main_loop_run(run.loop);
	unwatch(&run);
	finish(&run);
	return run.ending == END_FAILED ? EXIT_FAILED : EXIT_OK;
}
