/* SPDX-License-Identifier: MIT */
/*
 * Eventfds stay with a bound id. When its client goes, they wait for the next one of its socket, which gets
 * them for its own: to a client that is no program of this library nobody left, nobody joined, and what it
 * rings reaches whoever is there. Programs of this library are told what is so.
 *
 * A next one with fewer vectors gets the first of them, and the others stay; to one with more, more are made,
 * of which those who know the first are told as well.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "peer_p.h"
#include "server_p.h"

/* ---- becoming absent ---- */

int qrt_shmem_p_server_stays(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client)
{
	uint32_t i;

	if (client->entry->is_bound && !client->entry->socket_key)
		return 1;
	for (i = 0; i < server->listener_count; i++) {
		if ((server->listeners[i].flags & QRT_IVSHMEM_LISTEN_ID) &&
		    server->listeners[i].id == client->entry->id)
			return 1;
	}
	return 0;
}

static void empty(struct qrt_shmem_p_queue *queue, uint32_t room)
{
	memset(queue->is_in, 0, room / 8 + 1);
	queue->first = queue->count = 0;
}

void qrt_shmem_p_server_link_absent(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	server->slots[client->slot] = client;
	server->by_id[client->entry->id] = client->slot + 1;
	server->absent++;
	server->fds += client->entry->fds;
}

/* One without a serial is absent also for a server that finds its phase unchanged. */
static void note_absent(struct qrt_shmem_p_entry *entry)
{
	__atomic_store_n(&entry->serial, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->phase, QRT_SHMEM_P_ABSENT, __ATOMIC_RELEASE);
}

static void drop_socket(struct qrt_ivshmem_server *server, uint32_t slot, uint32_t serial)
{
	char name[65];

	qrt_shmem_p_name_socket(name, sizeof(name), slot, serial);
	qrt_shmem_p_unkeep(server, name);
}

void qrt_shmem_p_server_be_absent(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t serial = client->entry->serial;

	note_absent(client->entry);
	if (serial)
		drop_socket(server, client->slot, serial);
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
	client->waits = QRT_SHMEM_P_WAITS_NOT;
	client->slow_since_ns = 0;
	empty(&client->left, client->room);
	empty(&client->there, client->room);
	qrt_shmem_p_server_link_absent(server, client);
}

void qrt_shmem_p_server_end_absence(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	server->slots[client->slot] = NULL;
	server->by_id[client->entry->id] = 0;
	server->absent--;
	server->fds -= client->entry->fds;
}

void qrt_shmem_p_server_forget_return(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	drop_socket(server, client->slot, client->entry->serial);
	note_absent(client->entry);
}

/* ---- coming back ---- */

struct qrt_shmem_p_client *qrt_shmem_p_server_find_absent(const struct qrt_ivshmem_server *server,
							  uint32_t id)
{
	struct qrt_shmem_p_client *client = server->by_id[id] ? server->slots[server->by_id[id] - 1] : NULL;

	return client && qrt_shmem_p_is_absent(client) ? client : NULL;
}

/* What was rung meanwhile is nobody's. */
static void drain(const struct qrt_shmem_p_client *client)
{
	uint32_t i;

	for (i = 0; i < client->entry->fds; i++)
		qrt_shmem_p_peer_take_rings(client->fds[i]);
}

static int settle_in(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	int rc = qrt_shmem_p_server_keep_socket(server, client);

	if (rc >= 0)
		rc = qrt_shmem_p_server_make_fds(server, client, client->entry->fds);
	if (rc < 0)
		return rc;
	drain(client);
	return qrt_shmem_p_server_admit(server, client);
}

/* Its phase is absent until it is settled: a server that is killed meanwhile loses no eventfd. */
int qrt_shmem_p_server_come_back(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
				 const struct qrt_shmem_p_listener *listener, int socket)
{
	struct qrt_shmem_p_entry *entry = client->entry;
	int rc;

	qrt_shmem_p_server_end_absence(server, client);
	qrt_shmem_p_record_clear(&server->record, client->slot);
	qrt_shmem_p_server_introduce(entry, listener, socket);
	__atomic_store_n(&entry->serial, qrt_shmem_p_server_draw_serial(server), __ATOMIC_RELEASE);
	client->socket = socket;
	rc = settle_in(server, client);
	if (rc >= 0)
		return qrt_shmem_p_server_begin(server, client);
	if (entry->vectors > entry->fds)
		entry->vectors = entry->fds;
	qrt_shmem_p_server_be_absent(server, client);
	return rc;
}

/* ---- the end ---- */

static void end(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, int is_for_good)
{
	uint32_t slot = client->slot;

	qrt_shmem_p_server_end_absence(server, client);
	qrt_shmem_p_server_free(client);
	if (is_for_good)
		qrt_shmem_p_server_clear_slot(server, slot);
}

void qrt_shmem_p_server_retire(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	uint32_t slot = client->slot;

	end(server, client, 1);
	qrt_shmem_p_server_tell_all(server, slot, NULL);
}

int qrt_shmem_p_server_retire_any(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_client *client;
	uint32_t slot;

	for (slot = 0; server->absent && slot < server->peers_max; slot++) {
		client = server->slots[slot];
		if (!client || !qrt_shmem_p_is_absent(client) || server->heard_by[client->entry->id])
			continue;
		end(server, client, 1);
		return 1;
	}
	return 0;
}

void qrt_shmem_p_server_end_absent(struct qrt_ivshmem_server *server, int is_for_good)
{
	uint32_t slot;

	for (slot = 0; server->absent && slot < server->peers_max; slot++) {
		if (server->slots[slot] && qrt_shmem_p_is_absent(server->slots[slot]))
			end(server, server->slots[slot], is_for_good);
	}
}
