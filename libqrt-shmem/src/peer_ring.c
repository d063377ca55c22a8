/* SPDX-License-Identifier: MIT */
/*
 * Rings. An eventfd is one thing to all who have it: any of them can fill its counter, and switch O_NONBLOCK
 * off. So whether a call waits must not depend on that.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "peer_p.h"

static const struct qrt_shmem_p_vectors *vectors_of(const struct qrt_ivshmem_peer *peer, uint32_t id)
{
	return peer->id >= 0 && (uint32_t)peer->id == id ? &peer->own : qrt_shmem_p_peer_find(peer, id);
}

int qrt_ivshmem_peer_get_vectors(const struct qrt_ivshmem_peer *peer, uint32_t id)
{
	const struct qrt_shmem_p_vectors *vectors = vectors_of(peer, id);

	return vectors ? (int)vectors->count : -ENOENT;
}

/* There is no write to an eventfd that does not wait by itself (RWF_NOWAIT is for reads): so it is asked
 * first. */
static int has_room(int fd)
{
	struct pollfd counter = {.fd = fd, .events = POLLOUT};

	return poll(&counter, 1, 0) > 0 && (counter.revents & POLLOUT);
}

/* A counter that is full is of one who has enough to look at. */
int qrt_ivshmem_peer_ring(const struct qrt_ivshmem_peer *peer, uint32_t id, uint32_t vector)
{
	const struct qrt_shmem_p_vectors *vectors = vectors_of(peer, id);
	const uint64_t one = 1;

	if (!vectors || vector >= vectors->count)
		return -ENOENT;
	if (!has_room(vectors->fds[vector]) ||
	    write(vectors->fds[vector], &one, sizeof(one)) == sizeof(one) || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	return -errno;
}

uint64_t qrt_shmem_p_peer_take_rings(int fd)
{
	uint64_t rings = 0;
	struct iovec iov = {.iov_base = &rings, .iov_len = sizeof(rings)};
	ssize_t got = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) /* a kernel before 5.13 */
		got = read(fd, &rings, sizeof(rings));
	return got == (ssize_t)sizeof(rings) ? rings : 0;
}

int qrt_ivshmem_peer_wait_ring(struct qrt_ivshmem_peer *peer, uint32_t vector, int timeout_ms)
{
	struct pollfd fd = {.events = POLLIN};
	uint64_t rings;
	int ready;

	if (vector >= peer->own.count)
		return -ENOENT;
	fd.fd = peer->own.fds[vector];
	ready = poll(&fd, 1, timeout_ms);
	if (ready < 0)
		return -errno;
	rings = ready ? qrt_shmem_p_peer_take_rings(fd.fd) : 0;
	if (!rings)
		return -ETIMEDOUT;
	return rings > INT_MAX ? INT_MAX : (int)rings;
}
