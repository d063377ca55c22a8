/* SPDX-License-Identifier: MIT */
/* Those of the calls that never restart that are not all alike: see eintr.c. */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "preload_p.h"
#include "quantum_p.h"

struct io_event;
int io_getevents(void *context, long min, long max, struct io_event *events, struct timespec *timeout);

static struct {
	int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int (*sigtimedwait)(const sigset_t *, siginfo_t *, const struct timespec *);
	int (*sigwait)(const sigset_t *, int *);
	int (*sigsuspend)(const sigset_t *);
	long (*syscall)(long, ...);
	int (*io_getevents)(void *, long, long, struct io_event *, struct timespec *);
} real;
static _Atomic int is_resolved;

static void resolve_all(void)
{
	void *symbols[] = {preload_symbol("ppoll", NULL),   preload_symbol("sigtimedwait", NULL),
			   preload_symbol("sigwait", NULL), preload_symbol("sigsuspend", NULL),
			   preload_symbol("syscall", NULL), preload_symbol("io_getevents", NULL)};

	_Static_assert(sizeof(symbols) == sizeof(real), "one symbol for each");
	memcpy(&real, symbols, sizeof(real));
}

/* Not by a signal handler's first call, if it can be helped. */
__attribute__((constructor)) static void resolve(void)
{
	if (LIKELY(atomic_load_explicit(&is_resolved, memory_order_acquire)))
		return;
	resolve_all();
	atomic_store_explicit(&is_resolved, 1, memory_order_release);
}

int preload_hold(void)
{
	if (LIKELY(!qrt_sched_p_quantum_own))
		return 0;
	qrt_sched_quantum_hold();
	return 1;
}

/* In any case, not back to how it was: a program that jumped out of a handler is right again at its next
 * call. */
void preload_release(int held)
{
	if (held)
		qrt_sched_quantum_release();
}

/* The main loop's is in advance.c. */
int preload_calm_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	int held = mask ? 0 : preload_hold(), rc;
	sigset_t copy;

	resolve();
	rc = real.ppoll(fds, count, timeout, preload_with_quantum(mask, &copy));
	preload_release(held);
	return rc;
}

/*
 * The guest's code has to be interrupted, or it would spin beyond its slice; but QEMU takes its big lock for
 * every EINTR. Whoever stops a vCPU for another reason leaves a mark that the next call heeds:
 * immediate_exit, or a signal that is blocked but in here.
 */
int preload_calm_run(int fd, unsigned long request, void *arg)
{
	uint64_t seen, now = qrt_sched_p_quantum_signals();
	int rc;

	do {
		seen = now;
		rc = preload_real()->ioctl(fd, request, arg);
		now = qrt_sched_p_quantum_signals();
	} while (UNLIKELY(rc < 0 && errno == EINTR && now != seen));
	return rc;
}

/* What waits for all signals does not wait for ours, and it is not taken from under us either. */
EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	int held = preload_hold(), rc;
	sigset_t copy;

	resolve();
	rc = real.sigtimedwait(preload_without_quantum(set, &copy), info, timeout);
	preload_release(held);
	return rc;
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return sigtimedwait(set, info, NULL);
}

EXPORT int sigwait(const sigset_t *set, int *number)
{
	int held = preload_hold(), rc;
	sigset_t copy;

	resolve();
	rc = real.sigwait(preload_without_quantum(set, &copy), number);
	preload_release(held);
	return rc;
}

EXPORT int sigsuspend(const sigset_t *mask)
{
	sigset_t copy;

	resolve();
	return real.sigsuspend(preload_with_quantum(mask, &copy));
}

/* As libaio's, which returns the error. */
static int get_events(void *context, long min, long max, struct io_event *events, struct timespec *timeout)
{
	int saved = errno;
	long rc = real.syscall(SYS_io_getevents, context, min, max, events, timeout);

	if (rc < 0)
		rc = -errno;
	errno = saved;
	return (int)rc;
}

/* Not in the C library, and perhaps not there yet: who loads libaio later finds this one. */
EXPORT int io_getevents(void *context, long min, long max, struct io_event *events, struct timespec *timeout)
{
	int held = preload_hold(), rc;

	resolve();
	rc = (real.io_getevents ? real.io_getevents : get_events)(context, min, max, events, timeout);
	preload_release(held);
	return rc;
}

/* Without a time it restarts. */
static int is_futex_wait(const long *args)
{
	int operation = (int)args[1] & FUTEX_CMD_MASK;

	return args[3] && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
			   operation == FUTEX_WAIT_REQUEUE_PI);
}

static int is_wait(long number, const long *args)
{
	switch (number) {
	case SYS_futex:
		return is_futex_wait(args);
	case SYS_epoll_pwait:
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_semtimedop:
	case SYS_msgrcv:
	case SYS_msgsnd:
	case SYS_io_getevents:
	case SYS_io_uring_enter:
#ifdef SYS_futex_waitv
	case SYS_futex_waitv:
#endif
		return 1;
	default:
		return 0;
	}
}

EXPORT long syscall(long number, ...)
{
	long args[6], rc;
	va_list list;
	int i, held;

	/* Callers pass as many as the call has: the rest is never looked at. */
	va_start(list, number);
	for (i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	resolve();
	held = is_wait(number, args) ? preload_hold() : 0;
	rc = real.syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	preload_release(held);
	return rc;
}
