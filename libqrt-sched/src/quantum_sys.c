/* SPDX-License-Identifier: MIT */
/* System calls themselves where a signal handler makes them, and where somebody may stand in for the C
 * library's functions. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "quantum_p.h"

#define TICK_LONGEST 10000000 /* ns: of 100 Hz, where the kernel does not tell */

static int result(long rc)
{
	return rc < 0 ? -errno : 0;
}

static uint64_t to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

static uint64_t thread_time(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return to_ns(&ts);
}

/* The coarse clock goes by it. */
static uint64_t tick(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &ts) < 0 || to_ns(&ts) > TICK_LONGEST)
		return TICK_LONGEST;
	return to_ns(&ts);
}

static int make_timer(clockid_t clock, int signal, int *ret_timer)
{
	struct sigevent event;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = signal;
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	return result(syscall(SYS_timer_create, clock, &event, ret_timer));
}

static int set_timer(int timer, uint64_t ns)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)}};

	return result(syscall(SYS_timer_settime, timer, 0, &spec, NULL));
}

static int delete_timer(int timer)
{
	return result(syscall(SYS_timer_delete, timer));
}

static int yield(void)
{
	return result(sched_yield());
}

static int block(int signal, int on)
{
	uint64_t set = UINT64_C(1) << (signal - 1), had = 0;
	long rc = syscall(SYS_rt_sigprocmask, on ? SIG_BLOCK : SIG_UNBLOCK, &set, &had, sizeof(set));

	return rc < 0 ? -errno : (had & set) != 0;
}

/* A thread that is off the CPU in the handler handles nothing else either; afterwards it does. */
static int take_signal(int signal, void (*handler)(int))
{
	struct sigaction action, had;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	sigfillset(&action.sa_mask);
	if (sigaction(signal, NULL, &had) < 0)
		return -errno;
	if (had.sa_handler != SIG_DFL)
		return -EBUSY;
	return result(sigaction(signal, &action, NULL));
}

const struct qrt_sched_p_timing qrt_sched_p_timing_kernel = {
	.thread_time = thread_time,
	.tick = tick,
	.make_timer = make_timer,
	.set_timer = set_timer,
	.delete_timer = delete_timer,
	.yield = yield,
	.block = block,
	.take_signal = take_signal,
};

const struct qrt_sched_p_timing *qrt_sched_p_timing = &qrt_sched_p_timing_kernel;
