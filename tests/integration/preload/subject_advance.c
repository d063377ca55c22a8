/* SPDX-License-Identifier: MIT */
/* A main loop with deadlines, one of which wakes a thread that is named like a vCPU. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"

#define DEADLINES  40
#define TIMEOUT_NS 5000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int wakes, waiting, is_over, spurious;

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *halt(void *unused)
{
	int seen = 0;

	(void)unused;
	pthread_setname_np(pthread_self(), "CPU 0/TCG");
	pthread_mutex_lock(&lock);
	while (!is_over) {
		waiting = 1;
		pthread_cond_wait(&wake, &lock);
		spurious += wakes == seen && !is_over;
		seen = wakes;
	}
	pthread_mutex_unlock(&lock);
	printf("vcpu_us|%d\n", (int)(now(CLOCK_THREAD_CPUTIME_ID) / 1000));
	return NULL;
}

static void wake_vcpu(int last)
{
	pthread_mutex_lock(&lock);
	wakes++;
	is_over = last;
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
}

static void *plug(void *ret_is_woken)
{
	sigset_t blocked;

	pthread_setname_np(pthread_self(), "CPU 1/TCG");
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	*(int *)ret_is_woken = !sigismember(&blocked, SIGRTMAX - 3);
	return NULL;
}

/* vCPUs come and go: is the last one still among those that are woken, which unblocks their signal? */
void do_replug(int count)
{
	int is_woken = 0;
	pthread_t thread;
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGRTMAX - 3);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	while (count--) {
		pthread_create(&thread, NULL, plug, &is_woken);
		pthread_join(thread, NULL);
	}
	printf("woken|%d\n", is_woken);
}

/* How many of the deadlines were passed to the caller too early. */
static int run_deadlines(struct pollfd *fds)
{
	const struct timespec timeout = {0, TIMEOUT_NS};
	int i, early = 0;

	for (i = 0; i < DEADLINES; i++) {
		uint64_t start = now(CLOCK_MONOTONIC);

		if (ppoll(fds, 1, &timeout, NULL) != 0)
			puts("ppoll failed");
		early += now(CLOCK_MONOTONIC) - start < TIMEOUT_NS;
		wake_vcpu(i == DEADLINES - 1);
	}
	return early;
}

/* A child of fork goes on polling: it must not signal its parent's threads. */
static void poll_in_child(struct pollfd *fds)
{
	const struct timespec timeout = {0, TIMEOUT_NS};
	pid_t pid = fork();
	int i;

	if (!pid) {
		for (i = 0; i < 20; i++)
			ppoll(fds, 1, &timeout, NULL);
		_exit(0);
	}
	wait_for(pid);
}

void do_advance(void)
{
	struct pollfd fds = {.events = POLLIN};
	uint64_t start, cpu;
	pthread_t thread;
	int pipes[2];

	if (pipe(pipes))
		exit(3);
	fds.fd = pipes[0];
	pthread_create(&thread, NULL, halt, NULL);
	while (!__atomic_load_n(&waiting, __ATOMIC_RELAXED))
		usleep(1000);
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	printf("early|%d\n", run_deadlines(&fds));
	printf("main_us|%d\n", (int)((now(CLOCK_THREAD_CPUTIME_ID) - cpu) / 1000));
	pthread_join(thread, NULL);
	printf("wakes|%d\nspurious|%d\n", wakes, spurious);
	if (write(pipes[1], "x", 1) != 1)
		exit(3);
	start = now(CLOCK_MONOTONIC);
	printf("ready|%d\n", ppoll(&fds, 1, &(struct timespec){.tv_sec = 30}, NULL));
	printf("at once|%d\n", now(CLOCK_MONOTONIC) - start < 5000000000u);
	fflush(stdout);
	poll_in_child(&(struct pollfd){.fd = -1});
	printf("bad timeout|%d\n", ppoll(&fds, 1, &(struct timespec){.tv_nsec = 2000000000}, NULL) < 0);
}
