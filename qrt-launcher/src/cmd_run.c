/* SPDX-License-Identifier: MIT */
/* run: starts a VM with its threads in their roles, and supervises it. */
#include "command.h"
#include "postpone.h"
#include "proc.h"
#include "run.h"
#include "supervisor.h"
#include "voice.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_help(void)
{
	puts("Usage: qrt-launcher run [OPTIONS] [--] qemu-system-x86_64 ARGS...\n\n"
	     "Starts QEMU with each thread in its role from its birth, keeps it so, and puts everything\n"
	     "back when it ends. Without a plan one is made from the host's CPUs and the VM's shape.\n\n"
	     "  --plan FILE          a plan file, see qrt-plan(5), - for standard input; what comes later\n"
	     "                       overrides it\n"
	     "  -rt OPTION           an option of the plan, such as vcpu_sched=fifo\n"
	     "  -rt default          what the other options leave open is as in the default plan\n"
	     "  --shield[=PARTS]     keep all others off the vCPUs' CPUs: -rt shield=on, or shield=PARTS\n"
	     "  --name NAME          the VM's name for 'status' and others; else QEMU's -name\n"
	     "  --agent              the guest says what it is at (qrt-guest-agent in it): while it boots, "
	     "reboots\n"
	     "                       or is lost its threads are time-shared; see boot= in qrt-plan(5)\n"
	     "  --events FILE        what becomes of it, as JSON lines; - for standard output\n"
	     "  --user USER[:GROUP]  run QEMU as this user; the launcher places its threads\n"
	     "  --on-delay TIME:ACTION  when a real-time thread was kept from running that long: log, file,\n"
	     "                       command=CMD, stop or failsafe=PLANFILE; what was recorded is kept\n"
	     "  --record-dir FOLDER  where that is kept, instead of .records in the run directory\n"
	     "  --no-record          record nothing for 'blame --last'\n"
	     "  --no-preload         no plan inside QEMU, preloaded or by -rt: threads are placed after "
	     "birth\n"
	     "  --preload            preload into a QEMU that has -rt itself, too\n"
	     "  -v, --verbose        say what is done, and what of the host slows every VM down\n\n"
	     "Exit code: QEMU's own, 128 + N where signal N ended it; 125 the launcher failed or refused,\n"
	     "126 QEMU's program cannot be run, 127 it was not found.");
}

/* How QEMU's threads would run without a plan: as this process does now, but for what a fork resets, and for
 * a policy that nobody here could give back (SCHED_EXT). */
static int read_fresh(struct qrt_sched_setting *ret_setting)
{
	int r = qrt_sched_setting_read(0, ret_setting);

	if (r < 0 || (!(ret_setting->flags & QRT_SCHED_FLAG_RESET_ON_FORK) &&
		      qrt_sched_policy_name(ret_setting->policy)))
		return r;
	ret_setting->flags = 0;
	ret_setting->policy = QRT_SCHED_POLICY_OTHER;
	ret_setting->priority = 0;
	ret_setting->runtime_ns = ret_setting->deadline_ns = ret_setting->period_ns = 0;
	if (ret_setting->nice < 0)
		ret_setting->nice = 0;
	return 0;
}

static int make_record(const struct run *run, pid_t qemu, struct state_record *ret_record)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct state_record record = {.launcher_pid = getpid(), .qemu_pid = qemu};
	int r = proc_get_start(record.launcher_pid, &record.launcher_start);

	record.fresh = run->fresh;
	plan_request_get_place(&run->request, &record.place);
	if (qrt_sched_plan_get_globals(run->request.plan, &globals) >= 0)
		record.weight = globals.weight;
	if (r == 0)
		r = proc_get_start(qemu, &record.qemu_start);
	proc_get_boot(record.boot, sizeof(record.boot));
	*ret_record = record;
	return r;
}

static int end_child(const struct launch *launch)
{
	close(launch->go_fd);
	close(launch->error_fd);
	waitpid(launch->pid, NULL, 0);
	return EXIT_LAUNCHER;
}

static int supervise(struct run *run, struct state *state, struct supervisor *supervisor)
{
	int r;

	supervisor->plan = run->request.plan;
	supervisor->vm = run->vm.vm;
	supervisor->state = state;
	supervisor->recorder = run->recorder;
	supervisor->locks = run->locks;
	supervisor->agent = run->agent;
	supervisor->boot_plan = run->boot_plan;
	supervisor->record_options = &run->record;
	supervisor->program = run->path;
	supervisor->broker_fd = run->broker[0];
	supervisor->qmp_fd = run->qmp[0];
	supervisor->library = run->library;
	supervisor->verbose = run->verbose;
	supervisor->pidfd = (int)syscall(SYS_pidfd_open, supervisor->record.qemu_pid, 0);
	if (supervisor->pidfd < 0) {
		complain("QEMU cannot be supervised: pidfd_open: %s; Linux 5.3 or later is needed",
			 strerror(errno));
		kill(supervisor->record.qemu_pid, SIGKILL);
		waitpid(supervisor->record.qemu_pid, NULL, 0);
		return EXIT_LAUNCHER;
	}
	if (run->event_fd >= 0)
		voice_open_events(run->event_fd);
	r = supervisor_run(supervisor);
	run->is_stuck = supervisor->is_stuck;
	close(supervisor->pidfd);
	return r;
}

