/* SPDX-License-Identifier: MIT */
/* A child process that stands for a VM's thread, bounded in time. */
#ifndef QRT_TESTS_VICTIM_H
#define QRT_TESTS_VICTIM_H

#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t victim_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* It spins for so long, from when it got SIGUSR1, and sleeps before and after that. It has run when this
 * returns: of one that has not the kernel has counted nothing. Not to be started by a process that has
 * threads. */
static inline pid_t victim_start(uint64_t spin_ms)
{
	int number, ready[2];
	uint64_t end_ns;
	sigset_t set;
	pid_t pid;
	char byte;

	if (pipe(ready) < 0)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (pid != 0) {
		close(ready[1]);
		(void)!read(ready[0], &byte, 1);
		close(ready[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ready[0]);
	close(ready[1]);
	sigwait(&set, &number);
	end_ns = victim_now() + spin_ms * 1000000u;
	while (victim_now() < end_ns)
		;
	for (;;)
		pause();
}

static inline void victim_spin(pid_t pid)
{
	kill(pid, SIGUSR1);
}

static inline void victim_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
