/* SPDX-License-Identifier: MIT */
/*
 * Ids of which clients were told. A QEMU that was told that an id left must not be told of it again: as long
 * as it is there the server gives that id to nobody of its own choice, and does not tell it of whoever has it
 * by his socket.
 */
#include <string.h>

#include "server_p.h"

int qrt_shmem_p_has_heard(const struct qrt_shmem_p_client *client, uint32_t id)
{
	return client->heard[id / 8] >> (id % 8) & 1;
}

void qrt_shmem_p_hear_of(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t id)
{
	if (client->entry->is_peer || qrt_shmem_p_has_heard(client, id))
		return;
	client->heard[id / 8] |= (unsigned char)(1u << id % 8);
	server->heard_by[id]++;
}

static void count_eight(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
			uint32_t first, int by)
{
	uint32_t id;

	for (id = first; id < first + 8 && id < server->ids; id++) {
		if (qrt_shmem_p_has_heard(client, id))
			server->heard_by[id] += (uint32_t)by;
	}
}

void qrt_shmem_p_count_heard(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
			     int by)
{
	uint32_t first;

	if (client->entry->is_peer)
		return;
	for (first = 0; first < server->ids; first += 8) {
		if (client->heard[first / 8])
			count_eight(server, client, first, by);
	}
}

uint32_t qrt_shmem_p_count_waiting_ids(const struct qrt_ivshmem_server *server)
{
	uint32_t id, count = 0;

	for (id = 0; id < server->ids; id++)
		count += server->heard_by[id] && !server->by_id[id];
	return count;
}