/* Everything is written down before QEMU does its first step. */
static int start(struct run *run, struct launch *launch, struct state *state)
{
	struct supervisor supervisor = {0};
	int r = launch_take_signals(launch);

	supervisor.signal_fd = r;
	if (r >= 0)
		r = launch_prepare(launch);
	if (r < 0) {
		complain("QEMU cannot be started: %s", strerror(-r));
		return EXIT_LAUNCHER;
	}
	r = make_record(run, launch->pid, &supervisor.record);
	if (r < 0)
		complain("QEMU cannot be told from others: %s; is /proc mounted?", strerror(-r));
	else
		r = state_write_record(state, &supervisor.record);
	if (r < 0)
		return end_child(launch);
	state_unlock_run(state->run_fd);
	run_close_far_ends(run);
	host_enter_vm(run->request.plan, launch->pid);
	rank_rise(run->request.plan, run->locks);
	r = launch_go(launch);
	if (r == EXIT_OK)
		r = supervise(run, state, &supervisor);
	close(supervisor.signal_fd);
	return r;
}

static int start_in(struct run *run, struct state *state)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct launch launch = {.path = run->path,
				.preload = run->preload,
				.user = run->request.user,
				.mask = run->mask,
				.lock_fd = state->lock_fd};
	int r;

	launch.argv = run_make_argv(run);
	launch.envp = run_make_envp(run);
	launch.fds[0] = run->library != LIBRARY_NONE ? run->broker[1] : -1;
	launch.fds[1] = run->qmp[1];
	launch.fds[2] = run->recorder ? qrt_sched_recorder_get_fd(run->recorder) : -1;
	launch.fds[3] = locks_get_fd(run->locks);
	launch.fds[4] = run->monitor_fd;
	launch.fds[5] = agent_link_get_far_fd(run->agent);
	if (qrt_sched_plan_get_globals(run->request.plan, &globals) >= 0) {
		launch.lock_memory = globals.mlock != QRT_SCHED_MLOCK_OFF;
		launch.nodes = globals.numa_nodes;
	}
	r = start(run, &launch, state);
	g_strfreev(launch.argv);
	g_strfreev(launch.envp);
	return r;
}

/* The host is made as the plan wants it first, and put back last. */
static int start_on_host(struct run *run, struct state *state)
{
	struct host_claim claim;
	int r = read_fresh(&run->fresh);

	if (r < 0) {
		complain("how this process runs cannot be read: %s; is /proc mounted?", strerror(-r));
		return EXIT_LAUNCHER;
	}
	r = host_claim_vm(state->run_fd, run->vm_name, &run->request, &claim);
	if (r != EXIT_OK)
		return r;
	run->is_interrupted = postpone_has_one();
	r = run->is_interrupted ? EXIT_LAUNCHER : start_in(run, state);
	host_release_vm(state->run_fd, &claim);
	return r;
}

static int run_in(struct run *run, int run_fd)
{
	struct state state;
	int r = run_check_plan(run);

	if (r == EXIT_OK &&
	    recorder_options_check(&run->record, &run->request, run->library != LIBRARY_NONE) != EXIT_OK)
		r = EXIT_LAUNCHER;
	if (r == EXIT_OK)
		r = run_check_host(run);
	if (r == EXIT_OK)
		r = run_make_channels(run);
	if (r != EXIT_OK)
		return r;
	postpone_begin(&run->mask);
	if (state_open(run_fd, run->vm_name, &state) < 0)
		return EXIT_LAUNCHER;
	r = start_on_host(run, &state);
	state_end(&state, !run->is_stuck);
	return r;
}

static int run_vm(struct run *run)
{
	int run_fd = state_enter_run(), r;

	if (run_fd < 0)
		return EXIT_LAUNCHER;
	r = run_in(run, run_fd);
	state_close_run(run_fd);
	if (run->is_interrupted)
		postpone_end(&run->mask);
	return r;
}

static void clear(struct run *run)
{
	run_close_channels(run);
	recorder_options_clear(&run->record);
	g_free(run->path);
	g_free(run->preload);
	g_free(run->plan_text);
	plan_request_close(&run->request);
}

int command_run(int argc, char **argv)
{
	struct run run = {.broker = {-1, -1}, .qmp = {-1, -1}, .monitor_fd = -1, .event_fd = -1};
	int r;

	if (plan_request_open(&run.request, "run") < 0)
		return EXIT_LAUNCHER;
	r = run_parse(&run, argc, argv);
	if (r == EXIT_OK && run.help) {
		print_help();
	} else if (r == EXIT_OK) {
		r = run_check(&run);
		if (r == EXIT_OK)
			r = run_vm(&run);
	}
	clear(&run);
	return r;
}
