/* SPDX-License-Identifier: MIT */
/*
 * Connections that were ended while something lay in them that the client had not read. The descriptors in
 * there stay on their way until it reads, or closes its end, and the kernel limits how many of one user may
 * be: that of the server. So the server holds its end as long as that is so, counts them for each user who
 * connected, and takes in nobody else of a user who has too many.
 */
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server_p.h"

#define UNREAD_MAX 32 /* of a user */

int qrt_shmem_p_count_unread(int socket)
{
	int bytes = -1;

	return ioctl(socket, SIOCOUTQ, &bytes) < 0 ? -1 : bytes;
}

static void end(struct qrt_shmem_p_unread **place)
{
	struct qrt_shmem_p_unread *unread = *place;

	*place = unread->next;
	close(unread->socket);
	free(unread);
}

void qrt_shmem_p_server_hold_unread(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	struct qrt_shmem_p_unread *unread;

	if (qrt_shmem_p_count_unread(client->socket) <= 0)
		return;
	unread = malloc(sizeof(*unread));
	if (!unread)
		return;
	unread->socket = client->socket;
	unread->uid = client->entry->uid;
	unread->next = server->unread;
	server->unread = unread;
	client->socket = -1;
}

int qrt_shmem_p_server_is_unread(struct qrt_ivshmem_server *server, uint32_t uid)
{
	struct qrt_shmem_p_unread **place = &server->unread;
	uint32_t count = 0;

	while (*place) {
		if (qrt_shmem_p_count_unread((*place)->socket) <= 0) {
			end(place);
			continue;
		}
		count += (*place)->uid == uid;
		place = &(*place)->next;
	}
	return count >= UNREAD_MAX;
}

void qrt_shmem_p_server_end_unread(struct qrt_ivshmem_server *server)
{
	while (server->unread)
		end(&server->unread);
}
