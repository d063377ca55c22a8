/* SPDX-License-Identifier: MIT */
/* Ids and slots. */
#include <errno.h>
#include <sys/socket.h>

#include "server_p.h"

int qrt_shmem_p_server_find_slot(const struct qrt_ivshmem_server *server)
{
	uint32_t slot;

	for (slot = 0; slot < server->peers_max; slot++) {
		if (!server->slots[slot] &&
		    qrt_shmem_p_record_entry(&server->record, slot)->phase == QRT_SHMEM_P_FREE)
			return (int)slot;
	}
	return -ENOSPC;
}

/* No socket has it for its own. */
static int is_free(const struct qrt_ivshmem_server *server, uint32_t id)
{
	uint32_t i;

	if (server->by_id[id])
		return 0;
	for (i = 0; i < server->listener_count; i++) {
		if ((server->listeners[i].flags & QRT_IVSHMEM_LISTEN_ID) && server->listeners[i].id == id)
			return 0;
	}
	return 1;
}

static int find_id(struct qrt_ivshmem_server *server)
{
	uint32_t from = server->flags & QRT_IVSHMEM_SERVER_LOWEST_IDS ? 0 : server->record.head->next_id, i,
		 id;

	int rc = -ENOSPC;

	for (i = 0; i < server->ids; i++) {
		id = (from + i) % server->ids;
		if (!is_free(server, id))
			continue;
		if (!server->heard_by[id]) {
			server->record.head->next_id = (id + 1) % server->ids;
			return (int)id;
		}
		rc = -EADDRNOTAVAIL;
	}
	return rc;
}

/* Whoever has it may have gone, and it was not noticed yet. */
static int take_bound_id(struct qrt_ivshmem_server *server, uint32_t id)
{
	struct qrt_shmem_p_client *client;
	char byte;

	if (!server->by_id[id] || qrt_shmem_p_server_find_absent(server, id))
		return (int)id;
	client = server->slots[server->by_id[id] - 1];
	if (recv(client->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EINTR))
		return -EBUSY;
	qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_BY_ITSELF);
	return (int)id;
}

int qrt_shmem_p_server_choose_id(struct qrt_ivshmem_server *server,
				 const struct qrt_shmem_p_listener *listener)
{
	return listener->flags & QRT_IVSHMEM_LISTEN_ID ? take_bound_id(server, listener->id)
						       : find_id(server);
}
