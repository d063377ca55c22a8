/* SPDX-License-Identifier: MIT */
/*
 * What clients are told. For each slot that a client's queues name, the client is told what it does not know:
 * that who was there left, and of each vector of who is there now. A peer that came and went meanwhile is
 * nothing to tell. A peer that was begun with goes on first, as long as the kernel takes descriptors, then
 * all leaves, then the next peer.
 *
 * A server can be killed between sending a message and noting that. So it notes first what it sends, and
 * that this was not sent; sendmmsg(2) then writes how much it sent into the record, within the same call,
 * from which no signal takes it away before that. The next server reads there whether the message went, and
 * notes what the one before could not.
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

/* Of whom it is to know in a slot; 0: of nobody. Who believes in an absent one's eventfds goes on with that.
 */
static uint32_t serial_for(const struct qrt_shmem_p_client *client, const struct qrt_shmem_p_client *peer)
{
	if (!peer)
		return 0;
	if (client->entry->is_peer)
		return qrt_shmem_p_is_absent(peer) ? 0 : peer->entry->serial;
	if (qrt_shmem_p_is_absent(peer) && client->told[peer->slot].serial != peer->entry->origin)
		return 0;
	return peer->entry->origin;
}

/* Whom it was told of is not there any more. */
static int has_left(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
		    uint32_t slot)
{
	uint32_t told = client->told[slot].serial;

	return told && told != serial_for(client, server->slots[slot]);
}

/* There are vectors that it does not know; of an id that it knows to have left it is told no more. */
static int is_new(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
		  uint32_t slot)
{
	const struct qrt_shmem_p_client *peer = server->slots[slot];
	const struct qrt_shmem_p_told *told = &client->told[slot];
	uint32_t serial = serial_for(client, peer);

	if (!serial)
		return 0;
	if (told->serial == serial)
		return told->vectors < peer->entry->vectors;
	return client->entry->is_peer || !qrt_shmem_p_has_heard(client, peer->entry->id);
}

void qrt_shmem_p_tell(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		      uint32_t slot)
{
	if (has_left(server, client, slot) && client->entry->partial != slot + 1)
		push(client, &client->left, slot);
	if (is_new(server, client, slot))
		push(client, &client->there, slot);
}

uint32_t qrt_shmem_p_count_waiting(const struct qrt_shmem_p_client *client)
{
	return client->left.count + client->there.count + (client->entry->partial != 0);
}

/* ---- messages ---- */

/* The order of these stores is what a server after this one relies on, whatever instruction this one dies at.
 */
#define note(where, value)                                                                                   \
	do {                                                                                                 \
		__atomic_store_n(where, value, __ATOMIC_RELEASE);                                            \
		atomic_signal_fence(memory_order_seq_cst);                                                   \
	} while (0)

/* What comes of a message that was sent. Done twice it is as done once: a server may be killed within. */
static void settle(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	struct qrt_shmem_p_told *told = &client->told[entry->sending_slot];

	switch (entry->sending) {
	case QRT_SHMEM_P_SENDS_GREETING:
		note(&entry->phase, entry->sending_which + 1);
		break;
	case QRT_SHMEM_P_SENDS_VECTOR:
		qrt_shmem_p_hear_of(server, client, told->id);
		note(&told->vectors, (uint16_t)(entry->sending_which + 1));
		break;
	default:
		if (entry->partial == entry->sending_slot + 1)
			note(&entry->partial, 0);
		note(&told->serial, 0);
	}
	note(&entry->sending, QRT_SHMEM_P_SENDS_NOTHING);
	entry->told++;
	server->record.head->messages++;
}

int qrt_shmem_p_finish_sending(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_entry *entry = client->entry;

	if (entry->sending == QRT_SHMEM_P_SENDS_NOTHING)
		return 0;
	if (entry->message.msg_len)
		settle(server, client);
	note(&entry->sending, QRT_SHMEM_P_SENDS_NOTHING);
	return 1;
}

struct message {
	enum qrt_shmem_p_sending kind;
	uint32_t slot, which;
	int64_t value;
	int fd;
};

