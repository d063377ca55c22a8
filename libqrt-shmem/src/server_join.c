/* SPDX-License-Identifier: MIT */
/* Clients come and go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_p.h"

/* A socket takes some messages and no more: descriptors on their way count against a limit that all clients
 * of a user share. */
#define SEND_BYTES 8192

/* ---- what is here of a client ---- */

static void free_queue(struct qrt_shmem_p_queue *queue)
{
	free(queue->slots);
	free(queue->is_in);
}

static int make_queue(struct qrt_shmem_p_queue *queue, uint32_t room)
{
	queue->slots = malloc(sizeof(*queue->slots) * room);
	queue->is_in = calloc(1, room / 8 + 1);
	return queue->slots && queue->is_in;
}

void qrt_shmem_p_server_free(struct qrt_shmem_p_client *client)
{
	uint32_t i;

	for (i = 0; client->fds && i < client->vectors; i++) {
		if (client->fds[i] >= 0)
			close(client->fds[i]);
	}
	if (client->socket >= 0)
		close(client->socket);
	free(client->fds);
	free_queue(&client->left);
	free_queue(&client->there);
	free(client);
}

struct qrt_shmem_p_client *qrt_shmem_p_server_take_in(struct qrt_ivshmem_server *server, uint32_t slot,
						      int socket)
{
	struct qrt_shmem_p_client *client = calloc(1, sizeof(*client));
	uint32_t i;
	int is_whole;

	if (!client)
		return NULL;
	client->entry = qrt_shmem_p_record_entry(&server->record, slot);
	client->told = qrt_shmem_p_record_told(&server->record, slot);
	client->slot = slot;
	client->socket = -1;
	client->vectors = client->entry->vectors;
	client->fds = malloc(sizeof(*client->fds) * client->vectors);
	for (client->room = 1; client->room < server->peers_max;)
		client->room *= 2;
	is_whole = make_queue(&client->left, client->room) & make_queue(&client->there, client->room);
	for (i = 0; client->fds && i < client->vectors; i++)
		client->fds[i] = -1;
	if (!client->fds || !is_whole) {
		qrt_shmem_p_server_free(client);
		return NULL;
	}
	client->socket = socket;
	return client;
}

static void link_client(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	client->previous = server->last;
	*(server->last ? &server->last->next : &server->first) = client;
	server->last = client;
	server->slots[client->slot] = client;
	server->by_id[client->entry->id] = client->slot + 1;
	server->clients++;
	server->vectors += client->entry->vectors;
}

static void unlink_client(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	*(client->previous ? &client->previous->next : &server->first) = client->next;
	*(client->next ? &client->next->previous : &server->last) = client->previous;
	server->slots[client->slot] = NULL;
	server->by_id[client->entry->id] = 0;
	server->clients--;
	server->vectors -= client->entry->vectors;
}

int qrt_shmem_p_server_admit(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = qrt_shmem_p_mark_of(client)};
	int bytes = SEND_BYTES;

	setsockopt(client->socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, client->socket, &event) < 0)
		return -errno;
	link_client(server, client);
	return 0;
}

void qrt_shmem_p_server_forget(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	unlink_client(server, client);
	qrt_shmem_p_server_free(client);
}

/* ---- leaving ---- */

void qrt_shmem_p_server_say_left(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_entry *entry,
				 uint32_t reason)
{
	struct qrt_ivshmem_event event = {.kind = QRT_IVSHMEM_LEFT, .reason = reason};

	event.id = entry->id;
	event.vectors = entry->vectors;
	event.pid = entry->pid;
	event.uid = entry->uid;
	server->record.head->left++;
	qrt_shmem_p_server_say(server, &event);
}

static void tell_all(struct qrt_ivshmem_server *server, uint32_t slot, const struct qrt_shmem_p_client *but)
{
	struct qrt_shmem_p_client *client;

	for (client = server->first; client; client = client->next) {
		if (client != but)
			qrt_shmem_p_tell(server, client, slot);
	}
	qrt_shmem_p_server_want_more(server);
}

/* Every reader of its socket sees the end, also where the store still holds it. A server that was thought
 * dead, and wakes up here, forgets the client and no more: connection, record and memory are another one's by
 * now. */
