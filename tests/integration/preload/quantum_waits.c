/* SPDX-License-Identifier: MIT */
/* Calls that wait, each for a time that is over at some point: signal(7) lists them as never restarting. */
#include "quantum_subject.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MS (QUANTUM_WAIT_NS / 1000000)

static const struct timespec length = {.tv_nsec = QUANTUM_WAIT_NS};

void quantum_subject_pause(unsigned us)
{
	struct timespec ts = {us / 1000000, (long)(us % 1000000) * 1000};

	syscall(SYS_nanosleep, &ts, NULL);
}

static struct timespec in_time(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += QUANTUM_WAIT_NS;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

/* As pthread functions: the error is what they return. */
static int by_result(int rc)
{
	errno = rc;
	return rc ? -1 : 0;
}

static sigset_t *nothing(void)
{
	static sigset_t set;

	sigemptyset(&set);
	return &set;
}

/* ---- descriptors ---- */

static int call_poll(void)
{
	return poll(NULL, 0, MS);
}

static int call_ppoll(void)
{
	return ppoll(NULL, 0, &length, NULL);
}

static int call_ppoll_mask(void)
{
	return ppoll(NULL, 0, &length, nothing());
}

static int call_select(void)
{
	struct timeval timeout = {.tv_usec = QUANTUM_WAIT_NS / 1000};

	return select(0, NULL, NULL, NULL, &timeout);
}

static int call_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &length, NULL);
}

static int call_pselect_mask(void)
{
	return pselect(0, NULL, NULL, NULL, &length, nothing());
}

static int epoll_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = epoll_create1(EPOLL_CLOEXEC);
	return fd;
}

static int call_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd(), &event, 1, MS);
}

static int call_epoll_pwait(void)
{
	struct epoll_event event;

	return epoll_pwait(epoll_fd(), &event, 1, MS, nothing());
}

static int call_epoll_pwait2(void)
{
	struct epoll_event event;

	return epoll_pwait2(epoll_fd(), &event, 1, &length, nothing());
}

/* ---- time ---- */

static int call_nanosleep(void)
{
	return nanosleep(&length, NULL);
}

static int call_clock_nanosleep(void)
{
	return by_result(clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL));
}

static int call_clock_nanosleep_until(void)
{
	struct timespec until = in_time(CLOCK_MONOTONIC);

	return by_result(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
}

static int call_usleep(void)
{
	return usleep(QUANTUM_WAIT_NS / 1000);
}

static int call_sleep(void)
{
	return by_result(sleep(2) ? EINTR : 0);
}

static int call_thrd_sleep(void)
{
	return by_result(thrd_sleep(&length, NULL) == -1 ? EINTR : 0);
}

/* ---- locks and signals ---- */

static int call_sem_timedwait(void)
{
	struct timespec until = in_time(CLOCK_REALTIME);
	sem_t sem;

	sem_init(&sem, 0, 0);
	return sem_timedwait(&sem, &until);
}

static int call_sem_clockwait(void)
{
	struct timespec until = in_time(CLOCK_MONOTONIC);
	sem_t sem;

	sem_init(&sem, 0, 0);
	return sem_clockwait(&sem, CLOCK_MONOTONIC, &until);
}

static int call_futex(void)
{
	static int word;

	return (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &length, NULL, 0);
}

static int call_sigtimedwait(void)
{
	sigset_t set = *nothing();

	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX - 4);
	return sigtimedwait(&set, NULL, &length);
}

#define ENTRY(name)                                                                                          \
	{                                                                                                    \
#name, call_##name                                                                           \
	}

const struct quantum_wait quantum_waits[] = {
	ENTRY(poll),          ENTRY(ppoll),        ENTRY(ppoll_mask),      ENTRY(select),
	ENTRY(pselect),       ENTRY(pselect_mask), ENTRY(epoll_wait),      ENTRY(epoll_pwait),
	ENTRY(epoll_pwait2),  ENTRY(nanosleep),    ENTRY(clock_nanosleep), ENTRY(clock_nanosleep_until),
	ENTRY(usleep),        ENTRY(sleep),        ENTRY(thrd_sleep),      ENTRY(sem_timedwait),
	ENTRY(sem_clockwait), ENTRY(futex),        ENTRY(sigtimedwait),    ENTRY(semtimedop),
	ENTRY(semop),         ENTRY(msgrcv),       ENTRY(msgsnd),          ENTRY(recv),
	ENTRY(recvfrom),      ENTRY(recvmsg),      ENTRY(recvmmsg),        ENTRY(read),
	ENTRY(readv),         ENTRY(send),         ENTRY(sendto),          ENTRY(sendmsg),
	ENTRY(sendmmsg),      ENTRY(write),        ENTRY(writev),          ENTRY(accept),
	ENTRY(accept4),       ENTRY(connect),
};

const size_t quantum_wait_count = sizeof(quantum_waits) / sizeof(quantum_waits[0]);
