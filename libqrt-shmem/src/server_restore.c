/* SPDX-License-Identifier: MIT */
/* Going on with what the server before had. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server_p.h"

/* ---- clients of the server before ---- */

static int take_socket(struct qrt_ivshmem_server *server, uint32_t slot)
{
	char name[65];

	qrt_shmem_p_name_socket(name, sizeof(name), slot,
				qrt_shmem_p_record_entry(&server->record, slot)->serial);
	return qrt_shmem_p_server_take_kept(server, name);
}

static int take_vectors(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	char name[65];
	uint32_t i;

	for (i = 0; i < client->entry->vectors; i++) {
		qrt_shmem_p_name_vector(name, sizeof(name), client->slot, client->entry->serial, i);
		client->fds[i] = qrt_shmem_p_server_take_kept(server, name);
		if (client->fds[i] < 0)
			return -ENOENT;
	}
	return 0;
}

/* Whether the last message reached it is not known: it was being sent, and is not noted as sent. */
static int is_in_doubt(const struct qrt_shmem_p_entry *entry)
{
	return entry->doubt && entry->doubt == qrt_shmem_p_place_of(entry);
}

/* A message about another peer can be told again, after that peer's leave; of its own greeting nothing can.
 */
static int is_lost(const struct qrt_shmem_p_entry *entry, uint32_t slot)
{
	return is_in_doubt(entry) && (entry->phase < QRT_SHMEM_P_GREET_PEERS || entry->partial == slot + 1);
}

static int is_possible(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_entry *entry)
{
	return entry->vectors >= 1 && entry->vectors <= QRT_IVSHMEM_VECTORS_MAX && entry->id < server->ids &&
	       !server->by_id[entry->id] && entry->partial <= server->peers_max &&
	       entry->phase >= QRT_SHMEM_P_GREET_VERSION && entry->phase <= QRT_SHMEM_P_GREETED;
}

/* 1: it is there again; 0: it is not to be; negative: no memory. */
static int revive(struct qrt_ivshmem_server *server, uint32_t slot)
{
	const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);
	struct qrt_shmem_p_client *client;
	int socket;

	if (!is_possible(server, entry) || is_lost(entry, slot))
		return 0;
	socket = take_socket(server, slot);
	if (socket < 0)
		return 0;
	client = qrt_shmem_p_server_take_in(server, slot, socket);
	if (!client) {
		close(socket);
		return -ENOMEM;
	}
	if (take_vectors(server, client) >= 0 && qrt_shmem_p_server_admit(server, client) >= 0)
		return 1;
	qrt_shmem_p_server_free(client);
	return 0;
}

/* ---- what they are still to be told ---- */

static void resolve_doubt(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_entry *entry = client->entry;

	if (is_in_doubt(entry)) {
		server->record.head->in_doubt++;
		if (entry->partial && client->told[entry->partial - 1].serial)
			client->told[entry->partial - 1].serial = QRT_SHMEM_P_NO_SERIAL;
		entry->partial = 0;
	}
	entry->doubt = 0;
}

/* The server before was killed where a peer was just begun with, or all of it was told. */
static void resolve_partial(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	uint32_t slot = entry->partial - 1, serial = entry->partial ? client->told[slot].serial : 0;
	const struct qrt_shmem_p_client *peer = entry->partial ? server->slots[slot] : NULL;

	if (!serial || (peer && peer->entry->serial == serial && entry->next_vector >= peer->entry->vectors))
		entry->partial = 0;
	if (!entry->partial && client->told[client->slot].serial == entry->serial)
		entry->phase = QRT_SHMEM_P_GREETED;
}

/* The slots of those that left come first, itself last. */
static void compare(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	const struct qrt_shmem_p_client *other;
	uint32_t slot;

	resolve_doubt(server, client);
	resolve_partial(server, client);
	for (slot = 0; slot < server->peers_max; slot++) {
		if (client->told[slot].serial && !server->slots[slot])
			qrt_shmem_p_tell(server, client, slot);
	}
	for (other = server->first; other; other = other->next) {
		if (other != client)
			qrt_shmem_p_tell(server, client, other->slot);
	}
	qrt_shmem_p_tell(server, client, client->slot);
}

struct place {
	uint32_t serial, slot;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->serial > y->serial) - (x->serial < y->serial);
}

