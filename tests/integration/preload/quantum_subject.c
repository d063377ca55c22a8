/* SPDX-License-Identifier: MIT */
/* A program that knows nothing of quanta: its threads wait in every call that a signal interrupts for
 * good, and print what came of it; they take turns, block all signals, fork. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "quantum_subject.h"
#include "turns.h"

static void ignore(int number)
{
	(void)number;
}

/* ---- waits ---- */

static struct {
	pthread_t target;
	_Atomic int number; /* of the signal that is sent */
	_Atomic int left;   /* so often */
	_Atomic int is_over;
} kick;

/* Several: the first one may come before the call sleeps. */
static void *send_signals(void *unused)
{
	(void)unused;
	while (!kick.is_over) {
		if (kick.left > 0) {
			pthread_kill(kick.target, kick.number);
			kick.left--;
		}
		quantum_subject_pause(1000);
	}
	return NULL;
}

static void start_sending(int number)
{
	kick.number = number;
	kick.left = 10;
	errno = 0;
}

#define TRIES 20 /* the sender may be late on a busy machine */

/* What comes of a call under that signal. Prints whether one of them ended early without being interrupted.
 */
static void try_under(const struct quantum_wait *wait, int number, int tries)
{
	int rc = 0, is_interrupted = 0, is_early = 0;

	while (tries-- > 0 && !is_interrupted) {
		uint64_t start = turns_now();

		start_sending(number);
		rc = wait->call();
		kick.left = 0;
		is_interrupted = rc < 0 && errno == EINTR;
		is_early |= !is_interrupted && turns_now() - start < QUANTUM_WAIT_NS;
	}
	printf("|%s|%s", rc < 0 ? strerrorname_np(errno) : "done", is_early ? "early" : "late");
}

static void try_one(const struct quantum_wait *wait, int ours)
{
	printf("%s", wait->name);
	try_under(wait, SIGRTMAX - 4, ours);
	try_under(wait, SIGUSR1, TRIES);
	puts("");
}

/* They wait for the first signal that there is a handler for. */
static void try_pause(const char *name, int (*call)(void))
{
	uint64_t start = turns_now();

	start_sending(SIGRTMAX - 4);
	alarm(1);
	call();
	kick.left = 0;
	printf("%s|%s|%d\n", name, strerrorname_np(errno), turns_now() - start > 500000000);
}

static int call_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static int with_handler;

static void *wait_in_all(void *unused)
{
	sigset_t alarms;
	size_t i;

	(void)unused;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	pthread_setname_np(pthread_self(), "CPU 0/TCG");
	for (i = 0; i < quantum_wait_count; i++)
		try_one(&quantum_waits[i], with_handler ? TRIES : 2);
	try_pause("pause", pause);
	try_pause("sigsuspend", call_sigsuspend);
	kick.is_over = 1;
	return NULL;
}

/* With a handler of its own for the signal it is as it would be without any library. */
static void do_waits(void)
{
	struct sigaction action = {.sa_handler = ignore};
	pthread_t sender;
	sigset_t block;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	action.sa_flags = SA_RESTART;
	if (with_handler)
		sigaction(SIGRTMAX - 4, &action, NULL);
	/* The alarm is for one thread. */
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	pthread_create(&kick.target, NULL, wait_in_all, NULL);
	pthread_create(&sender, NULL, send_signals, NULL);
	pthread_join(kick.target, NULL);
	pthread_join(sender, NULL);
}

/* ---- the thread itself ---- */

static uint64_t hex_of(const char *path, const char *field)
{
	char line[256];
	uint64_t value = 0;
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, field, strlen(field)))
			value = strtoull(line + strlen(field), NULL, 16);
	}
	if (file)
		fclose(file);
	return value;
}

static int is_blocked(void)
{
	return (int)(hex_of("/proc/thread-self/status", "SigBlk:") >> (SIGRTMAX - 5) & 1);
}

static int count_timers(void)
{
	char line[256];
	int count = 0;
	FILE *file = fopen("/proc/self/timers", "re");

	while (file && fgets(line, sizeof(line), file))
		count += !strncmp(line, "ID:", 3);
	if (file)
		fclose(file);
	return count;
}

