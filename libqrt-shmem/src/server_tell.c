/* SPDX-License-Identifier: MIT */
/*
 * What clients are told. For each slot that a client's queues name, the client is told what it does not know:
 * that who was there left, and of each vector of who is there now. A peer that came and went meanwhile is
 * nothing to tell. A peer that was begun with goes on first, then all leaves, then the next peer.
 *
 * A server can be killed between sending a message and noting that. So what is noted first is which message
 * is in doubt, until the next one: as soon as it is noted as sent, it is in doubt no more. The next server
 * tells a client in doubt about a peer that this peer left, which costs nobody anything since the peer was
 * just joining, and all of it again.
 */
#include <errno.h>
#include <stdatomic.h>

#include "server_p.h"
#include "wire_p.h"

/* ---- the queues ---- */

static void push(const struct qrt_shmem_p_client *client, struct qrt_shmem_p_queue *queue, uint32_t slot)
{
	if (queue->is_in[slot / 8] >> (slot % 8) & 1)
		return;
	queue->slots[(queue->first + queue->count++) & (client->room - 1)] = slot;
	queue->is_in[slot / 8] |= (uint8_t)(1u << slot % 8);
}

static void pop(const struct qrt_shmem_p_client *client, struct qrt_shmem_p_queue *queue)
{
	uint32_t slot = queue->slots[queue->first];

	queue->is_in[slot / 8] &= (uint8_t) ~(1u << slot % 8);
	queue->first = (queue->first + 1) & (client->room - 1);
	queue->count--;
}

/* Whom it was told of is not there any more. */
static int has_left(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
		    uint32_t slot)
{
	const struct qrt_shmem_p_client *peer = server->slots[slot];
	uint32_t told = client->told[slot].serial;

	return told && (!peer || peer->entry->serial != told);
}

void qrt_shmem_p_tell(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		      uint32_t slot)
{
	const struct qrt_shmem_p_client *peer = server->slots[slot];

	if (has_left(server, client, slot) && client->entry->partial != slot + 1)
		push(client, &client->left, slot);
	if (peer && peer->entry->serial != client->told[slot].serial)
		push(client, &client->there, slot);
}

uint32_t qrt_shmem_p_count_waiting(const struct qrt_shmem_p_client *client)
{
	return client->left.count + client->there.count + (client->entry->partial != 0);
}

/* ---- messages ---- */

/* The order of these stores is what a server after this one relies on, whatever instruction this one dies at.
 */
static void note(uint32_t *where, uint32_t value)
{
	__atomic_store_n(where, value, __ATOMIC_RELEASE);
	atomic_signal_fence(memory_order_seq_cst);
}

static int send_one(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, int64_t value,
		    int fd)
{
	int rc;

	if (qrt_shmem_p_server_is_replaced(server))
		return -ESTALE;
	note(&client->entry->doubt, qrt_shmem_p_place_of(client->entry));
	rc = qrt_shmem_p_wire_send(client->socket, value, fd);
	if (rc < 0)
		note(&client->entry->doubt, 0);
	return rc;
}

/* It was sent, and that is noted: only now is it counted. */
static void settle(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	note(&client->entry->doubt, 0);
	client->entry->told++;
	server->record.head->messages++;
}

/* Version, id, memory. */
static int greet(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	int rc;

	if (entry->phase == QRT_SHMEM_P_GREET_VERSION)
		rc = send_one(server, client, QRT_IVSHMEM_VERSION, -1);
	else if (entry->phase == QRT_SHMEM_P_GREET_ID)
		rc = send_one(server, client, entry->id, -1);
	else
		rc = send_one(server, client, -1, server->memory);
	if (rc < 0)
		return rc;
	note(&entry->phase, entry->phase + 1);
	settle(server, client);
	return 0;
}

static int tell_gone(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t slot)
{
	int rc = send_one(server, client, client->told[slot].id, -1);

	if (rc < 0)
		return rc;
	note(&client->entry->partial, 0);
	note(&client->told[slot].serial, 0);
	settle(server, client);
	return 0;
}

static void begin_peer(struct qrt_shmem_p_client *client, const struct qrt_shmem_p_client *peer)
{
	client->told[peer->slot].id = peer->entry->id;
	note(&client->entry->next_vector, 0);
	note(&client->entry->partial, peer->slot + 1);
	note(&client->told[peer->slot].serial, peer->entry->serial);
}

static int tell_vector(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		       const struct qrt_shmem_p_client *peer)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	int rc = send_one(server, client, peer->entry->id, peer->fds[entry->next_vector]);

	if (rc < 0)
		return rc;
	note(&entry->next_vector, entry->next_vector + 1);
	if (entry->next_vector == peer->entry->vectors) {
		note(&entry->partial, 0);
		if (peer == client)
			note(&entry->phase, QRT_SHMEM_P_GREETED);
	}
	settle(server, client);
	return 0;
}

/* 1: a message went out; 0: none had to. */
static int end_peer(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t slot)
{
	int rc;

	if (client->entry->next_vector) {
		rc = tell_gone(server, client, slot);
		return rc < 0 ? rc : 1;
	}
	/* Of one of whom it heard nothing it is not told that it left. */
	note(&client->told[slot].serial, 0);
	note(&client->entry->partial, 0);
	return 0;
}

static int go_on_with_peer(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->entry->partial - 1;
	int rc;

	if (has_left(server, client, slot))
		return end_peer(server, client, slot);
	rc = tell_vector(server, client, server->slots[slot]);
	return rc < 0 ? rc : 1;
}

static int tell_next_leave(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->left.slots[client->left.first];
	int is_new = has_left(server, client, slot), rc = is_new ? tell_gone(server, client, slot) : 0;

	if (rc >= 0)
		pop(client, &client->left);
	return rc < 0 ? rc : is_new;
}

static int begin_next_peer(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->there.slots[client->there.first];
	const struct qrt_shmem_p_client *peer = server->slots[slot];

	pop(client, &client->there);
	if (peer && !client->told[slot].serial)
		begin_peer(client, peer);
	return 0;
}

static int step(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	int rc;

	if (client->entry->phase < QRT_SHMEM_P_GREET_PEERS) {
		rc = greet(server, client);
		return rc < 0 ? rc : 1;
	}
	if (client->entry->partial)
		return go_on_with_peer(server, client);
	return client->left.count ? tell_next_leave(server, client) : begin_next_peer(server, client);
}

static int has_more(const struct qrt_shmem_p_client *client)
{
	return client->entry->phase < QRT_SHMEM_P_GREET_PEERS || qrt_shmem_p_count_waiting(client);
}

int qrt_shmem_p_tell_on(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
			uint32_t *budget)
{
	int rc = 0;

	while (has_more(client) && *budget) {
		rc = step(server, client);
		if (rc < 0)
			break;
		*budget -= (uint32_t)rc;
		if (rc > 0)
			client->slow_since_ns = 0;
	}
	return rc < 0 ? rc : has_more(client) != 0;
}
