/* SPDX-License-Identifier: MIT */
/* Who connects, and who may. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_p.h"

#define GROUPS_MAX 1024

/* ---- who may ---- */

static int has(const uint32_t *list, uint32_t count, uint32_t wanted)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (list[i] == wanted)
			return 1;
	}
	return 0;
}

static int is_in_group(const struct qrt_shmem_p_listener *listener, int socket, uint32_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t length = sizeof(groups), i;

	if (has(listener->gids, listener->gid_count, gid))
		return 1;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return 0;
	for (i = 0; i < length / sizeof(*groups); i++) {
		if (has(listener->gids, listener->gid_count, groups[i]))
			return 1;
	}
	return 0;
}

/* Who connected: not who it claims to be. */
static int is_listed(const struct qrt_shmem_p_listener *listener, int socket, const struct ucred *who)
{
	if (!listener->uid_count && !listener->gid_count)
		return 1;
	return has(listener->uids, listener->uid_count, who->uid) || is_in_group(listener, socket, who->gid);
}

/* ---- connections ---- */

static void refuse(struct qrt_ivshmem_server *server, uint32_t listener, const struct ucred *who,
		   uint32_t reason)
{
	struct qrt_ivshmem_event event = {.kind = QRT_IVSHMEM_REFUSED, .id = listener, .reason = reason};

	server->record.head->refused++;
	server->record.head->no_id += reason == QRT_IVSHMEM_NO_ID;
	event.pid = who->pid;
	event.uid = who->uid;
	qrt_shmem_p_server_say(server, &event);
}

/* Out of descriptors: one was kept, so that the connection can at least be ended, and does not come again. */
static void refuse_unseen(struct qrt_ivshmem_server *server, uint32_t listener)
{
	struct ucred nobody = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	int socket;

	if (server->spare >= 0)
		close(server->spare);
	socket = accept4(server->listeners[listener].fd, NULL, NULL, SOCK_CLOEXEC);
	if (socket >= 0)
		close(socket);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	refuse(server, listener, &nobody, QRT_IVSHMEM_FULL);
}

static uint32_t reason_of(int rc)
{
	if (rc == -EADDRNOTAVAIL)
		return QRT_IVSHMEM_NO_ID;
	return rc == -EBUSY ? QRT_IVSHMEM_IN_USE : QRT_IVSHMEM_FULL;
}

static void welcome(struct qrt_ivshmem_server *server, uint32_t listener, int socket)
{
	struct ucred who = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t length = sizeof(who);
	int id;

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &length);
	if (!is_listed(&server->listeners[listener], socket, &who)) {
		close(socket);
		refuse(server, listener, &who, QRT_IVSHMEM_NOT_LISTED);
		return;
	}
	if (qrt_shmem_p_server_is_unread(server, who.uid)) {
		close(socket);
		refuse(server, listener, &who, QRT_IVSHMEM_FULL);
		return;
	}
	id = qrt_shmem_p_server_join(server, &server->listeners[listener], socket);
	if (id < 0)
		refuse(server, listener, &who, reason_of(id));
	else
		qrt_shmem_p_server_say_joined(server, (uint32_t)id);
}

void qrt_shmem_p_server_accept(struct qrt_ivshmem_server *server, uint32_t listener)
{
	int socket = accept4(server->listeners[listener].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (socket >= 0)
		welcome(server, listener, socket);
	else if (errno == EMFILE || errno == ENFILE)
		refuse_unseen(server, listener);
}