/* In the order in which they joined. */
static struct place *list_places(const struct qrt_ivshmem_server *server, uint32_t *ret_count)
{
	struct place *places = calloc(server->peers_max, sizeof(*places));
	uint32_t slot, count = 0;

	for (slot = 0; places && slot < server->peers_max; slot++) {
		const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

		if (entry->phase != QRT_SHMEM_P_FREE && entry->phase != QRT_SHMEM_P_JOINING)
			places[count++] = (struct place){.serial = entry->serial, .slot = slot};
	}
	if (places)
		qsort(places, count, sizeof(*places), compare_places);
	*ret_count = count;
	return places;
}

/* One that cannot be gone on with: it leaves, as any other. That one which the server before was just
 * dropping did is counted already. */
static void end_client(struct qrt_ivshmem_server *server, uint32_t slot)
{
	const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

	if (entry->phase != QRT_SHMEM_P_LEAVING)
		qrt_shmem_p_server_say_left(server, entry, QRT_IVSHMEM_DROPPED);
	if (entry->id < QRT_IVSHMEM_IDS && !server->by_id[entry->id])
		qrt_shmem_p_server_begin_life(server, entry->id, 0);
	qrt_shmem_p_server_clear_slot(server, slot);
}

/* One that heard nothing yet, and of whom another one may have heard: under another id it is nobody's
 * business what that was. Clients survive that an id leaves; that it comes back QEMU does not. */
static void begin_anew(struct qrt_ivshmem_server *server, uint32_t slot)
{
	struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

	if (entry->phase != QRT_SHMEM_P_GREET_VERSION || entry->doubt || entry->is_bound)
		return;
	qrt_shmem_p_server_say_left(server, entry, QRT_IVSHMEM_DROPPED);
	qrt_shmem_p_server_begin_life(server, entry->id, 0);
	__atomic_store_n(&entry->phase, QRT_SHMEM_P_JOINING, __ATOMIC_RELEASE);
}

static void look_for_doubts(struct qrt_ivshmem_server *server)
{
	const struct qrt_shmem_p_entry *entry;
	uint32_t slot;

	for (slot = 0; slot < server->peers_max; slot++) {
		entry = qrt_shmem_p_record_entry(&server->record, slot);
		if (entry->phase >= QRT_SHMEM_P_GREET_PEERS && entry->phase <= QRT_SHMEM_P_GREETED &&
		    is_in_doubt(entry) && entry->partial && entry->partial <= server->peers_max)
			begin_anew(server, entry->partial - 1);
	}
}

int qrt_shmem_p_server_restore(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_client *client;
	struct place *places;
	uint32_t i, count;
	int rc = 0;

	look_for_doubts(server);
	places = list_places(server, &count);
	if (!places)
		return -ENOMEM;
	for (i = 0; i < count && rc >= 0; i++)
		rc = revive(server, places[i].slot);
	for (i = 0; i < count && rc >= 0; i++) {
		if (!server->slots[places[i].slot])
			end_client(server, places[i].slot);
	}
	free(places);
	if (rc < 0)
		return rc;
	for (client = server->first; client; client = client->next)
		compare(server, client);
	qrt_shmem_p_server_want_more(server);
	return 0;
}

/* ---- those that were just coming ---- */

static void rejoin(struct qrt_ivshmem_server *server, uint32_t slot)
{
	uint32_t listener = qrt_shmem_p_record_entry(&server->record, slot)->listener;
	int socket = take_socket(server, slot), id;

	qrt_shmem_p_server_clear_slot(server, slot);
	if (socket < 0)
		return;
	if (listener >= server->listener_count) {
		close(socket);
		return;
	}
	id = qrt_shmem_p_server_join(server, listener, socket);
	if (id >= 0)
		qrt_shmem_p_server_say_joined(server, (uint32_t)id);
}

void qrt_shmem_p_server_settle(struct qrt_ivshmem_server *server)
{
	uint32_t slot;

	if (server->is_settled)
		return;
	server->is_settled = 1;
	for (slot = 0; server->kept_count && slot < server->peers_max; slot++) {
		if (!server->slots[slot] &&
		    qrt_shmem_p_record_entry(&server->record, slot)->phase == QRT_SHMEM_P_JOINING)
			rejoin(server, slot);
	}
	qrt_shmem_p_server_drop_kept(server, 1);
}
