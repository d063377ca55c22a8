/* SPDX-License-Identifier: MIT */
/* Clients come. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "peer_p.h"
#include "server_p.h"

void qrt_shmem_p_server_tell_all(struct qrt_ivshmem_server *server, uint32_t slot,
				 const struct qrt_shmem_p_client *but)
{
	struct qrt_shmem_p_client *client;

	for (client = server->first; client; client = client->next) {
		if (client != but)
			qrt_shmem_p_tell(server, client, slot);
	}
	qrt_shmem_p_server_want_more(server);
}

int qrt_shmem_p_server_keep_socket(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client)
{
	char name[65];

	qrt_shmem_p_name_socket(name, sizeof(name), client->slot, client->entry->serial);
	return qrt_shmem_p_keep(server, name, client->socket);
}

static int reserve_fds(struct qrt_shmem_p_client *client, uint32_t count)
{
	int *more;

	if (client->fd_count >= count)
		return 0;
	more = realloc(client->fds, sizeof(*more) * count);
	if (!more)
		return -ENOMEM;
	client->fds = more;
	while (client->fd_count < count)
		more[client->fd_count++] = -1;
	return 0;
}

/* A server that was killed may have put one by that name; this one's is not dropped as nobody's. */
static void forget_kept(struct qrt_ivshmem_server *server, const char *name)
{
	int fd = qrt_shmem_p_server_take_kept(server, name);

	if (fd >= 0)
		close(fd);
}

/* As QEMU makes them: reading one that nobody rang does not wait. */
static int make_fd(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client, uint32_t i)
{
	char name[65];
	int rc;

	client->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->fds[i] < 0)
		return -errno;
	qrt_shmem_p_name_vector(name, sizeof(name), client->slot, client->entry->origin, i);
	forget_kept(server, name);
	rc = qrt_shmem_p_keep(server, name, client->fds[i]);
	if (rc < 0) {
		close(client->fds[i]);
		client->fds[i] = -1;
	}
	return rc;
}

int qrt_shmem_p_server_make_fds(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
				uint32_t first)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	uint32_t i;
	int rc = reserve_fds(client, entry->vectors);

	for (i = first; i < entry->vectors && rc >= 0; i++) {
		rc = make_fd(server, client, i);
		if (rc >= 0 && i >= entry->fds)
			__atomic_store_n(&entry->fds, i + 1, __ATOMIC_RELEASE);
	}
	return rc;
}

/* A program of this library has bound its end to a name of this kind (peer.c). One that only claims to be
 * such a program is told what is so, and can harm nobody but itself by that. */
static int is_peer(int socket)
{
	static const char prefix[] = QRT_SHMEM_P_PEER_NAME;
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t length = sizeof(address);

	return getpeername(socket, (struct sockaddr *)&address, &length) >= 0 &&
	       address.sun_family == AF_UNIX &&
	       length >= offsetof(struct sockaddr_un, sun_path) + sizeof(prefix) && !address.sun_path[0] &&
	       memcmp(address.sun_path + 1, prefix, sizeof(prefix) - 1) == 0;
}

static void identify(struct qrt_shmem_p_entry *entry, int socket)
{
	struct ucred credentials = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t length = sizeof(credentials);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
	entry->pid = credentials.pid;
	entry->uid = credentials.uid;
	entry->gid = credentials.gid;
	entry->is_peer = (uint32_t)is_peer(socket);
}

uint32_t qrt_shmem_p_server_draw_serial(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_head *head = server->record.head;

	head->next_serial = head->next_serial == UINT32_MAX ? 1 : head->next_serial + 1;
	return head->next_serial;
}

void qrt_shmem_p_server_introduce(struct qrt_shmem_p_entry *entry,
				  const struct qrt_shmem_p_listener *listener, int socket)
{
	entry->vectors = listener->vectors;
	entry->listener = listener->number;
	entry->socket_key = listener->key;
	entry->is_bound = (listener->flags & QRT_IVSHMEM_LISTEN_ID) != 0;
	entry->partial = entry->sending = 0;
	entry->told = 0;
	entry->joined_ns = qrt_shmem_p_now_ns();
	memcpy(entry->name, listener->name, sizeof(entry->name));
	identify(entry, socket);
	entry->is_peer |= (uint32_t)listener->is_peer;
}

