/* SPDX-License-Identifier: MIT */
/* What a server says to a peer, and what it must not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer_p.h"

#define EVENTFD "anon_inode:[eventfd]"

/* ---- the greeting ---- */

static int take_version(struct qrt_ivshmem_peer *peer, int64_t value, int fd)
{
	if (value != QRT_IVSHMEM_VERSION || fd >= 0)
		return -EPROTO;
	peer->greeting = QRT_SHMEM_P_WANTS_ID;
	return 0;
}

static int take_id(struct qrt_ivshmem_peer *peer, int64_t value, int fd)
{
	if (value < 0 || value >= QRT_IVSHMEM_IDS || fd >= 0)
		return -EPROTO;
	peer->id = (int32_t)value;
	peer->greeting = QRT_SHMEM_P_WANTS_MEMORY;
	return 0;
}

static int can_shrink(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals < 0 || !(seals & F_SEAL_SHRINK);
}

static int map_memory(struct qrt_ivshmem_peer *peer, int fd)
{
	struct stat status;
	void *at;

	if (fstat(fd, &status) < 0 || status.st_size <= 0 || (uint64_t)status.st_size > peer->length_max)
		return -EPROTO;
	if ((peer->flags & QRT_IVSHMEM_PEER_SEALED) && can_shrink(fd))
		return -EPERM;
	at = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	peer->memory = at;
	peer->length = (uint64_t)status.st_size;
	return 0;
}

static int take_memory(struct qrt_ivshmem_peer *peer, int64_t value, int fd,
		       struct qrt_ivshmem_event *ret_event)
{
	int rc;

	if (value != -1 || fd < 0)
		return -EPROTO;
	rc = map_memory(peer, fd);
	if (rc < 0)
		return rc;
	close(fd);
	peer->greeting = QRT_SHMEM_P_READY;
	ret_event->kind = QRT_IVSHMEM_READY;
	ret_event->id = (uint32_t)peer->id;
	return 1;
}

/* ---- vectors ---- */

/* Writing to anything else may wait, or do whatever it does. Without /proc it has to be believed. */
static int is_eventfd(int fd)
{
	char path[32], target[sizeof(EVENTFD) + 1];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	return length < 0 || (length == sizeof(EVENTFD) - 1 && !memcmp(target, EVENTFD, sizeof(EVENTFD) - 1));
}

/* Who rings must not wait for one whose counter is full. */
static int prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !is_eventfd(fd))
		return -EPROTO;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int add_vector(struct qrt_shmem_p_vectors *vectors, int fd)
{
	uint32_t room = vectors->room ? vectors->room * 2 : 4;
	int *fds;

	if (vectors->count == QRT_IVSHMEM_VECTORS_MAX)
		return -EPROTO;
	if (vectors->count == vectors->room) {
		fds = realloc(vectors->fds, sizeof(*fds) * room);
		if (!fds)
			return -ENOMEM;
		vectors->fds = fds;
		vectors->room = room;
	}
	vectors->fds[vectors->count++] = fd;
	return 0;
}

void qrt_shmem_p_peer_forget(struct qrt_shmem_p_vectors *vectors)
{
	uint32_t i;

	for (i = 0; i < vectors->count; i++)
		close(vectors->fds[i]);
	free(vectors->fds);
	memset(vectors, 0, sizeof(*vectors));
}

static int take_own(struct qrt_ivshmem_peer *peer, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = peer->own.count};
	int rc = add_vector(&peer->own, fd);

	if (rc < 0)
		return rc;
	if (epoll_ctl(peer->epoll, EPOLL_CTL_ADD, fd, &event) >= 0)
		return 0;
	peer->own.count--;
	return -errno;
}

/* One that is there has a vector at least. */
static int take_first(struct qrt_ivshmem_peer *peer, uint32_t id, int fd)
{
	struct qrt_shmem_p_vectors *other;
	int rc;

	if (peer->peers == peer->peers_max)
		return -ENOSPC;
	other = qrt_shmem_p_peer_add(peer, id);
	if (!other)
		return -ENOMEM;
	rc = add_vector(other, fd);
	if (rc < 0)
		qrt_shmem_p_peer_remove(peer, id);
	return rc;
}

static int take_vector(struct qrt_ivshmem_peer *peer, uint32_t id, int fd,
		       struct qrt_ivshmem_event *ret_event)
{
	struct qrt_shmem_p_vectors *other = qrt_shmem_p_peer_find(peer, id);
	int rc;

	if (other)
		return add_vector(other, fd);
	rc = take_first(peer, id, fd);
	if (rc < 0)
		return rc;
	ret_event->kind = QRT_IVSHMEM_JOINED;
	ret_event->id = id;
	ret_event->vectors = 1;
	return 1;
}

static int take_leave(struct qrt_ivshmem_peer *peer, uint32_t id, struct qrt_ivshmem_event *ret_event)
{
	const struct qrt_shmem_p_vectors *other = qrt_shmem_p_peer_find(peer, id);

	if (!other)
		return 0;
	ret_event->kind = QRT_IVSHMEM_LEFT;
	ret_event->id = id;
	ret_event->vectors = other->count;
	qrt_shmem_p_peer_remove(peer, id);
	return 1;
}

static int take_news(struct qrt_ivshmem_peer *peer, int64_t value, int fd,
		     struct qrt_ivshmem_event *ret_event)
{
	int rc;

	if (value < 0 || value >= QRT_IVSHMEM_IDS)
		return -EPROTO;
	if (fd < 0)
		return take_leave(peer, (uint32_t)value, ret_event);
	rc = prepare(fd);
	if (rc < 0)
		return rc;
	return value == peer->id ? take_own(peer, fd) : take_vector(peer, (uint32_t)value, fd, ret_event);
}

int qrt_shmem_p_peer_take(struct qrt_ivshmem_peer *peer, int64_t value, int fd,
			  struct qrt_ivshmem_event *ret_event)
{
	int rc;

	memset(ret_event, 0, sizeof(*ret_event));
	switch (peer->greeting) {
	case QRT_SHMEM_P_WANTS_VERSION:
		rc = take_version(peer, value, fd);
		break;
	case QRT_SHMEM_P_WANTS_ID:
		rc = take_id(peer, value, fd);
		break;
	case QRT_SHMEM_P_WANTS_MEMORY:
		rc = take_memory(peer, value, fd, ret_event);
		break;
	default:
		rc = take_news(peer, value, fd, ret_event);
	}
	if (rc < 0 && fd >= 0)
		close(fd);
	/* One more than this peer has room for is as if it were not there. */
	return rc == -ENOSPC ? 0 : rc;
}
