/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include "command.h"
#include "proc.h"
#include "supervisor.h"
#include "voice.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How a thread that is born from now on would run: as the one that makes most of them does now. */
static int read_fresh(pid_t pid, struct qrt_sched_setting *ret_setting)
{
	int r = qrt_sched_setting_read(pid, ret_setting);

	if (r < 0)
		return r;
	if (ret_setting->policy == QRT_SCHED_POLICY_DEADLINE ||
	    ret_setting->flags & QRT_SCHED_FLAG_RESET_ON_FORK) {
		ret_setting->policy = QRT_SCHED_POLICY_OTHER;
		ret_setting->priority = 0;
		ret_setting->runtime_ns = ret_setting->deadline_ns = ret_setting->period_ns = 0;
		if (ret_setting->nice < 0)
			ret_setting->nice = 0;
	}
	ret_setting->flags = 0;
	return 0;
}

static int make_record(const struct attach *attach, struct state_record *ret_record)
{
	struct state_record record = {.launcher_pid = getpid(),
				      .qemu_pid = attach->target.pid,
				      .qemu_start = attach->target.start,
				      .is_attached = true};
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	int r = read_fresh(attach->target.pid, &record.fresh);

	if (r == 0)
		r = proc_get_start(record.launcher_pid, &record.launcher_start);
	plan_request_get_place(&attach->request, &record.place);
	if (qrt_sched_plan_get_globals(attach->request.plan, &globals) >= 0)
		record.weight = globals.weight;
	proc_get_boot(record.boot, sizeof(record.boot));
	*ret_record = record;
	return r;
}

/* Each of them lets the VM go. */
static int take_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	struct sigaction action;
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		/* Under nohup(1) the end of the terminal is none of ours. */
		if (numbers[i] == SIGTERM || sigaction(numbers[i], NULL, &action) < 0 ||
		    action.sa_handler != SIG_IGN)
			sigaddset(&set, numbers[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* From here on it is the one that was looked at, or none. */
static int open_process(struct attach *attach)
{
	attach->pidfd = (int)syscall(SYS_pidfd_open, attach->target.pid, 0);
	if (attach->pidfd < 0) {
		complain("process %d cannot be supervised: pidfd_open: %s; Linux 5.3 or later is needed",
			 attach->target.pid, strerror(errno));
		return EXIT_FAILED;
	}
	if (proc_is_alive(attach->target.pid, attach->target.start))
		return EXIT_OK;
	complain("process %d has just ended", attach->target.pid);
	return EXIT_FAILED;
}

/* Whoever waits in the foreground may go; what is said from here on nobody reads. */
static void release_foreground(struct attach *attach, const char *text)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	voice_flush();
	(void)!write(attach->ready_fd, text, strlen(text));
	close(attach->ready_fd);
	attach->ready_fd = -1;
	if (null < 0)
		return;
	dup2(null, STDERR_FILENO);
	close(null);
}

static void say_ready(struct supervisor *supervisor, void *data)
{
	struct attach *attach = data;
	unsigned threads = g_hash_table_size(supervisor->watch.threads);
	char text[STATE_NAME_MAX + 80];

	snprintf(text, sizeof(text), "VM '%s' (pid %d) is supervised: %u thread%s\n", attach->vm_name,
		 attach->target.pid, threads, plural(threads));
	if (attach->ready_fd >= 0) {
		release_foreground(attach, text);
		return;
	}
	fputs(text, stdout);
	fflush(stdout);
}

/* Takes the state. */
static int supervise(struct attach *attach, struct state *state, const struct state_record *record)
{
	struct supervisor supervisor = {.plan = attach->request.plan,
					.vm = attach->request.vm,
					.state = state,
					.record = *record,
					.program = attach->target.program,
					.pidfd = attach->pidfd,
					.broker_fd = -1,
					.qmp_fd = attach->qmp_fd,
					.signal_fd = attach->signal_fd,
					.verbose = attach->verbose,
					.record_options = &attach->record,
					.is_attached = true,
					.ready = say_ready,
					.ready_data = attach};
	struct qrt_sched_error error = {.message = ""};
	int r = attach_remember(&supervisor, &error);

	if (r >= 0)
		r = state_write_record(state, record);
	state_unlock_run(state->run_fd);
	if (r < 0) {
		qrt_sched_snapshot_close(supervisor.outside);
		state_remove(state);
		complain("process %d is left as it is: how its threads run cannot be written down: %s",
			 attach->target.pid, error.message[0] ? error.message : strerror(-r));
		return EXIT_FAILED;
	}
	g_strlcpy(supervisor.accelerator, attach->target.is_kvm ? "kvm" : "tcg",
		  sizeof(supervisor.accelerator));
	r = supervisor_run(&supervisor);
	state_end(state, !supervisor.is_stuck);
	return r;
}

int attach_supervise(struct attach *attach)
{
	struct state_record record;
	struct state state;
	int r = open_process(attach);

	if (r != EXIT_OK)
		return r;
	attach->signal_fd = take_signals();
	r = attach->signal_fd < 0 ? attach->signal_fd : make_record(attach, &record);
	if (r < 0) {
		complain("process %d cannot be supervised: %s", attach->target.pid, strerror(-r));
		return EXIT_FAILED;
	}
	if (state_open(attach->run_fd, attach->vm_name, &state) < 0)
		return EXIT_FAILED;
	return supervise(attach, &state, &record);
}