static void enter(struct qrt_ivshmem_server *server, uint32_t slot, uint32_t id,
		  const struct qrt_shmem_p_listener *listener, int socket)
{
	struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

	memset(entry, 0, sizeof(*entry));
	qrt_shmem_p_record_clear(&server->record, slot);
	entry->origin = entry->serial = qrt_shmem_p_server_draw_serial(server);
	entry->id = id;
	qrt_shmem_p_server_introduce(entry, listener, socket);
	entry->fds = entry->vectors;
	__atomic_store_n(&entry->phase, QRT_SHMEM_P_JOINING, __ATOMIC_RELEASE);
}

/* All but itself first, and itself last: the protocol's order. */
static void greet(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	const struct qrt_shmem_p_client *other;

	for (other = server->first; other; other = other->next) {
		if (other != client)
			qrt_shmem_p_tell(server, client, other->slot);
	}
	qrt_shmem_p_tell(server, client, client->slot);
}

int qrt_shmem_p_server_begin(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	qrt_shmem_p_server_begin_life(server, client->entry->id, 1);
	__atomic_store_n(&client->entry->phase, QRT_SHMEM_P_GREET_VERSION, __ATOMIC_RELEASE);
	server->record.head->joined++;
	greet(server, client);
	qrt_shmem_p_server_tell_all(server, client->slot, client);
	return (int)client->entry->id;
}

static int settle_in(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	int rc = qrt_shmem_p_server_keep_socket(server, client);

	if (rc >= 0)
		rc = qrt_shmem_p_server_make_fds(server, client, 0);
	return rc < 0 ? rc : qrt_shmem_p_server_admit(server, client);
}

static int join_slot(struct qrt_ivshmem_server *server, uint32_t slot, int socket)
{
	struct qrt_shmem_p_client *client = qrt_shmem_p_server_take_in(server, slot, socket);
	int rc;

	if (!client) {
		close(socket);
		qrt_shmem_p_server_clear_slot(server, slot);
		return -ENOMEM;
	}
	rc = settle_in(server, client);
	if (rc >= 0)
		return qrt_shmem_p_server_begin(server, client);
	qrt_shmem_p_server_free(client);
	qrt_shmem_p_server_clear_slot(server, slot);
	return rc;
}

static int is_too_much(const struct qrt_ivshmem_server *server, uint32_t more)
{
	return server->fds + more > server->vectors_max;
}

/* Those that nobody believes in make room. */
static int find_room(struct qrt_ivshmem_server *server, uint32_t fds)
{
	int slot;

	do {
		slot = is_too_much(server, fds) ? -ENOSPC : qrt_shmem_p_server_find_slot(server);
	} while (slot < 0 && qrt_shmem_p_server_retire_any(server));
	return slot;
}

static int join_new(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_listener *listener,
		    uint32_t id, int socket)
{
	int slot = find_room(server, listener->vectors);

	if (slot < 0) {
		close(socket);
		return slot;
	}
	enter(server, (uint32_t)slot, id, listener, socket);
	return join_slot(server, (uint32_t)slot, socket);
}

static int join_absent(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_listener *listener,
		       struct qrt_shmem_p_client *absent, int socket)
{
	uint32_t fds = absent->entry->fds;

	if (listener->vectors > fds && is_too_much(server, listener->vectors - fds)) {
		close(socket);
		return -ENOSPC;
	}
	return qrt_shmem_p_server_come_back(server, absent, listener, socket);
}

int qrt_shmem_p_server_join(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_listener *listener,
			    int socket)
{
	int id = qrt_shmem_p_server_choose_id(server, listener);
	struct qrt_shmem_p_client *absent;

	if (id < 0) {
		close(socket);
		return id;
	}
	absent = qrt_shmem_p_server_find_absent(server, (uint32_t)id);
	return absent ? join_absent(server, listener, absent, socket)
		      : join_new(server, listener, (uint32_t)id, socket);
}
