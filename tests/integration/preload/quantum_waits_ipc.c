/* SPDX-License-Identifier: MIT */
/* Waits for messages, semaphores and sockets. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "quantum_subject.h"

/* ---- System V ---- */

static int after_removal(int rc, int id, int (*remove)(int))
{
	int saved = errno;

	remove(id);
	errno = saved;
	return rc;
}

static int remove_sem(int id)
{
	return semctl(id, 0, IPC_RMID);
}

static int remove_msg(int id)
{
	return msgctl(id, IPC_RMID, NULL);
}

int call_semtimedop(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf down = {.sem_op = -1};

	return after_removal(semtimedop(id, &down, 1, &(struct timespec){.tv_nsec = QUANTUM_WAIT_NS}), id,
			     remove_sem);
}

/* These have no time of their own: somebody ends them by taking away what they wait for. */
struct removal {
	int id;
	int (*remove)(int);
};

static void *remove_later(void *arg)
{
	struct removal *removal = arg;

	/* A little more than what is waited for, so that the wait is not found too short. */
	quantum_subject_pause(QUANTUM_WAIT_NS / 1000 * 3 / 2);
	removal->remove(removal->id);
	return NULL;
}

int call_semop(void)
{
	struct removal removal = {semget(IPC_PRIVATE, 1, 0600), remove_sem};
	struct sembuf down = {.sem_op = -1};
	pthread_t thread;
	int rc, saved;

	pthread_create(&thread, NULL, remove_later, &removal);
	rc = semop(removal.id, &down, 1);
	saved = errno;
	pthread_join(thread, NULL);
	errno = saved;
	return rc;
}

struct message {
	long type;
	char text[1024];
};

int call_msgrcv(void)
{
	struct removal removal = {msgget(IPC_PRIVATE, 0600), remove_msg};
	struct message message;
	pthread_t thread;
	int rc, saved;

	pthread_create(&thread, NULL, remove_later, &removal);
	rc = (int)msgrcv(removal.id, &message, sizeof(message.text), 0, 0);
	saved = errno;
	pthread_join(thread, NULL);
	errno = saved;
	return rc;
}

int call_msgsnd(void)
{
	struct removal removal = {msgget(IPC_PRIVATE, 0600), remove_msg};
	struct message message = {.type = 1};
	pthread_t thread;
	int rc, saved;

	while (msgsnd(removal.id, &message, sizeof(message.text), IPC_NOWAIT) == 0)
		;
	pthread_create(&thread, NULL, remove_later, &removal);
	rc = msgsnd(removal.id, &message, sizeof(message.text), 0);
	saved = errno;
	pthread_join(thread, NULL);
	errno = saved;
	return rc;
}

/* ---- sockets with a timeout ---- */

/* One that nobody sends to, and that takes no more. */
static int silent_socket(void)
{
	static int fds[2] = {-1, -1};
	struct timeval timeout = {.tv_usec = QUANTUM_WAIT_NS / 1000};
	char bytes[4096] = {0};

	if (fds[0] >= 0)
		return fds[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		abort();
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fds[0];
}

static char byte;
static struct iovec vec = {&byte, 1};
static struct msghdr header = {.msg_iov = &vec, .msg_iovlen = 1};

int call_recv(void)
{
	return (int)recv(silent_socket(), &byte, 1, 0);
}

int call_recvfrom(void)
{
	return (int)recvfrom(silent_socket(), &byte, 1, 0, NULL, NULL);
}

int call_recvmsg(void)
{
	return (int)recvmsg(silent_socket(), &header, 0);
}

int call_recvmmsg(void)
{
	struct mmsghdr headers = {.msg_hdr = header};

	return recvmmsg(silent_socket(), &headers, 1, 0, NULL);
}

int call_read(void)
{
	return (int)read(silent_socket(), &byte, 1);
}

int call_readv(void)
{
	return (int)readv(silent_socket(), &vec, 1);
}

int call_send(void)
{
	return (int)send(silent_socket(), &byte, 1, MSG_NOSIGNAL);
}

int call_sendto(void)
{
	return (int)sendto(silent_socket(), &byte, 1, MSG_NOSIGNAL, NULL, 0);
}

int call_sendmsg(void)
{
	return (int)sendmsg(silent_socket(), &header, MSG_NOSIGNAL);
}

int call_sendmmsg(void)
{
	struct mmsghdr headers = {.msg_hdr = header};

	return sendmmsg(silent_socket(), &headers, 1, MSG_NOSIGNAL);
}

int call_write(void)
{
	return (int)write(silent_socket(), &byte, 1);
}

int call_writev(void)
{
	return (int)writev(silent_socket(), &vec, 1);
}

/* A name of no file, one a process. */
static socklen_t name_of(struct sockaddr_un *ret_name)
{
	pid_t pid = getpid();

	memset(ret_name, 0, sizeof(*ret_name));
	ret_name->sun_family = AF_UNIX;
	memcpy(ret_name->sun_path + 1, &pid, sizeof(pid));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + sizeof(pid));
}

static int timed_socket(void)
{
	struct timeval timeout = {.tv_usec = QUANTUM_WAIT_NS / 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* Nobody comes to this one. */
static int deaf_socket(void)
{
	static int fd = -1;
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	if (fd >= 0)
		return fd;
	fd = timed_socket();
	/* Linux finds a name for it. */
	if (bind(fd, (struct sockaddr *)&name, sizeof(name.sun_family)) || listen(fd, 0))
		abort();
	return fd;
}

int call_accept(void)
{
	return accept(deaf_socket(), NULL, NULL);
}

int call_accept4(void)
{
	return accept4(deaf_socket(), NULL, NULL, SOCK_CLOEXEC);
}

/* Nobody answers at this one, and as many as may are waiting already. */
int call_connect(void)
{
	static int busy = -1;
	struct sockaddr_un name;
	socklen_t len = name_of(&name);
	int fd, rc, saved;

	if (busy < 0) {
		busy = timed_socket();
		if (bind(busy, (struct sockaddr *)&name, len) || listen(busy, 0))
			abort();
		do {
			fd = timed_socket();
			fcntl(fd, F_SETFL, O_NONBLOCK);
		} while (connect(fd, (struct sockaddr *)&name, len) == 0);
	}
	fd = timed_socket();
	rc = connect(fd, (struct sockaddr *)&name, len);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
