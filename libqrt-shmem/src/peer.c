/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "error_p.h"
#include "peer_p.h"

#define PEERS_MAX   1024u
#define LENGTH_MAX  (1ull << 40)
#define MARK_SOCKET 0xffffffffu
#define EVENTS_MAX  64
#define HEARD_MAX                                                                                            \
	4096u /* messages of one harvest: a server that says nothing but nonsense has an end, too            \
	       */
#define CONNECT_S 5

/* ---- beginning ---- */

/* So that the server knows that this is a program of this library, which may be told of an id again. Without
 * a name it is told what any other client is. */
static void bind_name(int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unsigned long long number = 0;
	int length;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return;
	length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, QRT_SHMEM_P_PEER_NAME "%016llx",
			  number);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) < 0)
		errno = 0;
}

static int connect_to(const char *path, struct qrt_shmem_error *reterr)
{
	const struct timeval patience = {.tv_sec = CONNECT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return qrt_shmem_p_error(reterr, -ENAMETOOLONG,
					 "%s: a socket's path has at most %zu characters", path,
					 sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return qrt_shmem_p_error(reterr, -errno, "no socket: %s", strerror(errno));
	/* One that hangs, and whose queue is full, is not waited for for ever. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	bind_name(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
		return fd;
	rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
	close(fd);
	return qrt_shmem_p_error(reterr, rc, "%s: no ivshmem server answers there: %s", path, strerror(-rc));
}

static int have_socket(const struct qrt_ivshmem_peer_config *config, struct qrt_shmem_error *reterr)
{
	int fd;

	if (config->path)
		return connect_to(config->path, reterr);
	fd = fcntl(config->fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : qrt_shmem_p_error(reterr, -errno, "no connection: %s", strerror(errno));
}

static int prepare(struct qrt_ivshmem_peer *peer, const struct qrt_ivshmem_peer_config *config)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = MARK_SOCKET};

	peer->flags = config->flags;
	peer->id = -1;
	peer->peers_max = config->peers_max ? config->peers_max : PEERS_MAX;
	peer->length_max = config->length_max ? config->length_max : LENGTH_MAX;
	qrt_shmem_p_wire_begin(&peer->wire);
	peer->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (peer->epoll < 0 || epoll_ctl(peer->epoll, EPOLL_CTL_ADD, peer->socket, &event) < 0)
		return -errno;
	return 0;
}

int qrt_ivshmem_peer_open(const struct qrt_ivshmem_peer_config *config, struct qrt_ivshmem_peer **ret_peer,
			  struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_peer_config own;
	struct qrt_ivshmem_peer *peer;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0 || (own.flags & ~QRT_IVSHMEM_PEER_SEALED))
		return qrt_shmem_p_error(reterr, rc < 0 ? rc : -EINVAL,
					 "a peer's config is of another version");
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return qrt_shmem_p_error(reterr, -ENOMEM, "out of memory");
	peer->epoll = -1;
	peer->socket = have_socket(&own, reterr);
	rc = peer->socket;
	if (rc >= 0) {
		rc = prepare(peer, &own);
		if (rc < 0)
			qrt_shmem_p_error(reterr, rc, "a peer cannot begin: %s", strerror(-rc));
	}
	if (rc < 0) {
		qrt_ivshmem_peer_close(peer);
		return rc;
	}
	*ret_peer = peer;
	return 0;
}

struct qrt_ivshmem_peer *qrt_ivshmem_peer_close(struct qrt_ivshmem_peer *peer)
{
	if (!peer)
		return NULL;
	qrt_shmem_p_peer_remove_all(peer);
	qrt_shmem_p_peer_forget(&peer->own);
	qrt_shmem_p_wire_end(&peer->wire);
	if (peer->memory)
		munmap(peer->memory, peer->length);
	if (peer->socket >= 0)
		close(peer->socket);
	if (peer->epoll >= 0)
		close(peer->epoll);
	free(peer);
	return NULL;
}

/* ---- what comes ---- */

static void lose_server(struct qrt_ivshmem_peer *peer)
{
	qrt_shmem_p_wire_end(&peer->wire);
	epoll_ctl(peer->epoll, EPOLL_CTL_DEL, peer->socket, NULL);
	close(peer->socket);
	peer->socket = -1;
}

static int say_gone(struct qrt_ivshmem_peer *peer, struct qrt_ivshmem_event *ret_event)
{
	lose_server(peer);
	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->kind = QRT_IVSHMEM_GONE;
	return 1;
}

/* The socket is readable until the error was said. */
static int note_error(struct qrt_ivshmem_peer *peer, int rc)
{
	peer->error = rc;
	shutdown(peer->socket, SHUT_RDWR);
	return rc;
}

int qrt_shmem_p_peer_report(struct qrt_ivshmem_peer *peer)
{
	int rc = peer->error;

	peer->error = 0;
	lose_server(peer);
	return rc;
}

int qrt_shmem_p_peer_hear(struct qrt_ivshmem_peer *peer, struct qrt_ivshmem_event *ret_event)
{
	int64_t value;
	int fd, rc = qrt_shmem_p_wire_receive(&peer->wire, peer->socket, &value, &fd);

	if (rc == -EPIPE)
		return say_gone(peer, ret_event);
	if (rc > 0)
		rc = qrt_shmem_p_peer_take(peer, value, fd, ret_event);
	return rc < 0 && rc != -EAGAIN ? note_error(peer, rc) : rc;
}

static int take_ring(const struct qrt_ivshmem_peer *peer, uint32_t vector,
		     struct qrt_ivshmem_event *ret_event)
{
	uint64_t rings = qrt_shmem_p_peer_take_rings(peer->own.fds[vector]);

	if (!rings)
		return 0;
	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->kind = QRT_IVSHMEM_RING;
	ret_event->id = vector;
	ret_event->rings = rings;
	return 1;
}

/* The server's come as long as there is room: each message may be one. */
static size_t take_all(struct qrt_ivshmem_peer *peer, struct qrt_ivshmem_event *ret_events, size_t max)
{
	size_t count = 0;
	uint32_t heard;
	int rc = 0;

	for (heard = 0; heard < HEARD_MAX && count < max && peer->socket >= 0 && !peer->error && rc >= 0;
	     heard++) {
		rc = qrt_shmem_p_peer_hear(peer, &ret_events[count]);
		count += rc > 0;
	}
	return count;
}

int qrt_ivshmem_peer_harvest(struct qrt_ivshmem_peer *peer, struct qrt_ivshmem_event *ret_events, size_t max)
{
	struct epoll_event found[EVENTS_MAX];
	size_t count = 0;
	int is_server = 0, n, i;

	if (!max || !ret_events)
		return -EINVAL;
	n = epoll_wait(peer->epoll, found, max < EVENTS_MAX ? (int)max : EVENTS_MAX, 0);
	for (i = 0; i < n; i++) {
		if (found[i].data.u64 == MARK_SOCKET)
			is_server = 1;
		else
			count += (size_t)take_ring(peer, (uint32_t)found[i].data.u64, &ret_events[count]);
	}
	if (is_server)
		count += take_all(peer, ret_events + count, max - count);
	return peer->error && !count ? qrt_shmem_p_peer_report(peer) : (int)count;
}

/* ---- what there is ---- */

int qrt_ivshmem_peer_get_fd(const struct qrt_ivshmem_peer *peer)
{
	return peer->epoll;
}

int qrt_ivshmem_peer_get_id(const struct qrt_ivshmem_peer *peer)
{
	return peer->greeting == QRT_SHMEM_P_READY ? peer->id : -EAGAIN;
}

void *qrt_ivshmem_peer_get_memory(const struct qrt_ivshmem_peer *peer, uint64_t *ret_length)
{
	if (peer->memory && ret_length)
		*ret_length = peer->length;
	return peer->memory;
}
