/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGCONT);
	sigaddset(signals, SIGWINCH);
}

/* The library's threads have them blocked ever since they began. */
int interrupt_open(void)
{
	sigset_t signals;
	int fd;

	fill(&signals);
	fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0)
		sigprocmask(SIG_BLOCK, &signals, NULL);
	return fd;
}

int interrupt_close(int fd)
{
	sigset_t signals;

	if (fd < 0)
		return -1;
	/* One that came is of a command that is over. */
	interrupt_take(fd);
	close(fd);
	fill(&signals);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	return -1;
}

guint interrupt_take(int fd)
{
	struct signalfd_siginfo one;
	guint came = 0;

	while (fd >= 0 && read(fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		came |= one.ssi_signo == SIGINT ? INTERRUPT_BREAK : INTERRUPT_TERMINAL;
	return came;
}
