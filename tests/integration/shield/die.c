/* SPDX-License-Identifier: MIT */
/* Loaded into a program: before the QRT_DIE_ATth call of the launcher that changes a file or a thread it gets
 * QRT_DIE_SIGNAL, else SIGKILL. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static void count(void)
{
	static int calls;
	const char *at = getenv("QRT_DIE_AT"), *number = getenv("QRT_DIE_SIGNAL");

	if (at && strcmp(program_invocation_short_name, "qrt-launcher") == 0 && ++calls == atoi(at))
		kill(getpid(), number ? atoi(number) : SIGKILL);
}

#define EXPORT     __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	if (fd > 2)
		count();
	return REAL(write)(fd, buf, n);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	count();
	return REAL(mkdir)(path, mode);
}

EXPORT int rmdir(const char *path)
{
	count();
	return REAL(rmdir)(path);
}

EXPORT int renameat(int oldfd, const char *old, int newfd, const char *new)
{
	count();
	return REAL(renameat)(oldfd, old, newfd, new);
}

EXPORT int unlinkat(int fd, const char *name, int flag)
{
	count();
	return REAL(unlinkat)(fd, name, flag);
}

/* The library makes these calls by number. */
EXPORT long syscall(long sysno, ...)
{
	va_list list;
	long a[6];
	int i;

	va_start(list, sysno);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (sysno == SYS_sched_setaffinity || sysno == SYS_sched_setattr)
		count();
	return REAL(syscall)(sysno, a[0], a[1], a[2], a[3], a[4], a[5]);
}
