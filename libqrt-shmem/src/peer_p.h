/* SPDX-License-Identifier: MIT */
/* A program as a peer: its parts. */
#ifndef QRT_SHMEM_PEER_P_H
#define QRT_SHMEM_PEER_P_H

#include <qrt/ivshmem.h>

#include "wire_p.h"

enum qrt_shmem_p_greeting {
	QRT_SHMEM_P_WANTS_VERSION,
	QRT_SHMEM_P_WANTS_ID,
	QRT_SHMEM_P_WANTS_MEMORY,
	QRT_SHMEM_P_READY,
};

/* Vectors of one peer, the own one too. */
struct qrt_shmem_p_vectors {
	int *fds;
	uint32_t count, room;
};

/* Others by id, in two steps: most ids are nobody's. */
#define QRT_SHMEM_P_PAGE_IDS 256u
#define QRT_SHMEM_P_PAGES    (QRT_IVSHMEM_IDS / QRT_SHMEM_P_PAGE_IDS)

struct qrt_shmem_p_page {
	uint32_t count;
	struct qrt_shmem_p_vectors *others[QRT_SHMEM_P_PAGE_IDS];
};

struct qrt_ivshmem_peer {
	int socket; /* -1: the server is gone */
	int epoll;
	int error; /* what harvest() is still to say, once: events came first; 0: nothing */
	enum qrt_shmem_p_greeting greeting;
	uint32_t flags, peers_max, peers;
	uint64_t length_max, length;
	void *memory;
	int32_t id;
	struct qrt_shmem_p_wire wire;
	struct qrt_shmem_p_vectors own;
	struct qrt_shmem_p_page *pages[QRT_SHMEM_P_PAGES];
};

/* ---- others (peer_others.c) ---- */

/* NULL: nobody. */
struct qrt_shmem_p_vectors *qrt_shmem_p_peer_find(const struct qrt_ivshmem_peer *peer, uint32_t id);
/* One without vectors so far, of an id that nobody has. NULL: no memory. */
struct qrt_shmem_p_vectors *qrt_shmem_p_peer_add(struct qrt_ivshmem_peer *peer, uint32_t id);
/* One that is there. */
void qrt_shmem_p_peer_remove(struct qrt_ivshmem_peer *peer, uint32_t id);
void qrt_shmem_p_peer_remove_all(struct qrt_ivshmem_peer *peer);

/* ---- what the server says ---- */

/* One message. 1: an event came of it; 0: none did; -EAGAIN: nothing is there; others: no server says that,
 * or it cannot be taken in: qrt_shmem_p_peer_report() says it. (peer.c) */
int qrt_shmem_p_peer_hear(struct qrt_ivshmem_peer *peer, struct qrt_ivshmem_event *ret_event);
/* The error that is still to be said; the server is lost. */
int qrt_shmem_p_peer_report(struct qrt_ivshmem_peer *peer);
/* Takes in one message of the server, of which `fd` (-1: none) is taken, too. 1: an event came of it; 0:
 * none; negative: no server says that, or out of memory. (peer_take.c) */
int qrt_shmem_p_peer_take(struct qrt_ivshmem_peer *peer, int64_t value, int fd,
			  struct qrt_ivshmem_event *ret_event);
void qrt_shmem_p_peer_forget(struct qrt_shmem_p_vectors *vectors);

/* ---- rings (peer_ring.c) ---- */

/* Takes the rings of an own vector without waiting, whatever another peer made of the descriptor. 0: there
 * are none. */
uint64_t qrt_shmem_p_peer_take_rings(int fd);

#endif
