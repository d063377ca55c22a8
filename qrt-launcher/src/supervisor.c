/* SPDX-License-Identifier: MIT */
#include "supervisor.h"

#include "attach.h"
#include "command.h"
#include "governor.h"
#include "guest.h"
#include "heartbeat.h"
#include "host.h"
#include "oom.h"
#include "others.h"
#include "proc.h"
#include "recorder.h"
#include "slices.h"
#include "voice.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS    20       /* a thread that is wrong is put right at the second look */
#define SURVEY_MS  1000     /* kernel threads, and what the monitor knows */
#define AGAIN_S    1        /* from one SIGTERM to the next, for a QEMU that does not end */
#define KILL_GRACE 10000000 /* us between the first SIGTERM and SIGKILL, when asked twice */

static gboolean on_look(gpointer data)
{
	struct supervisor *supervisor = data;

	if (supervisor->let_go)
		return G_SOURCE_REMOVE;
	broker_drain(supervisor);
	guest_look(supervisor->guest);
	supervisor_scan(supervisor);
	governor_sync(supervisor->governor);
	watch_verify(&supervisor->watch);
	recorder_look(supervisor);
	rank_beat(supervisor);
	notify_beat(supervisor->notify, (uint64_t)g_get_monotonic_time() * 1000);
	return G_SOURCE_CONTINUE;
}

static gboolean on_survey(gpointer data)
{
	struct supervisor *supervisor = data;

	if (supervisor->let_go)
		return G_SOURCE_REMOVE;
	supervisor_scan_kernel(supervisor);
	qmp_ask_status(supervisor);
	if (supervisor->newcomers)
		qmp_ask_threads(supervisor);
	supervisor->newcomers = false;
	return G_SOURCE_CONTINUE;
}

static gboolean on_ended(gint fd, GIOCondition condition, gpointer data)
{
	struct supervisor *supervisor = data;
	pid_t r;

	(void)fd;
	(void)condition;
	if (supervisor->is_attached) {
		g_main_loop_quit(supervisor->loop);
		return G_SOURCE_REMOVE;
	}
	r = waitpid(supervisor->record.qemu_pid, &supervisor->wait_status, WNOHANG);
	if (r == 0 || (r < 0 && errno == EINTR))
		return G_SOURCE_CONTINUE;
	supervisor->wait_error = r < 0 ? errno : 0;
	g_main_loop_quit(supervisor->loop);
	return G_SOURCE_REMOVE;
}

static gboolean on_grace_over(gpointer data)
{
	struct supervisor *supervisor = data;

	complain("QEMU did not end within %d s of SIGTERM: killed", KILL_GRACE / 1000000);
	syscall(SYS_pidfd_send_signal, supervisor->pidfd, SIGKILL, NULL, 0);
	return G_SOURCE_REMOVE;
}

/* A QEMU that is asked to end while a command of a monitor is under way may wait for ever in its own
 * clean-up, in an event loop that nothing wakes (seen with 7.2, monitor_cleanup()); asked again it goes on.
 */
static gboolean on_still_there(gpointer data)
{
	const struct supervisor *supervisor = data;

	syscall(SYS_pidfd_send_signal, supervisor->pidfd, SIGTERM, NULL, 0);
	return G_SOURCE_CONTINUE;
}

static void forward(struct supervisor *supervisor, int number)
{
	gint64 now = g_get_monotonic_time(), left;

	if (supervisor->is_attached) {
		g_main_loop_quit(supervisor->loop);
		return;
	}
	syscall(SYS_pidfd_send_signal, supervisor->pidfd, number, NULL, 0);
	if (number != SIGTERM)
		return;
	if (supervisor->terminated_us == 0) {
		supervisor->terminated_us = now;
		g_timeout_add_seconds(AGAIN_S, on_still_there, supervisor);
	} else if (supervisor->terminated_us > 0) {
		left = supervisor->terminated_us + KILL_GRACE - now;
		supervisor->terminated_us = -1;
		g_timeout_add(left > 0 ? (guint)(left / 1000) : 0, on_grace_over, supervisor);
	}
}

static gboolean on_signal(gint fd, GIOCondition condition, gpointer data)
{
	struct signalfd_siginfo info;

	(void)condition;
	while (read(fd, &info, sizeof(info)) == sizeof(info))
		forward(data, (int)info.ssi_signo);
	return G_SOURCE_CONTINUE;
}

static int keep_places(void *context, const char *text, size_t len)
{
	const struct supervisor *supervisor = context;

	return state_write(supervisor->state, "places", text, len);
}

static void open_watch(struct supervisor *supervisor)
{
	struct qrt_sched_setting own;

	supervisor->loop = g_main_loop_new(NULL, FALSE);
	supervisor->first_plan = supervisor->plan;
	supervisor->strangers = g_hash_table_new(NULL, NULL);
	supervisor->started_us = g_get_monotonic_time();
	g_strlcpy(supervisor->guest_state, supervisor->is_attached ? "unknown" : "starting",
		  sizeof(supervisor->guest_state));
	if (!*supervisor->accelerator)
		g_strlcpy(supervisor->accelerator, "unknown", sizeof(supervisor->accelerator));
	watch_init(&supervisor->watch, supervisor->plan, &supervisor->record.fresh);
	supervisor->watch.boot_plan = supervisor->boot_plan;
	supervisor->cpus = supervisor->record.fresh.cpus;
	if (qrt_sched_setting_read(0, &own) >= 0)
		supervisor->cpus = own.cpus;
	supervisor->watch.verbose = supervisor->verbose;
	supervisor->watch.locks = supervisor->locks;
	if (qrt_sched_saved_new(keep_places, supervisor, &supervisor->watch.places) < 0)
		supervisor->watch.places = NULL;
	if (!supervisor->outside && qrt_sched_snapshot_new(&supervisor->outside) < 0)
		supervisor->outside = NULL;
}