void qrt_shmem_p_server_part(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
			     uint32_t reason)
{
	uint32_t slot = client->slot, id = client->entry->id;

	if (qrt_shmem_p_server_is_replaced(server)) {
		qrt_shmem_p_server_forget(server, client);
		return;
	}
	qrt_shmem_p_server_say_left(server, client->entry, reason);
	server->record.head->stalled += reason == QRT_IVSHMEM_STALLED;
	server->record.head->talked += reason == QRT_IVSHMEM_TALKED;
	shutdown(client->socket, SHUT_RDWR);
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, client->socket, NULL);
	qrt_shmem_p_server_forget(server, client);
	/* In this order: a slot that is free has no life, also where this server is killed here. */
	qrt_shmem_p_server_begin_life(server, id, 0);
	qrt_shmem_p_server_clear_slot(server, slot);
	tell_all(server, slot, NULL);
}

/* ---- joining ---- */

static int keep_socket(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client)
{
	char name[65];

	qrt_shmem_p_name_socket(name, sizeof(name), client->slot, client->entry->serial);
	return qrt_shmem_p_keep(server, name, client->socket);
}

/* As QEMU makes them: reading one that nobody rang does not wait. */
static int make_vectors(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	char name[65];
	uint32_t i;
	int rc = 0;

	for (i = 0; i < client->entry->vectors && rc >= 0; i++) {
		client->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (client->fds[i] < 0)
			return -errno;
		qrt_shmem_p_name_vector(name, sizeof(name), client->slot, client->entry->serial, i);
		rc = qrt_shmem_p_keep(server, name, client->fds[i]);
	}
	return rc;
}

static void identify(struct qrt_shmem_p_entry *entry, int socket)
{
	struct ucred credentials = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t length = sizeof(credentials);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
	entry->pid = credentials.pid;
	entry->uid = credentials.uid;
	entry->gid = credentials.gid;
}

static void enter(struct qrt_ivshmem_server *server, uint32_t slot, uint32_t id, uint32_t number, int socket)
{
	const struct qrt_shmem_p_listener *listener = &server->listeners[number];
	struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);
	struct qrt_shmem_p_head *head = server->record.head;

	memset(entry, 0, sizeof(*entry));
	memset(qrt_shmem_p_record_told(&server->record, slot), 0,
	       sizeof(struct qrt_shmem_p_told) * server->peers_max);
	head->next_serial = head->next_serial >= QRT_SHMEM_P_NO_SERIAL - 1 ? 1 : head->next_serial + 1;
	entry->serial = head->next_serial;
	entry->id = id;
	entry->vectors = listener->vectors;
	entry->listener = number;
	entry->is_bound = (listener->flags & QRT_IVSHMEM_LISTEN_ID) != 0;
	entry->joined_ns = qrt_shmem_p_now_ns();
	memcpy(entry->name, listener->name, sizeof(entry->name));
	identify(entry, socket);
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

static int settle_in(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	int rc = keep_socket(server, client);

	if (rc >= 0)
		rc = make_vectors(server, client);
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
	if (rc < 0) {
		qrt_shmem_p_server_free(client);
		qrt_shmem_p_server_clear_slot(server, slot);
		return rc;
	}
	qrt_shmem_p_server_begin_life(server, client->entry->id, 1);
	__atomic_store_n(&client->entry->phase, QRT_SHMEM_P_GREET_VERSION, __ATOMIC_RELEASE);
	server->record.head->joined++;
	greet(server, client);
	tell_all(server, slot, client);
	return (int)client->entry->id;
}

int qrt_shmem_p_server_join(struct qrt_ivshmem_server *server, uint32_t listener, int socket)
{
	int id = qrt_shmem_p_server_choose_id(server, &server->listeners[listener]), slot = id;

	if (id >= 0)
		slot = server->vectors + server->listeners[listener].vectors > server->vectors_max
			       ? -ENOSPC
			       : qrt_shmem_p_server_find_slot(server);
	if (slot < 0) {
		close(socket);
		return slot;
	}
	enter(server, (uint32_t)slot, (uint32_t)id, listener, socket);
	return join_slot(server, (uint32_t)slot, socket);
}
