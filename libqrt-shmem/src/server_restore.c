/* SPDX-License-Identifier: MIT */
/* Taking up what the server before had. Nothing is changed here: neither in the record nor in the store. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server_p.h"

static int take_socket(struct qrt_ivshmem_server *server, uint32_t slot)
{
	const struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);
	char name[65];

	if (!entry->serial || entry->phase == QRT_SHMEM_P_ABSENT)
		return -ENOENT;
	qrt_shmem_p_name_socket(name, sizeof(name), slot, entry->serial);
	return qrt_shmem_p_server_take_kept(server, name);
}

static int take_fds(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	char name[65];
	uint32_t i;

	for (i = 0; i < client->entry->fds; i++) {
		qrt_shmem_p_name_vector(name, sizeof(name), client->slot, client->entry->origin, i);
		client->fds[i] = qrt_shmem_p_server_take_kept(server, name);
		if (client->fds[i] < 0)
			return -ENOENT;
	}
	return 0;
}

/* One that was just coming back, with more vectors than before, has its eventfds still: settle() says that.
 */
static int is_number_possible(const struct qrt_shmem_p_entry *entry)
{
	return entry->fds >= 1 && entry->fds <= QRT_IVSHMEM_VECTORS_MAX && entry->vectors >= 1 &&
	       (entry->vectors <= entry->fds || entry->phase == QRT_SHMEM_P_ABSENT);
}

static int is_possible(const struct qrt_ivshmem_server *server, const struct qrt_shmem_p_entry *entry)
{
	return is_number_possible(entry) && entry->id < server->ids && !server->by_id[entry->id] &&
	       entry->partial <= server->peers_max && entry->sending_slot < server->peers_max &&
	       ((entry->phase >= QRT_SHMEM_P_GREET_VERSION && entry->phase <= QRT_SHMEM_P_GREETED) ||
		entry->phase == QRT_SHMEM_P_ABSENT);
}

/* One with a connection; one without is absent, as long as it is not known which ids are sockets'. */
static void link_client(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	client->socket = take_socket(server, client->slot);
	if (client->socket < 0 || qrt_shmem_p_server_admit(server, client) < 0)
		qrt_shmem_p_server_link_absent(server, client);
}

/* It is there again, or is not to be; negative: no memory. */
static int revive(struct qrt_ivshmem_server *server, uint32_t slot)
{
	struct qrt_shmem_p_client *client;

	if (!is_possible(server, qrt_shmem_p_record_entry(&server->record, slot)))
		return 0;
	client = qrt_shmem_p_server_take_in(server, slot, -1);
	if (!client)
		return -ENOMEM;
	if (take_fds(server, client) >= 0)
		link_client(server, client);
	else
		qrt_shmem_p_server_free(client);
	return 0;
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

int qrt_shmem_p_server_restore(struct qrt_ivshmem_server *server)
{
	struct place *places;
	uint32_t i, count;
	int rc = 0;

	places = list_places(server, &count);
	if (!places)
		return -ENOMEM;
	for (i = 0; i < count && rc >= 0; i++)
		rc = revive(server, places[i].slot);
	free(places);
	qrt_shmem_p_server_want_more(server);
	return rc;
}
