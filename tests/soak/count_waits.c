/* SPDX-License-Identifier: MIT */
/*
 * Counts what calls of the C library return in a program, loaded twice: before the library that is tested
 * (COUNT_ABOVE), where the program's own view is seen, and behind it, where the C library's is. The counts
 * are in the file that QRT_COUNTS names, a struct counts of counters.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct counts {
	_Atomic uint64_t calls_above, interrupted_above; /* as the program sees it */
	_Atomic uint64_t calls_below, interrupted_below; /* as the C library has it */
	_Atomic uint64_t kept_out;                       /* a slice was over at the end of a call */
	_Atomic uint64_t yields;
	char last[32]; /* what was interrupted above */
};

#define CALLS                                                                                                \
	CALL(poll, int, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))             \
	CALL(ppoll, int,                                                                                     \
	     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),      \
	     (fds, count, timeout, mask))                                                                    \
	CALL(select, int, (int count, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout),             \
	     (count, r, w, e, timeout))                                                                      \
	CALL(epoll_wait, int, (int fd, struct epoll_event *events, int max, int timeout),                    \
	     (fd, events, max, timeout))                                                                     \
	CALL(nanosleep, int, (const struct timespec *time, struct timespec *left), (time, left))             \
	CALL(usleep, int, (useconds_t us), (us))                                                             \
	CALL(sem_timedwait, int, (sem_t * sem, const struct timespec *until), (sem, until))                  \
	CALL(sigtimedwait, int, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),      \
	     (set, info, timeout))                                                                           \
	CALL(waitpid, pid_t, (pid_t pid, int *status, int flags), (pid, status, flags))                      \
	CALL(accept4, int, (int fd, struct sockaddr *restrict from, socklen_t *restrict len, int flags),     \
	     (fd, from, len, flags))                                                                         \
	CALL(connect, int, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))                \
	CALL(recv, ssize_t, (int fd, void *buf, size_t size, int flags), (fd, buf, size, flags))             \
	CALL(recvmsg, ssize_t, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))                    \
	CALL(send, ssize_t, (int fd, const void *buf, size_t size, int flags), (fd, buf, size, flags))       \
	CALL(sendmsg, ssize_t, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags))              \
	CALL(read, ssize_t, (int fd, void *buf, size_t size), (fd, buf, size))                               \
	CALL(readv, ssize_t, (int fd, const struct iovec *vec, int count), (fd, vec, count))                 \
	CALL(write, ssize_t, (int fd, const void *buf, size_t size), (fd, buf, size))                        \
	CALL(writev, ssize_t, (int fd, const struct iovec *vec, int count), (fd, vec, count))                \
	CALL(pread64, ssize_t, (int fd, void *buf, size_t size, off64_t at), (fd, buf, size, at))            \
	CALL(pwrite64, ssize_t, (int fd, const void *buf, size_t size, off64_t at), (fd, buf, size, at))     \
	CALL(preadv64, ssize_t, (int fd, const struct iovec *vec, int count, off64_t at),                    \
	     (fd, vec, count, at))                                                                           \
	CALL(pwritev64, ssize_t, (int fd, const struct iovec *vec, int count, off64_t at),                   \
	     (fd, vec, count, at))                                                                           \
	CALL(fdatasync, int, (int fd), (fd))

static struct {
#define CALL(name, result, params, args) result(*name) params; // NOLINT(bugprone-macro-parentheses): declares
	CALLS
#undef CALL
	int (*sched_yield)(void);
	long (*syscall)(long, ...);
} real;
static struct counts *counts;
static _Atomic int is_resolved;

static void resolve_all(void)
{
	static const char *const names[] = {
#define CALL(name, result, params, args) #name,
		CALLS
#undef CALL
		"sched_yield",
		"syscall",
	};
	void *symbols[sizeof(names) / sizeof(names[0])];
	size_t i;

	_Static_assert(sizeof(symbols) == sizeof(real), "one name for each");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		symbols[i] = dlsym(RTLD_NEXT, names[i]);
	memcpy(&real, symbols, sizeof(real));
	atomic_store(&is_resolved, 1);
}

static void resolve(void)
{
	if (!atomic_load(&is_resolved))
		resolve_all();
}

__attribute__((constructor)) static void construct(void)
{
	const char *path = getenv("QRT_COUNTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	resolve();
	if (fd >= 0)
		at = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		fprintf(stderr, "QRT_COUNTS names no file to count in\n");
		_exit(99);
	}
	close(fd);
	counts = at;
}

#ifdef COUNT_ABOVE

static void note(const char *name, int is_interrupted)
{
	if (!counts)
		return;
	atomic_fetch_add(&counts->calls_above, 1);
	if (!is_interrupted)
		return;
	atomic_fetch_add(&counts->interrupted_above, 1);
	strncpy(counts->last, name, sizeof(counts->last) - 1);
}

EXPORT int sched_yield(void)
{
	resolve();
	if (counts)
		atomic_fetch_add(&counts->yields, 1);
	return real.sched_yield();
}

#else

static int is_pending(void)
{
	uint64_t set = 0;

	return real.syscall(SYS_rt_sigpending, &set, sizeof(set)) == 0 && (set >> (SIGRTMAX - 5) & 1);
}

static void note(const char *name, int is_interrupted)
{
	int saved = errno;

	(void)name;
	if (!counts)
		return;
	atomic_fetch_add(&counts->calls_below, 1);
	if (is_interrupted)
		atomic_fetch_add(&counts->interrupted_below, 1);
	if (is_pending())
		atomic_fetch_add(&counts->kept_out, 1);
	errno = saved;
}

#endif

#define CALL(name, result, params, args)                                                                     \
	EXPORT result name params                                                                            \
	{                                                                                                    \
		result rc;                                                                                   \
                                                                                                             \
		resolve();                                                                                   \
		rc = real.name args;                                                                         \
		note(#name, rc < 0 && errno == EINTR);                                                       \
		return rc;                                                                                   \
	}

/* clang-format off */
CALLS
/* clang-format on */

EXPORT long syscall(long number, ...)
{
	long args[6], rc;
	va_list list;
	int i;

	resolve();
	va_start(list, number);
	for (i = 0; i < 6; i++)
		args[i] = va_arg(list, long); // NOLINT(clang-analyzer-valist.Uninitialized): it was started
	va_end(list);
	rc = real.syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (number == SYS_futex)
		note("futex", rc < 0 && errno == EINTR);
	return rc;
}
