/* SPDX-License-Identifier: MIT */
/* Calls of a peer that wait. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error_p.h"
#include "peer_p.h"

#define HEARD_MAX                                                                                            \
	4096u /* messages, before time is looked at: one that floods is not listened to for ever             \
	       */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int is_complete(const struct qrt_ivshmem_peer *peer, uint32_t vectors)
{
	return peer->greeting == QRT_SHMEM_P_READY && peer->own.count >= vectors;
}

static int wait_more(const struct qrt_ivshmem_peer *peer, uint64_t until_ms)
{
	struct pollfd fd = {.fd = peer->socket, .events = POLLIN};
	uint64_t now = now_ms();

	if (now >= until_ms || !poll(&fd, 1, (int)(until_ms - now > INT_MAX ? INT_MAX : until_ms - now)))
		return -ETIMEDOUT;
	return 0;
}

/* Only what the server says is taken in: rings, and that it is gone after all was there, are harvest()'s to
 * say. */
static int wait_for(struct qrt_ivshmem_peer *peer, uint32_t vectors, uint64_t until_ms)
{
	struct qrt_ivshmem_event event;
	uint32_t heard = 0;
	int rc;

	while (!is_complete(peer, vectors)) {
		if (peer->error)
			return qrt_shmem_p_peer_report(peer);
		if (peer->socket < 0)
			return -EPIPE;
		rc = qrt_shmem_p_peer_hear(peer, &event);
		if (rc == -EAGAIN || ++heard % HEARD_MAX == 0)
			rc = wait_more(peer, until_ms);
		if (rc == -ETIMEDOUT)
			return rc;
	}
	return 0;
}

int qrt_ivshmem_peer_wait_ready(struct qrt_ivshmem_peer *peer, uint32_t vectors, uint32_t timeout_ms,
				struct qrt_shmem_error *reterr)
{
	int rc = wait_for(peer, vectors, now_ms() + timeout_ms);

	if (rc >= 0)
		return 0;
	if (rc == -ETIMEDOUT)
		return qrt_shmem_p_error(reterr, rc,
					 "the server gave %u vectors of %u and %s memory in %u ms",
					 peer->own.count, vectors, peer->memory ? "its" : "no", timeout_ms);
	if (rc == -EPIPE)
		return qrt_shmem_p_error(reterr, rc,
					 "the server ended the connection: it may not take this user, its id "
					 "may be in use, or it "
					 "has no room or no id");
	return qrt_shmem_p_error(
		reterr, rc,
		"what answers is no ivshmem server of version %d, or its memory cannot be had: %s",
		QRT_IVSHMEM_VERSION, strerror(-rc));
}
