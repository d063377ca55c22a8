/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn execs inside the C library, where nothing can be put in between. The policy goes back by
 * the spawn's own attributes, before the exec; they know no CPUs, no nice value and of the policies OTHER,
 * FIFO and RR alone. The rest follows from outside as soon as the call returns: the child may have run by
 * then, in time sharing.
 */
#include <errno.h>
#include <sched.h>
#include <spawn.h>

#include "preload_p.h"

typedef int (*spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
		     char *const[], char *const[]);

/* 1 when *ret_attr, which needs no destroying, takes the child out of its parent's policy: into the process'
 * first one, or time sharing where attributes do not know that. */
static int add_policy(const posix_spawnattr_t *attr, posix_spawnattr_t *ret_attr)
{
	const struct qrt_sched_setting *origin = &preload_process.origin;
	int is_known = origin->policy == SCHED_FIFO || origin->policy == SCHED_RR;
	struct sched_param param = {.sched_priority = is_known ? origin->priority : 0};
	short flags = 0;

	if (attr)
		*ret_attr = *attr;
	else
		posix_spawnattr_init(ret_attr);
	posix_spawnattr_getflags(ret_attr, &flags);
	/* A program that chooses a policy for its child has it. */
	if (flags & (POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSCHEDPARAM))
		return 0;
	return !posix_spawnattr_setflags(ret_attr, (short)(flags | POSIX_SPAWN_SETSCHEDULER)) &&
	       !posix_spawnattr_setschedpolicy(ret_attr, is_known ? (int)origin->policy : SCHED_OTHER) &&
	       !posix_spawnattr_setschedparam(ret_attr, &param);
}

static void give_back_rest(pid_t child, int with_policy)
{
	struct qrt_sched_setting rest = preload_process.origin;

	rest.set = QRT_SCHED_SET_CPUS;
	if (with_policy)
		rest.set = QRT_SCHED_SET_ALL;
	qrt_sched_setting_apply(child, &rest, NULL);
}

static int spawn_clean(spawn run, pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	posix_spawnattr_t clean;
	pid_t child;
	int rc = EPERM, ours;

	if (!preload_is_on() || !preload_process.origin.set)
		return run(ret_pid, path, actions, attr, argv, envp);
	ours = add_policy(attr, &clean);
	if (ours)
		rc = run(&child, path, actions, &clean, argv, envp);
	/* Not allowed to change itself, as under a seccomp filter: then as the program asked. */
	if (rc == EPERM)
		rc = run(&child, path, actions, attr, argv, envp);
	if (rc)
		return rc;
	give_back_rest(child, ours);
	if (ret_pid)
		*ret_pid = child;
	return 0;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn_clean(preload_real()->posix_spawn, pid, path, actions, attr, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return spawn_clean(preload_real()->posix_spawnp, pid, file, actions, attr, argv, envp);
}
