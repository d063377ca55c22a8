/* SPDX-License-Identifier: MIT */
/* What the caller is told. */
#include <stdlib.h>
#include <string.h>

#include "server_p.h"
#include "struct_p.h"

void qrt_shmem_p_server_say(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_event *event)
{
	struct qrt_shmem_p_saying *saying = calloc(1, sizeof(*saying));

	if (!saying)
		return; /* no client is told less for that, only the caller */
	saying->event = *event;
	*server->sayings_end = saying;
	server->sayings_end = &saying->next;
	qrt_shmem_p_server_want_more(server);
}

void qrt_shmem_p_server_say_joined(struct qrt_ivshmem_server *server, uint32_t id)
{
	const struct qrt_shmem_p_entry *entry = server->slots[server->by_id[id] - 1]->entry;
	struct qrt_ivshmem_event event = {.kind = QRT_IVSHMEM_JOINED, .id = id};

	event.vectors = entry->vectors;
	event.pid = entry->pid;
	event.uid = entry->uid;
	qrt_shmem_p_server_say(server, &event);
}

/* ---- who is there ---- */

static void describe(const struct qrt_shmem_p_client *client, uint64_t now,
		     struct qrt_ivshmem_client *ret_client)
{
	const struct qrt_shmem_p_entry *entry = client->entry;

	memset(ret_client, 0, sizeof(*ret_client));
	ret_client->id = entry->id;
	ret_client->vectors = entry->vectors;
	ret_client->listener = entry->listener;
	ret_client->is_greeted = entry->phase == QRT_SHMEM_P_GREETED;
	ret_client->waiting = qrt_shmem_p_count_waiting(client);
	ret_client->pid = entry->pid;
	ret_client->uid = entry->uid;
	ret_client->gid = entry->gid;
	ret_client->joined_ns = entry->joined_ns;
	ret_client->told = entry->told;
	ret_client->slow_ns = client->slow_since_ns ? now - client->slow_since_ns : 0;
	memcpy(ret_client->name, entry->name, sizeof(ret_client->name));
}

int qrt_ivshmem_server_list(const struct qrt_ivshmem_server *server, struct qrt_ivshmem_client *ret_clients,
			    size_t max)
{
	const struct qrt_shmem_p_client *client;
	uint64_t now = qrt_shmem_p_now_ns();
	size_t count = 0;

	for (client = server->first; client && count < max; client = client->next)
		describe(client, now, &ret_clients[count++]);
	return (int)server->clients;
}

int qrt_ivshmem_server_list_absent(const struct qrt_ivshmem_server *server,
				   struct qrt_ivshmem_client *ret_clients, size_t max)
{
	uint64_t now = qrt_shmem_p_now_ns();
	uint32_t slot;
	size_t count = 0;

	for (slot = 0; slot < server->peers_max && count < max && count < server->absent; slot++) {
		if (server->slots[slot] && server->slots[slot]->socket < 0)
			describe(server->slots[slot], now, &ret_clients[count++]);
	}
	return (int)server->absent;
}

int qrt_ivshmem_server_get_statistics(const struct qrt_ivshmem_server *server,
				      struct qrt_ivshmem_statistics *ret_statistics)
{
	const struct qrt_shmem_p_head *head = server->record.head;
	struct qrt_ivshmem_statistics own = {
		.size = sizeof(own),
		.clients = server->clients,
		.vectors = server->vectors,
		.generation = head->generation + !server->is_settled,
		.joined = head->joined,
		.left = head->left,
		.stalled = head->stalled,
		.talked = head->talked,
		.refused = head->refused,
		.messages = head->messages,
		.in_doubt = head->in_doubt,
		.absent = server->absent,
		.ids_waiting = qrt_shmem_p_count_waiting_ids(server),
		.no_id = head->no_id,
	};

	return qrt_p_struct_give(ret_statistics, &own, sizeof(own));
}
