/* SPDX-License-Identifier: MIT */
/* Slots of a layout: for each new life of a peer a clean one. The layout may be made later than the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "server_p.h"

static int map_memory(struct qrt_ivshmem_server *server)
{
	struct stat status;
	void *at;

	if (server->map)
		return 0;
	if (fstat(server->memory, &status) < 0 || status.st_size <= 0)
		return -1;
	at = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, server->memory, 0);
	if (at == MAP_FAILED)
		return -1;
	server->map = at;
	server->map_length = (uint64_t)status.st_size;
	return 0;
}

static uint32_t draw_life(void)
{
	uint32_t life = 0;

	while (!(life & 0xffffff)) {
		if (getrandom(&life, sizeof(life), 0) != sizeof(life))
			life = (uint32_t)qrt_shmem_p_now_ns() | 1;
	}
	return life;
}

static void begin(struct qrt_ivshmem_server *server, uint32_t id, int is_alive)
{
	qrt_shmem_begin_life(&server->view, id, is_alive ? draw_life() : 0);
}

static void begin_missing_lives(struct qrt_ivshmem_server *server)
{
	const struct qrt_shmem_p_client *client;

	for (client = server->first; client; client = client->next) {
		/* One that was there before this server has its life. */
		if (!qrt_shmem_get_life(&server->view, client->entry->id))
			begin(server, client->entry->id, 1);
	}
}

static int is_there(const struct qrt_ivshmem_server *server, uint32_t id)
{
	return server->by_id[id] && !qrt_shmem_p_server_find_absent(server, id);
}

/* Of a layout that was there before, in a file: a life of whom no server knows any more is that of one that
 * crashed with its server. A slot without a life stays as it is: who has the file, and no server, may have
 * written there. */
static void end_lives_of_nobody(struct qrt_ivshmem_server *server)
{
	uint32_t slot;

	for (slot = 0; slot < server->view.peers; slot++) {
		if (!is_there(server, slot) && qrt_shmem_get_life(&server->view, slot))
			begin(server, slot, 0);
	}
}

/* A file has no seals: who can write to it can cut it short, and to touch what is gone would end the server.
 * 1: it was so, and what was gone is empty; negative: it stays so. */
static int mend_length(struct qrt_ivshmem_server *server)
{
	struct stat status;
	int rc;

	if (fstat(server->memory, &status) < 0)
		return -errno;
	if ((uint64_t)status.st_size >= server->map_length)
		return 0;
	do {
		rc = posix_fallocate(server->memory, 0, (off_t)server->map_length);
	} while (rc == EINTR);
	return rc ? -rc : 1;
}

/* What the caller knows of the layout counts, whatever a peer wrote there. */
static int find_view(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_view *view = &server->view;

	if (mend_length(server) < 0)
		return 0;
	if (!server->is_view_given)
		return qrt_shmem_attach(view, server->map, server->map_length) >= 0;
	if (qrt_shmem_set_view(view, server->map, server->map_length, view->peers, view->values,
			       view->ring_bytes, view->nonce) < 0)
		return 0;
	qrt_shmem_restore(view);
	return 1;
}

/* Once there is a layout, what it is like is not read again: peers can write there. */
void qrt_shmem_p_server_look_for_layout(struct qrt_ivshmem_server *server)
{
	if (!(server->flags & QRT_IVSHMEM_SERVER_CLEAN) || server->has_view || map_memory(server) < 0)
		return;
	server->has_view = find_view(server);
	if (!server->has_view)
		return;
	end_lives_of_nobody(server);
	begin_missing_lives(server);
}

void qrt_shmem_p_server_begin_life(struct qrt_ivshmem_server *server, uint32_t id, int is_alive)
{
	int was_short;

	qrt_shmem_p_server_look_for_layout(server);
	was_short = server->has_view ? mend_length(server) : -1;
	if (was_short < 0)
		return;
	if (server->is_view_given)
		qrt_shmem_restore(&server->view);
	begin(server, id, is_alive);
	if (was_short)
		begin_missing_lives(server);
}
