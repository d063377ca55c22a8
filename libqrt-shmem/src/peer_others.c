/* SPDX-License-Identifier: MIT */
/* The other peers, by id. */
#include <errno.h>
#include <stdlib.h>

#include "peer_p.h"

static struct qrt_shmem_p_page *page_of(const struct qrt_ivshmem_peer *peer, uint32_t id)
{
	return id < QRT_IVSHMEM_IDS ? peer->pages[id / QRT_SHMEM_P_PAGE_IDS] : NULL;
}

struct qrt_shmem_p_vectors *qrt_shmem_p_peer_find(const struct qrt_ivshmem_peer *peer, uint32_t id)
{
	const struct qrt_shmem_p_page *page = page_of(peer, id);

	return page ? page->others[id % QRT_SHMEM_P_PAGE_IDS] : NULL;
}

struct qrt_shmem_p_vectors *qrt_shmem_p_peer_add(struct qrt_ivshmem_peer *peer, uint32_t id)
{
	struct qrt_shmem_p_vectors *other = calloc(1, sizeof(*other));
	struct qrt_shmem_p_page **page = &peer->pages[id / QRT_SHMEM_P_PAGE_IDS];

	if (other && !*page)
		*page = calloc(1, sizeof(**page));
	if (!other || !*page) {
		free(other);
		return NULL;
	}
	(*page)->others[id % QRT_SHMEM_P_PAGE_IDS] = other;
	(*page)->count++;
	peer->peers++;
	return other;
}

void qrt_shmem_p_peer_remove(struct qrt_ivshmem_peer *peer, uint32_t id)
{
	struct qrt_shmem_p_page **page = &peer->pages[id / QRT_SHMEM_P_PAGE_IDS];
	struct qrt_shmem_p_vectors **other = &(*page)->others[id % QRT_SHMEM_P_PAGE_IDS];

	qrt_shmem_p_peer_forget(*other);
	free(*other);
	*other = NULL;
	peer->peers--;
	if (--(*page)->count)
		return;
	free(*page);
	*page = NULL;
}

/* The next id from `id` on that is somebody's; QRT_IVSHMEM_IDS: none is. */
static uint32_t next_of(const struct qrt_ivshmem_peer *peer, uint32_t id)
{
	while (id < QRT_IVSHMEM_IDS && !qrt_shmem_p_peer_find(peer, id))
		id = page_of(peer, id) ? id + 1 : (id / QRT_SHMEM_P_PAGE_IDS + 1) * QRT_SHMEM_P_PAGE_IDS;
	return id;
}

void qrt_shmem_p_peer_remove_all(struct qrt_ivshmem_peer *peer)
{
	uint32_t id;

	for (id = next_of(peer, 0); id < QRT_IVSHMEM_IDS; id = next_of(peer, id + 1))
		qrt_shmem_p_peer_remove(peer, id);
}

int qrt_ivshmem_peer_list(const struct qrt_ivshmem_peer *peer, uint32_t *ret_ids, size_t max)
{
	uint32_t id;
	size_t count = 0;

	if (!max)
		return (int)peer->peers;
	for (id = next_of(peer, 0); id < QRT_IVSHMEM_IDS && count < max; id = next_of(peer, id + 1))
		ret_ids[count++] = id;
	return (int)peer->peers;
}
