/* SPDX-License-Identifier: MIT */
/* What a launcher shares with its QEMU. */
#include "command.h"
#include "events.h"
#include "run.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORDS 4096

static int make_pair(int type, int ret_pair[2])
{
	return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret_pair) < 0 ? -errno : 0;
}

static int make_agent(struct run *run)
{
	if (!run->wants_agent)
		return EXIT_OK;
	if (run->events) {
		run->event_fd = events_open(run->events);
		if (run->event_fd < 0)
			return EXIT_LAUNCHER;
	}
	return agent_link_open(run->vm_name, &run->agent) < 0 ? EXIT_LAUNCHER : EXIT_OK;
}

/* What is shared with QEMU. The recorder is a help for `blame` alone: without it the VM starts, too. */
int run_make_channels(struct run *run)
{
	int r = make_pair(SOCK_SEQPACKET, run->broker);

	if (r == 0)
		r = make_pair(SOCK_STREAM, run->qmp);
	if (r < 0) {
		complain("no sockets to QEMU: %s", strerror(-r));
		return EXIT_LAUNCHER;
	}
	r = run->library != LIBRARY_NONE ? qrt_sched_recorder_new(RECORDS, &run->recorder) : 0;
	if (r < 0)
		complain("waits for mutexes will not be recorded: %s", strerror(-r));
	run->locks = locks_open(run->request.plan, run->vm.vm.vcpus, run->library != LIBRARY_NONE);
	run_make_monitor(run);
	return make_agent(run);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void run_close_far_ends(struct run *run)
{
	close(run->broker[1]);
	close(run->qmp[1]);
	close_fd(run->monitor_fd);
	agent_link_close_far_fd(run->agent);
	run->broker[1] = run->qmp[1] = run->monitor_fd = -1;
}

/* Events are still on their way where a thread writes them: their file is open until the process ends. */
void run_close_channels(struct run *run)
{
	int i;

	for (i = 0; i < 2; i++) {
		close_fd(run->broker[i]);
		close_fd(run->qmp[i]);
	}
	close_fd(run->monitor_fd);
	qrt_sched_recorder_close(run->recorder);
	locks_close(run->locks);
	agent_link_close(run->agent);
	qrt_sched_plan_close(run->boot_plan);
}
