/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hold_p.h"

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int) * 2)];
};

int qrt_shmem_p_note_send(int socket, char verb, const char *name, int fd, int flags)
{
	struct iovec iov[2] = {{.iov_base = &verb, .iov_len = 1},
			       {.iov_base = (void *)(uintptr_t)name, .iov_len = strlen(name)}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	union control control;
	ssize_t sent;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* One is right. */
static int take_fd(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	int fds[2], count, fd = -1;

	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
		return -1;
	count = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(part), sizeof(int) * (size_t)count);
	if (count > 0)
		fd = fds[0];
	if (count > 1)
		close(fds[1]);
	return fd;
}

static int is_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(name);
}

int qrt_shmem_p_note_receive(int socket, struct qrt_shmem_p_note *ret_note, int flags)
{
	struct iovec iov[2] = {{.iov_base = &ret_note->verb, .iov_len = 1},
			       {.iov_base = ret_note->name, .iov_len = QRT_SHMEM_P_HOLD_NAME_MAX}};
	union control control;
	struct msghdr message = {.msg_iov = iov,
				 .msg_iovlen = 2,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.room)};
	ssize_t got;

	memset(ret_note, 0, sizeof(*ret_note));
	ret_note->fd = -1;
	do {
		got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -errno;
	ret_note->fd = take_fd(&message);
	if (!got)
		return 0;
	ret_note->name[got - 1] = 0;
	if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_name(ret_note->name))
		return 1;
	if (ret_note->fd >= 0)
		close(ret_note->fd);
	return -EPROTO;
}
