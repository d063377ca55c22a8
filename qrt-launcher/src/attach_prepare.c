/* SPDX-License-Identifier: MIT */
/* What can be refused before a thread is touched. */
#include "attach.h"
#include "command.h"
#include "host.h"
#include "plan_live.h"
#include "proc.h"
#include "unix_client.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_MS 2000

/* ---- already supervised ---- */

struct looking {
	int run_fd;
	const struct attach_target *target;
	char name[STATE_NAME_MAX + 1];
	pid_t launcher;
	bool is_alive; /* that one */
};

static void look_at(const char *name, void *data)
{
	struct looking *looking = data;
	struct state_record record;
	int fd = state_open_folder(looking->run_fd, name);

	if (fd >= 0 && state_read_record(fd, &record) == 0 && record.qemu_pid == looking->target->pid &&
	    record.qemu_start == looking->target->start) {
		g_strlcpy(looking->name, name, sizeof(looking->name));
		looking->launcher = record.launcher_pid;
		looking->is_alive = proc_is_alive(record.launcher_pid, record.launcher_start);
	}
	if (fd >= 0)
		close(fd);
}

static int check_alone(const struct attach *attach)
{
	struct looking looking = {.run_fd = attach->run_fd, .target = &attach->target};

	state_for_each(attach->run_fd, look_at, &looking);
	if (!looking.launcher)
		return EXIT_OK;
	if (looking.is_alive)
		complain("process %d is supervised already: as VM '%s', by launcher %d; 'qrt-launcher set' "
			 "changes its plan",
			 attach->target.pid, looking.name, looking.launcher);
	else
		complain("process %d was VM '%s', and is not as before yet; 'qrt-launcher repair' says why",
			 attach->target.pid, looking.name);
	return EXIT_FAILED;
}

/* ---- the plan ---- */

/* What the kernel does by default is the same for every VM: `check` and `plan` say it. */
static bool is_worth_saying(const struct qrt_sched_finding *finding, bool verbose)
{
	if (finding->severity == QRT_SCHED_FAULT || verbose)
		return true;
	return finding->severity == QRT_SCHED_WARNING && strcmp(finding->code, "rt-throttling") != 0 &&
	       strcmp(finding->code, "fair-server") != 0;
}

static int judge(struct attach *attach)
{
	struct plan_request *request = &attach->request;
	unsigned faults = 0;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (is_worth_saying(&request->findings[i], attach->verbose))
			plan_complain_of(&request->findings[i]);
		faults += request->findings[i].severity == QRT_SCHED_FAULT;
	}
	if (faults == 0)
		return EXIT_OK;
	complain("not attached: %u fault%s", faults, plural(faults));
	return EXIT_FAILED;
}

static int check_plan(struct attach *attach)
{
	struct plan_request *request = &attach->request;
	struct qrt_sched_vm vm = attach->target.args.vm;
	struct qrt_sched_error error = {.message = ""};
	g_autofree char *refusal = plan_live_refuse_foreign(request->plan);
	int r;

	if (refusal) {
		complain("plan: %s", refusal);
		return EXIT_FAILED;
	}
	vm.tcg = !attach->target.is_kvm;
	request->no_preload = true;
	r = plan_request_judge_running(request, &vm, NULL, &error);
	/* What the default plan has for the inside of a VM. */
	if (r >= 0)
		r = qrt_sched_plan_parse_option(request->plan, "advance=0 pi=off", &error);
	if (r >= 0)
		r = qrt_sched_plan_supported(request->plan, &error);
	if (r >= 0)
		return host_check_plan(request) == EXIT_OK ? judge(attach) : EXIT_FAILED;
	complain("the plan cannot be used: %s", error.message[0] ? error.message : strerror(-r));
	return EXIT_FAILED;
}

/* ---- what follows a delay ---- */

static int check_recorder(const struct attach *attach)
{
	const struct actions *actions = &attach->record.actions;
	size_t i;

	for (i = 0; i < actions->count; i++) {
		const struct action *action = &actions->actions[i];
		g_autofree char *refusal = action->kind == ACTION_FAILSAFE
						   ? plan_live_refuse_foreign(action->plan)
						   : NULL;

		if (!refusal)
			continue;
		complain("fault: --on-delay: failsafe=%s: %s", action->argument, refusal);
		return EXIT_FAILED;
	}
	return recorder_options_check(&attach->record, &attach->request, false);
}

