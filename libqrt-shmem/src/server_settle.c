/* SPDX-License-Identifier: MIT */
/* What the server before had is this one's from here on: it does what that one left half done. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "server_p.h"

/* ---- who is gone ---- */

/* One that cannot be gone on with: it leaves, as any other. That one which the server before was just
 * dropping did is counted already. */
static void end_client(struct qrt_ivshmem_server *server, uint32_t slot)
{
	const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

	if (entry->phase != QRT_SHMEM_P_LEAVING && entry->phase != QRT_SHMEM_P_ABSENT && entry->serial)
		qrt_shmem_p_server_say_left(server, entry, QRT_IVSHMEM_DROPPED);
	if (entry->id < QRT_IVSHMEM_IDS && !server->by_id[entry->id])
		qrt_shmem_p_server_begin_life(server, entry->id, 0);
	qrt_shmem_p_server_clear_slot(server, slot);
}

/* It lost its connection to the server before, or on the way to this one. */
static void note_absent(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	if (client->entry->serial)
		qrt_shmem_p_server_say_left(server, client->entry, QRT_IVSHMEM_DROPPED);
	qrt_shmem_p_server_begin_life(server, client->entry->id, 0);
	qrt_shmem_p_server_end_absence(server, client);
	qrt_shmem_p_server_be_absent(server, client);
}

static void look_at_slot(struct qrt_ivshmem_server *server, uint32_t slot)
{
	uint32_t phase = qrt_shmem_p_record_entry(&server->record, slot)->phase;
	struct qrt_shmem_p_client *client = server->slots[slot];

	if (phase == QRT_SHMEM_P_FREE || phase == QRT_SHMEM_P_JOINING)
		return;
	if (!client)
		end_client(server, slot);
	else if (client->socket < 0 && phase != QRT_SHMEM_P_ABSENT)
		note_absent(server, client);
	else if (client->entry->vectors > client->entry->fds)
		client->entry->vectors = client->entry->fds; /* it was just coming back, and to get more */
}

/* ---- what is configured otherwise now ---- */

/* Clients keep id and vectors; their socket is known by its path, and has its name for all of them. */
static void find_socket(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_entry *entry)
{
	uint32_t i;

	entry->listener = QRT_IVSHMEM_NO_LISTENER;
	for (i = 0; i < server->listener_count; i++) {
		if (server->listeners[i].key != entry->socket_key)
			continue;
		entry->listener = i;
		memcpy(entry->name, server->listeners[i].name, sizeof(entry->name));
	}
}

/* ---- what they are still to be told ---- */

/* The slots of those that left come first, itself last. */
static void compare(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	const struct qrt_shmem_p_client *other;
	uint32_t slot;

	for (slot = 0; slot < server->peers_max; slot++) {
		if (!server->slots[slot] || qrt_shmem_p_is_absent(server->slots[slot]))
			qrt_shmem_p_tell(server, client, slot);
	}
	for (other = server->first; other; other = other->next) {
		if (other != client)
			qrt_shmem_p_tell(server, client, other->slot);
	}
	qrt_shmem_p_tell(server, client, client->slot);
}

static void go_on(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_client *client;
	uint32_t slot;

	for (slot = 0; server->has_before && slot < server->peers_max; slot++)
		find_socket(server, qrt_shmem_p_record_entry(&server->record, slot));
	for (client = server->first; client; client = client->next)
		server->record.head->in_doubt += (uint32_t)qrt_shmem_p_finish_sending(server, client);
	for (slot = 0; slot < server->peers_max; slot++)
		look_at_slot(server, slot);
	for (client = server->first; client; client = client->next)
		compare(server, client);
}

/* ---- those that were just coming ---- */

static void join_again(struct qrt_ivshmem_server *server, uint32_t listener, int socket)
{
	int id;

	if (listener >= server->listener_count) {
		close(socket);
		return;
	}
	id = qrt_shmem_p_server_join(server, &server->listeners[listener], socket);
	if (id >= 0)
		qrt_shmem_p_server_say_joined(server, (uint32_t)id);
}

static void rejoin(struct qrt_ivshmem_server *server, uint32_t slot)
{
	struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);
	uint32_t listener = entry->listener;
	char name[65];
	int socket;

	qrt_shmem_p_name_socket(name, sizeof(name), slot, entry->serial);
	socket = qrt_shmem_p_server_take_kept(server, name);
	if (entry->phase == QRT_SHMEM_P_JOINING)
		qrt_shmem_p_server_clear_slot(server, slot);
	else
		qrt_shmem_p_server_forget_return(server, server->slots[slot]);
	if (socket >= 0)
		join_again(server, listener, socket);
}

/* One whose socket is none any more, or not that id's, has nobody to wait for. */
static void look_at_coming(struct qrt_ivshmem_server *server, uint32_t slot)
{
	const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);
	struct qrt_shmem_p_client *client = server->slots[slot];

	if (client && qrt_shmem_p_is_absent(client) && !qrt_shmem_p_server_stays(server, client)) {
		qrt_shmem_p_server_retire(server, client);
		return;
	}
	if (!client ? entry->phase == QRT_SHMEM_P_JOINING : qrt_shmem_p_is_absent(client) && entry->serial)
		rejoin(server, slot);
}

/* The record is put once more: by that a store learns that it is this server's now, and may refuse. */
static int take_over(struct qrt_ivshmem_server *server)
{
	int rc = server->has_before ? qrt_shmem_p_keep(server, "record", server->record.fd) : 0;

	if (rc < 0)
		return rc;
	server->generation = __atomic_add_fetch(&server->record.head->generation, 1, __ATOMIC_ACQ_REL);
	server->is_settled = 1;
	return 0;
}

int qrt_shmem_p_server_settle(struct qrt_ivshmem_server *server)
{
	uint32_t slot;
	int rc;

	if (qrt_shmem_p_server_is_replaced(server))
		return -ESTALE;
	if (server->is_settled)
		return 0;
	rc = take_over(server);
	if (rc < 0)
		return rc;
	go_on(server);
	for (slot = 0; slot < server->peers_max; slot++)
		look_at_coming(server, slot);
	qrt_shmem_p_server_drop_kept(server, 1);
	return 0;
}
