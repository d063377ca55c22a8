/* SPDX-License-Identifier: MIT */
#include "wire_p.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 4 /* one is right; room for more, so that they are not lost but closed */

static void encode(unsigned char *bytes, int64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
}

static int64_t decode(const unsigned char *bytes)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return (int64_t)value;
}

/* ETOOMANYREFS: so many of this user's descriptors are in sockets that nobody read yet. */
static int judge(int error)
{
	if (error == EAGAIN || error == EWOULDBLOCK)
		return -EAGAIN;
	if (error == ETOOMANYREFS || error == ENOBUFS || error == ENOMEM || error == EINTR)
		return -ENOBUFS;
	return -error;
}

int qrt_shmem_p_wire_send(int socket, int64_t value, int fd, struct mmsghdr *message)
{
	unsigned char bytes[8];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	int sent;

	message->msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	encode(bytes, value);
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		message->msg_hdr.msg_control = &control;
		message->msg_hdr.msg_controllen = sizeof(control.room);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	sent = sendmmsg(socket, message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	message->msg_hdr = (struct msghdr){.msg_iov = NULL}; /* nothing of this function stays anywhere */
	if (sent < 0)
		return judge(errno);
	return message->msg_len == sizeof(bytes) ? 0 : -EPIPE; /* half of one cannot be taken back */
}

void qrt_shmem_p_wire_begin(struct qrt_shmem_p_wire *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->fd = -1;
}

void qrt_shmem_p_wire_end(struct qrt_shmem_p_wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	qrt_shmem_p_wire_begin(wire);
}

/* Keeps the first descriptor; the number of all. */
static int take_fds(struct qrt_shmem_p_wire *wire, struct msghdr *message)
{
	struct cmsghdr *part;
	int fds[FDS_MAX], count = 0, i, n;

	for (part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		n = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(part), sizeof(int) * (size_t)n);
		for (i = 0; i < n; i++, count++) {
			if (!count && wire->fd < 0)
				wire->fd = fds[i];
			else
				close(fds[i]);
		}
	}
	return count;
}

static int receive_some(struct qrt_shmem_p_wire *wire, int socket)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct iovec iov = {.iov_base = wire->bytes + wire->have,
			    .iov_len = sizeof(wire->bytes) - wire->have};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.room)};
	int had = wire->fd >= 0, count;
	ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	count = take_fds(wire, &message);
	if (!got)
		return wire->have ? -EPROTO : -EPIPE;
	if (count + had > 1 || (message.msg_flags & MSG_CTRUNC))
		return -EPROTO;
	wire->have += (uint32_t)got;
	return wire->have < sizeof(wire->bytes) ? -EAGAIN : 0;
}

int qrt_shmem_p_wire_receive(struct qrt_shmem_p_wire *wire, int socket, int64_t *ret_value, int *ret_fd)
{
	int rc = receive_some(wire, socket);

	if (rc == -ECONNRESET)
		rc = -EPIPE;
	if (rc < 0)
		return rc;
	*ret_value = decode(wire->bytes);
	*ret_fd = wire->fd;
	wire->fd = -1;
	qrt_shmem_p_wire_begin(wire);
	return 1;
}