static int send_one(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		    const struct message *message)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	int rc;

	if (qrt_shmem_p_server_is_replaced(server))
		return -ESTALE;
	entry->sending_slot = message->slot;
	entry->sending_which = message->which;
	note(&entry->message.msg_len, 0);
	note(&entry->sending, (uint32_t)message->kind);
	rc = qrt_shmem_p_wire_send(client->socket, message->value, message->fd, &entry->message);
	if (rc < 0)
		note(&entry->sending, QRT_SHMEM_P_SENDS_NOTHING);
	else
		settle(server, client);
	return rc;
}

/* Version, id, memory. */
static int greet(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	const struct qrt_shmem_p_entry *entry = client->entry;
	struct message message = {.kind = QRT_SHMEM_P_SENDS_GREETING, .which = entry->phase, .fd = -1};

	if (entry->phase == QRT_SHMEM_P_GREET_VERSION) {
		message.value = QRT_IVSHMEM_VERSION;
	} else if (entry->phase == QRT_SHMEM_P_GREET_ID) {
		message.value = entry->id;
	} else {
		message.value = -1;
		message.fd = server->memory;
	}
	return send_one(server, client, &message);
}

/* 1: a message went out; 0: none had to: of one of whom it heard nothing it is not told that it left. */
static int tell_gone(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t slot)
{
	struct qrt_shmem_p_told *told = &client->told[slot];
	struct message message = {.kind = QRT_SHMEM_P_SENDS_LEAVE, .slot = slot, .value = told->id, .fd = -1};
	int rc;

	if (told->vectors) {
		rc = send_one(server, client, &message);
		return rc < 0 ? rc : 1;
	}
	if (client->entry->partial == slot + 1)
		note(&client->entry->partial, 0);
	note(&told->serial, 0);
	return 0;
}

static void begin_peer(struct qrt_shmem_p_client *client, const struct qrt_shmem_p_client *peer)
{
	struct qrt_shmem_p_told *told = &client->told[peer->slot];
	uint32_t serial = serial_for(client, peer);

	if (told->serial != serial) {
		told->id = (uint16_t)peer->entry->id;
		note(&told->vectors, 0);
		note(&told->serial, serial);
	}
	note(&client->entry->partial, peer->slot + 1);
}

static int tell_vector(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		       const struct qrt_shmem_p_client *peer)
{
	struct message message = {.kind = QRT_SHMEM_P_SENDS_VECTOR, .slot = peer->slot};

	message.which = client->told[peer->slot].vectors;
	message.value = peer->entry->id;
	message.fd = peer->fds[message.which];
	return send_one(server, client, &message);
}

static void end_peer(struct qrt_shmem_p_client *client, const struct qrt_shmem_p_client *peer)
{
	if (peer == client)
		note(&client->entry->phase, QRT_SHMEM_P_GREETED);
	note(&client->entry->partial, 0);
}

/* As soon as it knows all of it nothing is partial any more. Of nobody there is nothing to go on with. */
static int go_on_with_peer(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->entry->partial - 1;
	const struct qrt_shmem_p_client *peer = server->slots[slot];
	int rc = 0;

	if (has_left(server, client, slot))
		return tell_gone(server, client, slot);
	if (!peer || !client->told[slot].serial) {
		note(&client->entry->partial, 0);
		return 0;
	}
	if (client->told[slot].vectors < peer->entry->vectors)
		rc = tell_vector(server, client, peer);
	if (rc < 0)
		return rc;
	if (client->told[slot].vectors >= peer->entry->vectors)
		end_peer(client, peer);
	return 1;
}

static int tell_next_leave(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->left.slots[client->left.first];
	int rc = has_left(server, client, slot) ? tell_gone(server, client, slot) : 0;

	if (rc >= 0)
		pop(client, &client->left);
	return rc;
}

static int begin_next_peer(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->there.slots[client->there.first];

	pop(client, &client->there);
	if (!has_left(server, client, slot) && is_new(server, client, slot))
		begin_peer(client, server->slots[slot]);
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
		/* A leave needs no descriptor. That somebody is only told of in part is nothing to it. */
		if (rc == -ENOBUFS && client->entry->phase >= QRT_SHMEM_P_GREET_PEERS && client->left.count)
			rc = tell_next_leave(server, client);
		if (rc < 0)
			break;
		*budget -= (uint32_t)rc;
		if (rc > 0)
			client->slow_since_ns = 0;
	}
	return rc < 0 ? rc : has_more(client) != 0;
}
