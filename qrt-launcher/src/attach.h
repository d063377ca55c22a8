/* SPDX-License-Identifier: MIT */
/* Supervising a VM that somebody else started. */
#ifndef QRT_LAUNCHER_ATTACH_H
#define QRT_LAUNCHER_ATTACH_H

#include "plan_request.h"
#include "recorder.h"
#include "state.h"
#include "vm_args.h"

#include <stdbool.h>

struct supervisor;

/* The process, as it was found. */
struct attach_target {
	pid_t pid;
	uint64_t start;
	char **argv; /* freed by attach_target_clear() */
	struct vm_args args;
	char program[64]; /* fit to be printed */
	bool is_kvm;      /* it has a VM of KVM's open */
	bool is_named;    /* one of its threads has a vCPU's name */
};

/* The VM of a process id, or of a name that QEMU was given by -name. Returns an exit code; that there is
 * none, or that it is not ours to supervise, was said. */
int attach_find(const char *text, struct attach_target *ret_target);
/* By what runs there, not by its name. */
bool attach_is_vm(pid_t pid);
void attach_target_clear(struct attach_target *target);

/* What the command line of `attach` says, and what follows from it. */
struct attach {
	const char *text, *name, *qmp_path;
	bool in_background, verbose, help;
	struct recorder_options record;

	struct plan_request request;
	struct attach_target target;
	char vm_name[STATE_NAME_MAX + 1];
	int run_fd, qmp_fd, pidfd, signal_fd;
	int ready_fd; /* of who waits in the foreground, -1: nobody */
};

/* Finds the VM and connects to its monitor, which may take a while: no other launcher waits for it. Returns
 * an exit code; what is wrong was said. */
int attach_look(struct attach *attach);
/* Judges the plan beside other VMs: the run directory is locked. Nothing is touched. Returns an exit code;
 * what is wrong was said. */
int attach_prepare(struct attach *attach);
/* Supervises until the VM ends or is let go. Returns an exit code. */
int attach_supervise(struct attach *attach);

/* Writes down how all threads run, before the first is changed. The number of threads, or the error; where
 * it is one thread's, with words. */
int attach_remember(struct supervisor *supervisor, struct qrt_sched_error *reterr);
/* True for a thread that was there before; another one's origin is how VMs of this process' threads are born.
 */
bool attach_knows(struct supervisor *supervisor, pid_t tid);
/* Puts every thread back as it was. The number of threads, or the error, which was said. */
int attach_put_back(struct supervisor *supervisor);
/* The answer to {"command":"detach"}, one line, freed by g_free(). The supervisor ends after it. */
char *attach_answer_detach(struct supervisor *supervisor);

#endif