/* ---- the monitor ---- */

static bool is_greeted(int fd, gint64 deadline)
{
	struct pollfd greeting = {.fd = fd, .events = POLLIN};
	gint64 left = MAX(deadline - g_get_monotonic_time(), 0);

	return poll(&greeting, 1, (int)(left / 1000) + 1) > 0;
}

/* Who listens there, 0: nobody knows. A management layer may have opened it for QEMU. */
static pid_t get_listener(int fd)
{
	struct ucred peer = {.pid = 0};
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? 0 : peer.pid;
}

/* What is asked of another VM's monitor tells nothing of this one, and 'stop' would stop that one. */
static int check_listener(const struct attach *attach)
{
	pid_t listener = get_listener(attach->qmp_fd);

	if (listener <= 0 || listener == attach->target.pid || !attach_is_vm(listener))
		return EXIT_OK;
	complain("--qmp %s is a monitor of process %d, another VM: give one of process %d's own",
		 attach->qmp_path, listener, attach->target.pid);
	return EXIT_FAILED;
}

/* Only the first client is greeted; the others wait for its end. */
static int open_monitor(struct attach *attach)
{
	gint64 deadline = g_get_monotonic_time() + GREETING_MS * 1000;

	if (!attach->qmp_path)
		return EXIT_OK;
	attach->qmp_fd = unix_client_connect(attach->qmp_path, deadline);
	if (attach->qmp_fd < 0 && attach->qmp_fd != -ETIMEDOUT) {
		complain("--qmp %s: %s; QEMU has one with -qmp unix:PATH,server=on,wait=off",
			 attach->qmp_path, strerror(-attach->qmp_fd));
		return EXIT_FAILED;
	}
	if (attach->qmp_fd >= 0 && check_listener(attach) != EXIT_OK)
		return EXIT_FAILED;
	if (attach->qmp_fd >= 0 && is_greeted(attach->qmp_fd, deadline))
		return EXIT_OK;
	complain("--qmp %s does not greet: somebody else uses it; give QEMU a monitor for us alone",
		 attach->qmp_path);
	return EXIT_FAILED;
}

/* ---- */

static void choose_name(struct attach *attach)
{
	const char *name = attach->name ? attach->name : attach->target.args.name;

	g_strlcpy(attach->vm_name, name, sizeof(attach->vm_name));
	g_strcanon(attach->vm_name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-", '_');
	if (!state_is_name(attach->vm_name))
		snprintf(attach->vm_name, sizeof(attach->vm_name), "vm-%d", attach->target.pid);
}

static void say_unnamed(const struct attach *attach)
{
	if (attach->target.is_named)
		return;
	complain("no thread of process %d has the name of a vCPU (QEMU without -name debug-threads=on?): %s",
		 attach->target.pid,
		 attach->qmp_path ? "vCPUs and iothreads are known by its monitor, all others are 'othr'"
				  : "all are 'othr'; with --qmp SOCKET vCPUs and iothreads are known");
}

static void say_own_plan(const struct attach *attach)
{
	if (attach->target.args.has_plan)
		complain("note: process %d has a plan of its own (-rt): threads that begin later are placed "
			 "by that "
			 "before they are by this one; qrt-launcher run hands its plan to -rt",
			 attach->target.pid);
}

int attach_look(struct attach *attach)
{
	int r = attach_find(attach->text, &attach->target);

	return r == EXIT_OK ? open_monitor(attach) : r;
}

int attach_prepare(struct attach *attach)
{
	int r = check_alone(attach);

	if (r == EXIT_OK)
		r = check_plan(attach);
	if (r == EXIT_OK)
		r = check_recorder(attach);
	if (r != EXIT_OK)
		return r;
	choose_name(attach);
	say_unnamed(attach);
	say_own_plan(attach);
	return EXIT_OK;
}
