/* SPDX-License-Identifier: MIT */
/*
 * Calls that never restart (signal(7)): the signal that ends slices must not interrupt them. To call again
 * would do for that one, but swallow the interruption by any other signal that came along, and would have
 * to count what is left of a time. So our signal is kept out for the length of the call: such calls sleep
 * rather than run, and what became due ends the slice at their end. Calls with a signal mask of their own
 * get it added there.
 *
 * read and write, which restart, unless a socket has a timeout, and which are called far too often for
 * that, are called again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "preload_p.h"
#include "quantum_p.h"

/* Of programs built with _FORTIFY_SOURCE; no header has them. */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t size, size_t room, int flags,
		       struct sockaddr *restrict from, socklen_t *restrict len);
ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);

/* WAIT: held. MASK: `mask` is added to instead, or held where there is none. READ: called again. */
#define CALLS                                                                                                \
	WAIT(poll, int, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))             \
	WAIT(select, int, (int count, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout),             \
	     (count, r, w, e, timeout))                                                                      \
	WAIT(epoll_wait, int, (int fd, struct epoll_event *events, int max, int timeout),                    \
	     (fd, events, max, timeout))                                                                     \
	WAIT(pause, int, (void), ())                                                                         \
	WAIT(sleep, unsigned, (unsigned seconds), (seconds))                                                 \
	WAIT(usleep, int, (useconds_t us), (us))                                                             \
	WAIT(nanosleep, int, (const struct timespec *time, struct timespec *left), (time, left))             \
	WAIT(clock_nanosleep, int,                                                                           \
	     (clockid_t clock, int flags, const struct timespec *time, struct timespec *left),               \
	     (clock, flags, time, left))                                                                     \
	WAIT(thrd_sleep, int, (const struct timespec *time, struct timespec *left), (time, left))            \
	WAIT(sem_timedwait, int, (sem_t * sem, const struct timespec *until), (sem, until))                  \
	WAIT(sem_clockwait, int, (sem_t * sem, clockid_t clock, const struct timespec *until),               \
	     (sem, clock, until))                                                                            \
	WAIT(semop, int, (int id, struct sembuf *ops, size_t count), (id, ops, count))                       \
	WAIT(semtimedop, int, (int id, struct sembuf *ops, size_t count, const struct timespec *timeout),    \
	     (id, ops, count, timeout))                                                                      \
	WAIT(msgrcv, ssize_t, (int id, void *msg, size_t size, long type, int flags),                        \
	     (id, msg, size, type, flags))                                                                   \
	WAIT(msgsnd, int, (int id, const void *msg, size_t size, int flags), (id, msg, size, flags))         \
	WAIT(accept, int, (int fd, struct sockaddr *restrict from, socklen_t *restrict len),                 \
	     (fd, from, len))                                                                                \
	WAIT(accept4, int, (int fd, struct sockaddr *restrict from, socklen_t *restrict len, int flags),     \
	     (fd, from, len, flags))                                                                         \
	WAIT(connect, int, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))                \
	WAIT(recv, ssize_t, (int fd, void *buf, size_t size, int flags), (fd, buf, size, flags))             \
	WAIT(recvfrom, ssize_t,                                                                              \
	     (int fd, void *restrict buf, size_t size, int flags, struct sockaddr *restrict from,            \
	      socklen_t *restrict len),                                                                      \
	     (fd, buf, size, flags, from, len))                                                              \
	WAIT(recvmsg, ssize_t, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))                    \
	WAIT(recvmmsg, int,                                                                                  \
	     (int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout),            \
	     (fd, msgs, count, flags, timeout))                                                              \
	WAIT(send, ssize_t, (int fd, const void *buf, size_t size, int flags), (fd, buf, size, flags))       \
	WAIT(sendto, ssize_t,                                                                                \
	     (int fd, const void *buf, size_t size, int flags, const struct sockaddr *to, socklen_t len),    \
	     (fd, buf, size, flags, to, len))                                                                \
	WAIT(sendmsg, ssize_t, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags))              \
	WAIT(sendmmsg, int, (int fd, struct mmsghdr *msgs, unsigned count, int flags),                       \
	     (fd, msgs, count, flags))                                                                       \
	WAIT(fallocate64, int, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size))           \
	WAIT(posix_fallocate64, int, (int fd, off64_t at, off64_t size), (fd, at, size))                     \
	WAIT(__poll_chk, int, (struct pollfd * fds, nfds_t count, int timeout, size_t room),                 \
	     (fds, count, timeout, room))                                                                    \
	WAIT(__recv_chk, ssize_t, (int fd, void *buf, size_t size, size_t room, int flags),                  \
	     (fd, buf, size, room, flags))                                                                   \
	WAIT(__recvfrom_chk, ssize_t,                                                                        \
	     (int fd, void *restrict buf, size_t size, size_t room, int flags,                               \
	      struct sockaddr *restrict from, socklen_t *restrict len),                                      \
	     (fd, buf, size, room, flags, from, len))                                                        \
	MASK(pselect, int,                                                                                   \
	     (int count, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout,                    \
	      const sigset_t *mask),                                                                         \
	     (count, r, w, e, timeout, mask))                                                                \
	MASK(epoll_pwait, int,                                                                               \
	     (int fd, struct epoll_event *events, int max, int timeout, const sigset_t *mask),               \
	     (fd, events, max, timeout, mask))                                                               \
	MASK(epoll_pwait2, int,                                                                              \
	     (int fd, struct epoll_event *events, int max, const struct timespec *timeout,                   \
	      const sigset_t *mask),                                                                         \
	     (fd, events, max, timeout, mask))                                                               \
	MASK(__ppoll_chk, int,                                                                               \
	     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,       \
	      size_t room),                                                                                  \
	     (fds, count, timeout, mask, room))                                                              \
	READ(read, ssize_t, (int fd, void *buf, size_t size), (fd, buf, size))                               \
	READ(readv, ssize_t, (int fd, const struct iovec *vec, int count), (fd, vec, count))                 \
	READ(write, ssize_t, (int fd, const void *buf, size_t size), (fd, buf, size))                        \
	READ(writev, ssize_t, (int fd, const struct iovec *vec, int count), (fd, vec, count))                \
	READ(__read_chk, ssize_t, (int fd, void *buf, size_t size, size_t room), (fd, buf, size, room))