/* Above the VM, where that is real-time. */
static void place_others(struct supervisor *supervisor)
{
	struct qrt_sched_setting rank;

	if (!rank_get_lifted(supervisor, &rank))
		rank = supervisor->watch.fresh;
	if (supervisor->others)
		others_move(supervisor->others, &rank);
	else
		supervisor->others = others_open(supervisor->state->run_fd, &rank);
}

/* What may have to wait for somebody whom a VM that spins keeps away comes when that is held. */
static void open_channels(struct supervisor *supervisor)
{
	recorder_open(supervisor);
	supervisor->guest = guest_open(supervisor);
	broker_open(supervisor);
	qmp_open(supervisor);
	if (control_open(supervisor) < 0)
		complain("'status' will not find this VM");
	g_unix_fd_add(supervisor->pidfd, G_IO_IN, on_ended, supervisor);
	g_unix_fd_add(supervisor->signal_fd, G_IO_IN, on_signal, supervisor);
	supervisor->keeper = host_keeper_open(supervisor->state->run_fd);
	g_timeout_add(LOOK_MS, on_look, supervisor);
	g_timeout_add(SURVEY_MS, on_survey, supervisor);
}

/* Slices not beside preempt locks: who takes one while it is rotated would keep that priority. */
void supervisor_open_keepers(struct supervisor *supervisor)
{
	struct qrt_sched_setting lifted;

	if (!supervisor->locks && rank_get_lifted(supervisor, &lifted))
		watch_use_slices(&supervisor->watch, slices_open(&lifted));
	supervisor->governor = supervisor->watch.governor = governor_open(supervisor);
	place_others(supervisor);
}

void supervisor_close_keepers(struct supervisor *supervisor)
{
	struct slices *slices = supervisor->watch.slices;

	supervisor->governor = supervisor->watch.governor = governor_close(supervisor->governor);
	watch_use_slices(&supervisor->watch, NULL);
	slices_close(slices);
}

/* False where something stayed as it is. */
static bool put_back(struct supervisor *supervisor)
{
	struct qrt_sched_error error;

	/* First: what is put back stays as it is. */
	supervisor_close_keepers(supervisor);
	if (supervisor->is_attached)
		return attach_put_back(supervisor) >= 0;
	if (!supervisor->outside || qrt_sched_snapshot_restore(supervisor->outside, &error) >= 0)
		return true;
	complain("a kernel thread could not be put back: %s; 'qrt-launcher repair' tries again",
		 error.message);
	return false;
}

static bool close_all(struct supervisor *supervisor)
{
	bool is_back;

	/* While its own VM is held: it may wait for somebody whom that keeps away. */
	supervisor->others = others_close(supervisor->others);
	is_back = put_back(supervisor);
	watch_clear(&supervisor->watch);
	qrt_sched_saved_close(supervisor->watch.places);
	qrt_sched_snapshot_close(supervisor->outside);
	rank_close(supervisor);
	control_close(supervisor);
	qmp_close(supervisor);
	supervisor->guest = guest_close(supervisor->guest);
	recorder_close(supervisor);
	if (supervisor->broker_source)
		g_source_remove(supervisor->broker_source);
	supervisor->keeper = host_keeper_close(supervisor->keeper);
	g_hash_table_destroy(supervisor->strangers);
	supervisor->notify = notify_close(supervisor->notify);
	g_main_loop_unref(supervisor->loop);
	supervisor->changed_plan = qrt_sched_plan_close(supervisor->changed_plan);
	return is_back;
}

static int conclude(const struct supervisor *supervisor, bool was_up)
{
	int status = supervisor->wait_status;

	if (supervisor->wait_error) {
		complain("how %s ended is not known: %s", supervisor->program,
			 strerror(supervisor->wait_error));
		return EXIT_LAUNCHER;
	}
	if (WIFSIGNALED(status)) {
		complain("%s was killed by signal %d (%s)", supervisor->program, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
		return 128 + WTERMSIG(status);
	}
	if (!was_up && WEXITSTATUS(status) != 0)
		complain("%s ended with exit code %d before it was up", supervisor->program,
			 WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

/* A thread without a name that says something is looked at twice before it has a role. */
static void get_ready(struct supervisor *supervisor)
{
	supervisor_scan(supervisor);
	supervisor_scan(supervisor);
	if (supervisor->ready)
		supervisor->ready(supervisor, supervisor->ready_data);
}

int supervisor_run(struct supervisor *supervisor)
{
	bool was_up;

	voice_open();
	oom_protect();
	open_watch(supervisor);
	rank_open(supervisor);
	supervisor_open_keepers(supervisor);
	open_channels(supervisor);
	supervisor->notify = notify_open();
	if (supervisor->is_attached)
		get_ready(supervisor);
	notify_send(supervisor->notify, "READY=1");
	g_main_loop_run(supervisor->loop);
	notify_send(supervisor->notify, "STOPPING=1");
	/* Asked in the main loop: what the monitor greets with comes before. */
	was_up = strcmp(supervisor->guest_state, "starting") != 0;
	if (supervisor->verbose)
		complain("%" G_GUINT64_FORMAT " correction%s", supervisor->watch.corrections,
			 plural(supervisor->watch.corrections));
	supervisor->is_stuck = !close_all(supervisor);
	if (supervisor->is_attached)
		return supervisor->is_stuck ? EXIT_FAILED : EXIT_OK;
	return conclude(supervisor, was_up);
}