static void show(const char *label)
{
	printf("%s|%d|%d\n", label, sched_getscheduler(0) & 0xff, count_timers());
}

static void *change_roles(void *unused)
{
	(void)unused;
	show("unnamed");
	pthread_setname_np(pthread_self(), "CPU 0/TCG");
	show("vcpu");
	pthread_setname_np(pthread_self(), "IO disk");
	show("ioth");
	pthread_setname_np(pthread_self(), "worker");
	show("paio");
	pthread_setname_np(pthread_self(), "CPU 1/TCG");
	show("vcpu again");
	fflush(stdout);
	if (!fork()) {
		show("child");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return NULL;
}

static void run(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, NULL))
		exit(4);
	pthread_join(thread, NULL);
}

static void do_roles(void)
{
	run(change_roles);
	show("after");
}

static void burn(unsigned ms)
{
	uint64_t until = turns_now() + ms * UINT64_C(1000000);

	while (turns_now() < until)
		;
}

static void *block_all(void *unused)
{
	struct sigaction action = {.sa_handler = SIG_DFL}, had;
	sigset_t all, old;
	int number = 0;

	(void)unused;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_setname_np(pthread_self(), "CPU 0/TCG");
	printf("inherited|%d\n", is_blocked());
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	printf("pthread_sigmask|%d\n", is_blocked());
	sigprocmask(SIG_BLOCK, &all, &old);
	printf("sigprocmask|%d\n", is_blocked());
	printf("told|%d\n", sigismember(&old, SIGRTMAX - 4));
	/* All signals are pending for it now, but the one that it is sent is not among those. */
	pthread_kill(pthread_self(), SIGRTMAX - 4);
	pthread_kill(pthread_self(), SIGUSR2);
	printf("sigwait|%d|", sigwait(&all, &number));
	printf("%d\n", number == SIGUSR2);
	sigaction(SIGRTMAX - 4, &action, &had);
	signal(SIGRTMAX - 4, SIG_DFL);
	printf("default|%d\n", had.sa_handler == SIG_DFL);
	burn(50);
	printf("alive|%d\n", is_blocked());
	return NULL;
}

static unsigned allot_ms;

/* Space in shared memory, 64 MiB at a time. */
static void *allot(void *unused)
{
	uint64_t until = turns_now() + allot_ms * UINT64_C(1000000);
	int fd = memfd_create("space", MFD_CLOEXEC), calls, interrupted = 0;

	(void)unused;
	pthread_setname_np(pthread_self(), "CPU 0/TCG");
	for (calls = 0; turns_now() < until; calls++) {
		interrupted += fallocate(fd, 0, 0, 64 << 20) < 0 && errno == EINTR;
		if (ftruncate(fd, 0))
			exit(5);
	}
	close(fd);
	printf("calls|%d\ninterrupted|%d\n", calls, interrupted);
	return NULL;
}

static void do_fallocate(unsigned ms)
{
	allot_ms = ms;
	run(allot);
}

/* ---- turns ---- */

static int enter(struct turns *turns, int thread)
{
	char name[16];

	(void)turns;
	snprintf(name, sizeof(name), "CPU %d/TCG", thread);
	pthread_setname_np(pthread_self(), name);
	return 0;
}

static void do_turns(unsigned ms)
{
	static struct turns turns;
	int i;

	turns = (struct turns){.threads = 2, .policy = -1, .time_ns = ms * UINT64_C(1000000), .begin = enter};
	turns_take_enough(&turns, NULL, 3);
	for (i = 0; i < 2; i++)
		printf("%d|%zu|%llu\n", i, turns_count(&turns, i),
		       (unsigned long long)turns_median(&turns, i, TURNS_CPU) / 1000);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "waits")) {
		with_handler = argc > 2;
		do_waits();
	} else if (!strcmp(mode, "roles"))
		do_roles();
	else if (!strcmp(mode, "masks"))
		run(block_all);
	else if (!strcmp(mode, "fallocate"))
		do_fallocate((unsigned)atoi(argv[2]));
	else if (!strcmp(mode, "turns"))
		do_turns((unsigned)atoi(argv[2]));
	else
		return 2;
	return 0;
}
