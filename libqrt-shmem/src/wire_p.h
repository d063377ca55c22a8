/* SPDX-License-Identifier: MIT */
/* Messages of ivshmem's protocol: 8 bytes, little-endian, and at most one descriptor. */
#ifndef QRT_SHMEM_WIRE_P_H
#define QRT_SHMEM_WIRE_P_H

#include <stdint.h>
#include <sys/socket.h>

/* What programs of this library bind their end of a connection to, in the abstract namespace; a number
 * follows. */
#define QRT_SHMEM_P_PEER_NAME "qrt-ivshmem-peer."

/* Sends one without waiting; fd -1: none. Whether it went says message->msg_len, too, which the kernel sets
 * within the same call: 8 or 0, whatever this process dies at. -EAGAIN: the socket is full; -ENOBUFS: the
 * kernel has no room, of memory or for descriptors in flight; -EPIPE and others: the connection is of no use
 * any more. */
int qrt_shmem_p_wire_send(int socket, int64_t value, int fd, struct mmsghdr *message);

/* One that is being received: a stream may give it in pieces. */
struct qrt_shmem_p_wire {
	unsigned char bytes[8];
	uint32_t have;
	int32_t fd; /* -1: none so far */
};

void qrt_shmem_p_wire_begin(struct qrt_shmem_p_wire *wire);
/* 1: *ret_value and *ret_fd (-1: none; else the caller's, CLOEXEC); -EAGAIN: not all of it is there; -EPIPE:
 * the other end closed; -EPROTO: more than one descriptor, or it closed within a message. Without waiting. */
int qrt_shmem_p_wire_receive(struct qrt_shmem_p_wire *wire, int socket, int64_t *ret_value, int *ret_fd);
/* Closes what came of one that is not whole. */
void qrt_shmem_p_wire_end(struct qrt_shmem_p_wire *wire);

#endif