static struct {
#define WAIT(name, result, params, args) result(*name) params; // NOLINT(bugprone-macro-parentheses): declares
#define MASK                             WAIT
#define READ                             WAIT
	CALLS
#undef WAIT
#undef MASK
#undef READ
} real;
static _Atomic int is_resolved;

static void resolve_all(void)
{
	static const char *const names[] = {
#define WAIT(name, result, params, args) #name,
#define MASK                             WAIT
#define READ                             WAIT
		CALLS
#undef WAIT
#undef MASK
#undef READ
	};
	void *symbols[sizeof(names) / sizeof(names[0])];
	size_t i;

	_Static_assert(sizeof(symbols) == sizeof(real), "one name for each");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		symbols[i] = preload_symbol(names[i], NULL);
	memcpy(&real, symbols, sizeof(real));
}

/* A signal handler may be the first to call one of them: not if it can be helped. */
__attribute__((constructor)) static void resolve(void)
{
	if (LIKELY(atomic_load_explicit(&is_resolved, memory_order_acquire)))
		return;
	resolve_all();
	atomic_store_explicit(&is_resolved, 1, memory_order_release);
}

/* Only for the sake of our signal, as far as that can be known. */
static int is_to_be_called_again(ssize_t rc, uint64_t *seen)
{
	uint64_t before = *seen;

	if (LIKELY(rc >= 0 || errno != EINTR))
		return 0;
	*seen = qrt_sched_p_quantum_signals();
	return *seen != before;
}

#define WAIT(name, result, params, args)                                                                     \
	EXPORT result name params                                                                            \
	{                                                                                                    \
		int held = preload_hold();                                                                   \
		result rc;                                                                                   \
                                                                                                             \
		resolve();                                                                                   \
		rc = real.name args;                                                                         \
		preload_release(held);                                                                       \
		return rc;                                                                                   \
	}

/* The caller's `mask` is replaced by one with our signal in it. */
#define MASK(name, result, params, args)                                                                     \
	EXPORT result name params                                                                            \
	{                                                                                                    \
		int held = mask ? 0 : preload_hold();                                                        \
		sigset_t copy;                                                                               \
		result rc;                                                                                   \
                                                                                                             \
		resolve();                                                                                   \
		mask = preload_with_quantum(mask, &copy);                                                    \
		rc = real.name args;                                                                         \
		preload_release(held);                                                                       \
		return rc;                                                                                   \
	}

#define READ(name, result, params, args)                                                                     \
	EXPORT result name params                                                                            \
	{                                                                                                    \
		uint64_t seen = qrt_sched_p_quantum_signals();                                               \
		result rc;                                                                                   \
                                                                                                             \
		resolve();                                                                                   \
		do                                                                                           \
			rc = real.name args;                                                                 \
		while (is_to_be_called_again(rc, &seen));                                                    \
		return rc;                                                                                   \
	}

/* clang-format off */
CALLS
/* clang-format on */

#ifdef __LP64__
/* The same functions; the header leads these names to the others. */
EXPORT int preload_fallocate(int fd, int mode, off64_t at, off64_t size) __asm__("fallocate")
	__attribute__((alias("fallocate64")));
EXPORT int preload_posix_fallocate(int fd, off64_t at, off64_t size) __asm__("posix_fallocate")
	__attribute__((alias("posix_fallocate64")));
#endif
