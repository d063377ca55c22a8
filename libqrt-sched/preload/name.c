/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload_p.h"

/* The process' first thread is the main loop, whatever it calls itself. */
static int is_first_thread(void)
{
	return (pid_t)syscall(SYS_gettid) == getpid();
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	int (*setname)(pthread_t, const char *) = preload_real()->pthread_setname_np;
	int rc = setname(thread, name);
	char cut[16] = "";

	if (!preload_is_on() || !pthread_equal(thread, pthread_self()) || is_first_thread())
		return rc;
	/* A name that is too long is no name for the kernel. It is meant, though: everybody shall see its
	 * beginning, the supervisor too. */
	if (rc == ERANGE) {
		memcpy(cut, name, sizeof(cut) - 1);
		setname(thread, cut);
	}
	preload_named(name);
	return rc;
}

EXPORT int prctl(int option, ...)
{
	unsigned long args[4];
	va_list list;
	int i, rc;

	/* Callers pass as many as the option has: the rest is never looked at. */
	va_start(list, option);
	for (i = 0; i < 4; i++)
		args[i] = va_arg(list, unsigned long);
	va_end(list);
	rc = preload_real()->prctl(option, args[0], args[1], args[2], args[3]);
	if (option == PR_SET_NAME && rc == 0 && preload_is_on() && !is_first_thread())
		preload_named((const char *)args[0]);
	return rc;
}
