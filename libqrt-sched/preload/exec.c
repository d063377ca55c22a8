/* SPDX-License-Identifier: MIT */
/* After vfork no handler runs, and a program may exec in its own place: the way back is taken here. */
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "preload_p.h"

enum kind { BY_PATH, BY_SEARCH, BY_FD };

struct target {
	enum kind kind;
	const char *path;
	int fd;
};

static int do_exec(const struct target *target, char *const argv[], char *const envp[])
{
	switch (target->kind) {
	case BY_PATH:
		return preload_real()->execve(target->path, argv, envp);
	case BY_SEARCH:
		return preload_real()->execvpe(target->path, argv, envp);
	default:
		return preload_real()->fexecve(target->fd, argv, envp);
	}
}

static int is_ours(void)
{
	int state = atomic_load(&preload_process.state);

	return state == PRELOAD_ON || state == PRELOAD_FORKED;
}

static int leave(const struct target *target, char *const argv[], char *const envp[])
{
	struct qrt_sched_setting before;
	int saved, rc;

	if (!is_ours() || qrt_sched_setting_read(0, &before) < 0)
		return do_exec(target, argv, envp);
	preload_give_back();
	rc = do_exec(target, argv, envp);
	/* Still here: the program was not there. In a child that changes nothing; in our own process the
	 * thread goes on in its role. */
	saved = errno;
	if (getpid() == preload_process.pid)
		qrt_sched_setting_apply(0, &before, NULL);
	errno = saved;
	return rc;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return leave(&(struct target){.kind = BY_PATH, .path = path}, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return leave(&(struct target){.kind = BY_PATH, .path = path}, argv, environ);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return leave(&(struct target){.kind = BY_SEARCH, .path = file}, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return leave(&(struct target){.kind = BY_SEARCH, .path = file}, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	return leave(&(struct target){.kind = BY_FD, .fd = fd}, argv, envp);
}

/* Arguments behind the first one up to NULL, and with_env the environment behind that. */
static int leave_with_list(const struct target *target, const char *first, va_list list, int with_env)
{
	size_t count = 1, i;
	char **argv, **envp;
	va_list ahead;

	va_copy(ahead, list);
	while (first && va_arg(ahead, char *))
		count++;
	va_end(ahead);
	argv = alloca((count + 1) * sizeof(*argv));
	argv[0] = (char *)first;
	for (i = 1; first && i <= count; i++)
		argv[i] = va_arg(list, char *);
	envp = with_env ? va_arg(list, char **) : environ;
	return leave(target, argv, envp);
}

EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list list;
	int rc;

	va_start(list, arg);
	rc = leave_with_list(&(struct target){.kind = BY_PATH, .path = path}, arg, list, 0);
	va_end(list);
	return rc;
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list list;
	int rc;

	va_start(list, arg);
	rc = leave_with_list(&(struct target){.kind = BY_SEARCH, .path = file}, arg, list, 0);
	va_end(list);
	return rc;
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	va_list list;
	int rc;

	va_start(list, arg);
	rc = leave_with_list(&(struct target){.kind = BY_PATH, .path = path}, arg, list, 1);
	va_end(list);
	return rc;
}
