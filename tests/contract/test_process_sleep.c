/* SPDX-License-Identifier: MIT */
/* What a program under its own plan sleeps in. No CPU spins for long here. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- poll ---- */

static void do_nothing(int number)
{
	(void)number;
}

static void poll_returns_what_is_ready(void)
{
	const struct timespec none = {0}, ages = {LONG_MAX, 0};
	struct pollfd fds[2];
	int pair[2];

	CU_ASSERT_EQUAL(pipe(pair), 0);
	fds[0] = (struct pollfd){.fd = pair[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = 1000000, .events = POLLIN};
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 1, &none, NULL), 0);
	CU_ASSERT_EQUAL(write(pair[1], "x", 1), 1);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 1, &none, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 1, &ages, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 1, NULL, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 1, &(struct timespec){1, 0}, NULL), 1);
	CU_ASSERT_EQUAL(fds[0].revents, POLLIN);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(fds, 2, &(struct timespec){1, 0}, NULL), 2);
	CU_ASSERT_EQUAL(fds[1].revents, POLLNVAL);
	close(pair[0]);
	close(pair[1]);
}

/* 5 ms; 100 us, which is less than the advance is. */
static void poll_is_never_early(void)
{
	static const long lengths[] = {5000000, 100000, 1};
	uint64_t start;
	size_t i;

	for (i = 0; i < 3; i++) {
		start = now();
		CU_ASSERT_EQUAL(qrt_sched_process_poll(NULL, 0, &(struct timespec){0, lengths[i]}, NULL), 0);
		CU_ASSERT(now() - start >= (uint64_t)lengths[i]);
	}
}

static void poll_fails_as_the_kernels(void)
{
	struct sigaction action;
	sigset_t blocked, open;

	memset(&action, 0, sizeof(action));
	action.sa_handler = do_nothing;
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &open);
	raise(SIGUSR1);
	errno = 0;
	CU_ASSERT_EQUAL(qrt_sched_process_poll(NULL, 0, &(struct timespec){1, 0}, &open), -1);
	CU_ASSERT_EQUAL(errno, EINTR);
	pthread_sigmask(SIG_SETMASK, &open, NULL);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(NULL, 0, &(struct timespec){-1, 0}, NULL), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_process_poll(NULL, 0, &(struct timespec){0, 1000000000}, NULL), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
}

static void poll_in_all_ways(void)
{
	poll_returns_what_is_ready();
	poll_is_never_early();
	poll_fails_as_the_kernels();
}

APART(poll_without_a_handle_is_the_kernels)
{
	poll_in_all_ways();
}

APART(poll_of_the_main_loop_is_the_kernels)
{
	qrt_sched_process_enter(process_open("advance=500"), QRT_SCHED_PLACER_MAIN);
	poll_in_all_ways();
	CU_ASSERT_EQUAL(said_count(""), 0);
}

/* ---- advance ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int asked, answered;

/* A vCPU that halts until the main loop has a timer for it. */
static void *answer(void *rounds)
{
	qrt_sched_process_begin_thread("CPU 0/KVM");
	pthread_mutex_lock(&lock);
	while (answered < *(int *)rounds) {
		while (asked == answered) {
			qrt_sched_process_begin_sleep(&cond);
			pthread_cond_wait(&cond, &lock);
			qrt_sched_process_end_sleep();
		}
		answered = asked;
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int wait_for_answer(void)
{
	int i, is;

	for (i = 0; i < 100000; i++) {
		pthread_mutex_lock(&lock);
		is = answered == asked;
		pthread_mutex_unlock(&lock);
		if (is)
			return 1;
		usleep(200);
	}
	return 0;
}

static void ask_after_deadlines(int rounds)
{
	pthread_t vcpu;
	int i, met = 0;

	pthread_create(&vcpu, NULL, answer, &rounds);
	for (i = 0; i < rounds; i++) {
		CU_ASSERT_EQUAL(qrt_sched_process_poll(NULL, 0, &(struct timespec){0, 1000000}, NULL), 0);
		pthread_mutex_lock(&lock);
		asked++;
		pthread_cond_signal(&cond);
		qrt_sched_process_signalled(&cond);
		pthread_mutex_unlock(&lock);
		met += wait_for_answer();
	}
	CU_ASSERT_EQUAL(met, rounds);
	pthread_join(vcpu, NULL);
}

APART(vcpus_are_awake_for_the_main_loop)
{
	struct sigaction action;

	qrt_sched_process_enter(process_open("advance=200"), QRT_SCHED_PLACER_MAIN);
	CU_ASSERT_EQUAL(sigaction(SIGRTMAX - 3, NULL, &action), 0);
	CU_ASSERT(action.sa_handler != SIG_DFL);
	ask_after_deadlines(50);
	CU_ASSERT_EQUAL(said_count(""), 0);
}

APART(without_advance_no_signal_is_taken)
{
	struct sigaction action;

	qrt_sched_process_enter(process_open("main_ioprio=be:5"), QRT_SCHED_PLACER_MAIN);
	CU_ASSERT_EQUAL(sigaction(SIGRTMAX - 3, NULL, &action), 0);
	CU_ASSERT(action.sa_handler == SIG_DFL);
	ask_after_deadlines(5);
}

APART(the_programs_own_signal_stays_its)
{
	struct sigaction action;

	signal(SIGRTMAX - 3, do_nothing);
	qrt_sched_process_enter(process_open("advance=200"), QRT_SCHED_PLACER_MAIN);
	CU_ASSERT_EQUAL(sigaction(SIGRTMAX - 3, NULL, &action), 0);
	CU_ASSERT(action.sa_handler == do_nothing);
	CU_ASSERT_EQUAL(said_count("advance: the program uses signal"), 1);
	ask_after_deadlines(5);
}

static const struct tap_test tests[] = {
	{"poll without a handle is the kernel's", poll_without_a_handle_is_the_kernels},
	{"poll of the main loop is the kernel's", poll_of_the_main_loop_is_the_kernels},
	{"vCPUs are awake for the main loop", vcpus_are_awake_for_the_main_loop},
	{"without advance no signal is taken", without_advance_no_signal_is_taken},
	{"the program's own signal stays its", the_programs_own_signal_stays_its},
};

TAP_MAIN("contract of processes, sleep", tests)
