/* SPDX-License-Identifier: MIT */
/* What is here of a client. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_p.h"

/* A socket takes some ten messages and no more: descriptors on their way count against a limit that
 * all clients share. */
#define SEND_BYTES 4096

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

	for (i = 0; client->fds && i < client->fd_count; i++) {
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
	client->heard = qrt_shmem_p_record_heard(&server->record, slot);
	client->slot = slot;
	client->socket = -1;
	client->fd_count = client->entry->fds;
	client->fds = malloc(sizeof(*client->fds) * client->fd_count);
	for (client->room = 1; client->room < server->peers_max;)
		client->room *= 2;
	is_whole = make_queue(&client->left, client->room) & make_queue(&client->there, client->room);
	for (i = 0; client->fds && i < client->fd_count; i++)
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
	server->fds += client->entry->fds;
	qrt_shmem_p_count_heard(server, client, 1);
}

void qrt_shmem_p_server_unlink(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	qrt_shmem_p_count_heard(server, client, -1);
	*(client->previous ? &client->previous->next : &server->first) = client->next;
	*(client->next ? &client->next->previous : &server->last) = client->previous;
	client->next = client->previous = NULL;
	server->slots[client->slot] = NULL;
	server->by_id[client->entry->id] = 0;
	server->clients--;
	server->vectors -= client->entry->vectors;
	server->fds -= client->entry->fds;
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
	qrt_shmem_p_server_unlink(server, client);
	qrt_shmem_p_server_free(client);
}
