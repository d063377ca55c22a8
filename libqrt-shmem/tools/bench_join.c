/* SPDX-License-Identifier: MIT */
/* Many clients join and leave: until each knows of all others, and until the last one that stays knows of
 * none. */
#include <errno.h>
#include <poll.h>

#include "bench.h"

#define EVENTS 64

struct crowd {
	struct qrt_ivshmem_peer *peers[BENCH_CLIENTS];
	guint count;
};

/* As many peers as the observer, and itself, makes it. */
static gboolean is_complete(struct qrt_ivshmem_peer *peer)
{
	return qrt_ivshmem_peer_get_id(peer) >= 0 &&
	       qrt_ivshmem_peer_get_vectors(peer, (guint32)qrt_ivshmem_peer_get_id(peer)) > 0;
}

/* Other peers that it knows of. */
static guint count_others(struct qrt_ivshmem_peer *peer)
{
	return (guint)qrt_ivshmem_peer_list(peer, NULL, 0);
}

static int harvest(struct qrt_ivshmem_peer *peer)
{
	struct qrt_ivshmem_event events[EVENTS];
	int count = EVENTS;

	while (count == EVENTS)
		count = qrt_ivshmem_peer_harvest(peer, events, EVENTS);
	return count < 0 ? count : 0;
}

/* ---- a crowd ---- */

static void disperse(struct crowd *crowd)
{
	while (crowd->count > 0)
		qrt_ivshmem_peer_close(crowd->peers[--crowd->count]);
}

static int gather(struct bench *bench, struct crowd *crowd)
{
	struct qrt_ivshmem_peer *peer;

	while (crowd->count < BENCH_CLIENTS) {
		peer = bench_connect(bench);
		if (!peer)
			return -1;
		crowd->peers[crowd->count++] = peer;
	}
	return 0;
}

static gboolean is_settled(const struct bench *bench, const struct crowd *crowd)
{
	guint i;

	for (i = 0; i < crowd->count; i++) {
		if (!is_complete(crowd->peers[i]) || count_others(crowd->peers[i]) < BENCH_CLIENTS)
			return FALSE;
	}
	return count_others(bench->peer) >= BENCH_CLIENTS;
}

/* Each one that has something to read reads it; nobody else is asked. */
static int hear(const struct bench *bench, const struct crowd *crowd)
{
	struct pollfd fds[BENCH_CLIENTS + 1];
	int rc = 0;
	guint i;

	for (i = 0; i <= crowd->count; i++) {
		fds[i].fd = qrt_ivshmem_peer_get_fd(i < crowd->count ? crowd->peers[i] : bench->peer);
		fds[i].events = POLLIN;
	}
	if (poll(fds, crowd->count + 1, BENCH_PATIENCE) <= 0)
		return -ETIMEDOUT;
	for (i = 0; i <= crowd->count && rc >= 0; i++) {
		if (fds[i].revents)
			rc = harvest(i < crowd->count ? crowd->peers[i] : bench->peer);
	}
	return rc;
}

static double elapsed_ms(gint64 begin)
{
	return (double)(g_get_monotonic_time() - begin) / 1e3;
}

static double fail(int rc)
{
	complain("bench: the server does not let %d clients join and leave: %s", BENCH_CLIENTS,
		 g_strerror(-rc));
	return 0;
}

static double join(struct bench *bench, struct crowd *crowd)
{
	gint64 begin = g_get_monotonic_time();
	int rc = gather(bench, crowd);

	if (rc < 0)
		return 0;
	while (rc >= 0 && !is_settled(bench, crowd))
		rc = hear(bench, crowd);
	return rc < 0 ? fail(rc) : elapsed_ms(begin);
}

static double leave(struct bench *bench, struct crowd *crowd)
{
	gint64 begin = g_get_monotonic_time();
	int rc = 0;

	disperse(crowd);
	while (rc >= 0 && count_others(bench->peer) > 0)
		rc = hear(bench, crowd);
	return rc < 0 ? fail(rc) : elapsed_ms(begin);
}

double bench_join_all(struct bench *bench, size_t bytes)
{
	struct crowd crowd = {.count = 0};
	double ms;

	(void)bytes;
	bench->leave_ms = 0;
	if (leave(bench, &crowd) <= 0) /* of partners that the server has not told us of yet */
		return 0;
	ms = join(bench, &crowd);
	if (ms > 0)
		bench->leave_ms = leave(bench, &crowd);
	disperse(&crowd);
	return ms;
}

/* Those of the last time. */
double bench_leave_all(struct bench *bench, size_t bytes)
{
	(void)bytes;
	return bench->leave_ms;
}
