/* SPDX-License-Identifier: MIT */
/* Starting QEMU: a child that waits for a go, so that all is written down before it does anything. */
#ifndef QRT_LAUNCHER_LAUNCH_H
#define QRT_LAUNCHER_LAUNCH_H

#include <qrt/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum { LAUNCH_TAKEN = 4 }; /* signals whose action is changed */

struct launch_user {
	bool set;
	char name[64]; /* for the supplementary groups */
	uid_t uid;
	gid_t gid;
};

struct launch {
	const char *path;
	char **argv; /* of QEMU, complete */
	char **envp;
	const char *preload;         /* must be readable by the user, or NULL */
	struct launch_user user;     /* whom to become */
	bool lock_memory;            /* lift the limit on locked memory */
	struct qrt_sched_cpus nodes; /* take memory from these; empty: from any */
	int fds[6];                  /* handed on; -1: none */
	int lock_fd;                 /* the launcher's alone */

	pid_t pid; /* from here on: the child */
	int go_fd, error_fd;
	sigset_t mask; /* for QEMU */
	struct sigaction actions[LAUNCH_TAKEN];
};

/* "USER[:GROUP]", names or numbers. -EINVAL, -ENOENT, -EPERM where this process may not; said. */
int launch_parse_user(const char *text, struct launch_user *ret_user);
/* Makes this process that user's, for good. Returns 0 or an errno. */
int launch_become(const struct launch_user *user);

/* Has this process take its memory from NUMA nodes, and what it runs by exec, too. Returns 0 or an errno. */
int launch_bind_memory(const struct qrt_sched_cpus *nodes);

/* Takes signals away from the launcher, that are for QEMU or for the supervisor. Returns a signalfd for
 * the latter, or a negative errno. */
int launch_take_signals(struct launch *launch);
/* Makes the child, which waits. */
int launch_prepare(struct launch *launch);
/* Lets it go and waits until QEMU's program runs. Returns 0, or an exit code, having said why. */
int launch_go(struct launch *launch);

#endif
