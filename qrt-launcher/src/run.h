/* SPDX-License-Identifier: MIT */
/* The steps of `run`. */
#ifndef QRT_LAUNCHER_RUN_H
#define QRT_LAUNCHER_RUN_H

#include "agent_link.h"
#include "host.h"
#include "launch.h"
#include "library.h"
#include "locks.h"
#include "plan_request.h"
#include "recorder.h"
#include "state.h"
#include "vm_args.h"

#include <qrt/sched_record.h>
#include <signal.h>
#include <stdbool.h>

/* What the command line of `run` says, and what follows from it. */
struct run {
	struct plan_request request;
	const char *name; /* --name */
	struct recorder_options record;
	bool verbose, help;
	bool forces_preload; /* --preload */
	bool wants_agent;    /* --agent */
	const char *events;  /* --events */
	sigset_t mask;       /* as the launcher found it */
	bool is_interrupted; /* a signal that ends the launcher came before QEMU was there */
	bool is_stuck;       /* something could not be put back */

	struct vm_args vm;
	struct qrt_sched_setting fresh; /* how QEMU's threads would run without a plan */
	char vm_name[STATE_NAME_MAX + 1];
	enum library library;
	char *path, *preload, *plan_text;
	struct qrt_sched_recorder *recorder;
	struct locks *locks;
	struct agent_link *agent;
	struct qrt_sched_plan *boot_plan; /* of boot=PATH; NULL: none */
	int event_fd;
	int broker[2], qmp[2]; /* [0] ours, [1] QEMU's */
	int monitor_fd;        /* a file that tells QEMU of our monitor; -1: its arguments do */
};

/* All return an exit code, having said what is wrong. */
int run_parse(struct run *run, int argc, char **argv);
/* Everything that can be refused before anything is touched: QEMU's arguments and program. */
int run_check(struct run *run);
/* Completes the plan and refuses it where it cannot work. Other VMs count, so the run directory is locked. */
int run_check_plan(struct run *run);
/* Makes what is shared with QEMU; closes QEMU's ends once it has them; and all of it, also where some was
 * never there. */
int run_make_channels(struct run *run);
void run_close_far_ends(struct run *run);
void run_close_channels(struct run *run);
/* Makes run->monitor_fd where it is needed. */
void run_make_monitor(struct run *run);
/* The plan against shields, in the same way. */
int run_check_host(const struct run *run);
/* QEMU's arguments and environment, freed by g_strfreev(). */
char **run_make_argv(const struct run *run);
char **run_make_envp(const struct run *run);

#endif
