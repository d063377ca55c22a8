/* SPDX-License-Identifier: MIT */
/* Clients go. */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "server_p.h"

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

/* In this order: a slot that is free has no life, also where this server is killed here. */
static void end(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->slot, id = client->entry->id;

	qrt_shmem_p_server_forget(server, client);
	qrt_shmem_p_server_begin_life(server, id, 0);
	qrt_shmem_p_server_clear_slot(server, slot);
}

static void end_for_now(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	qrt_shmem_p_server_unlink(server, client);
	qrt_shmem_p_server_begin_life(server, client->entry->id, 0);
	qrt_shmem_p_server_be_absent(server, client);
}

/* Every reader of its socket sees the end, also where the store still holds it. A server that was thought
 * dead, and wakes up here, forgets the client and no more: connection, record and memory are another one's by
 * now. */
void qrt_shmem_p_server_part(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
			     uint32_t reason)
{
	uint32_t slot = client->slot;

	if (qrt_shmem_p_server_is_replaced(server)) {
		qrt_shmem_p_server_forget(server, client);
		return;
	}
	qrt_shmem_p_server_say_left(server, client->entry, reason);
	server->record.head->stalled += reason == QRT_IVSHMEM_STALLED;
	server->record.head->talked += reason == QRT_IVSHMEM_TALKED;
	shutdown(client->socket, SHUT_RDWR);
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, client->socket, NULL);
	qrt_shmem_p_server_hold_unread(server, client);
	if (qrt_shmem_p_server_stays(server, client))
		end_for_now(server, client);
	else
		end(server, client);
	qrt_shmem_p_server_tell_all(server, slot, NULL);
}
