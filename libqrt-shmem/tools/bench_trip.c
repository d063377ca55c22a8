/* SPDX-License-Identifier: MIT */
/* Round trips: doorbells against bare eventfds, bells in the memory against bare words. */
#include <errno.h>
#include <poll.h>
#include <qrt/shmem_layout.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define BATCH 64 /* of trips that take less than reading the clock */

/* ---- doorbells ---- */

static void answer_doorbell(struct bench *bench, void *data)
{
	struct qrt_ivshmem_peer *peer = bench_join(bench);
	guint32 to;

	(void)data;
	if (!peer)
		return;
	to = (guint32)qrt_ivshmem_peer_get_id(bench->peer);
	bench->shared->partner_id.value = (guint32)qrt_ivshmem_peer_get_id(peer);
	bench_be_ready(bench);
	while (qrt_ivshmem_peer_wait_ring(peer, 0, BENCH_PATIENCE) > 0 && !bench_is_over(bench))
		qrt_ivshmem_peer_ring(peer, to, 0);
}

static void wake_doorbell(struct bench *bench, void *data)
{
	(void)data;
	qrt_ivshmem_peer_ring(bench->peer, bench->shared->partner_id.value, 0);
}

static int trip_doorbell(struct bench *bench, void *data)
{
	int rc = qrt_ivshmem_peer_ring(bench->peer, *(const guint32 *)data, 0);

	return rc < 0 ? rc : qrt_ivshmem_peer_wait_ring(bench->peer, 0, BENCH_PATIENCE);
}

/* The server tells of the partner after the partner itself knows that it is there. */
static int meet(struct bench *bench, guint32 id)
{
	struct pollfd fd = {.fd = qrt_ivshmem_peer_get_fd(bench->peer), .events = POLLIN};
	gint64 until = g_get_monotonic_time() + BENCH_PATIENCE * 1000;
	struct qrt_ivshmem_event events[16];

	while (qrt_ivshmem_peer_get_vectors(bench->peer, id) < 1) {
		if (g_get_monotonic_time() > until) {
			complain("bench: the server does not tell of the partner");
			return -ETIMEDOUT;
		}
		poll(&fd, 1, 100);
		qrt_ivshmem_peer_harvest(bench->peer, events, G_N_ELEMENTS(events));
	}
	return 0;
}

double bench_doorbell(struct bench *bench, size_t bytes)
{
	double us = 0;
	guint32 id;

	(void)bytes;
	if (bench_begin_partner(bench, answer_doorbell, NULL) < 0)
		return 0;
	id = bench->shared->partner_id.value;
	if (meet(bench, id) >= 0)
		us = bench_time_trips(bench, trip_doorbell, &id, 1);
	bench_end_partner(bench, wake_doorbell, NULL);
	return us;
}

/* ---- bare eventfds ---- */

/* What the library does at least: a descriptor that does not wait by itself, poll(2), and a count of 8 bytes.
 */
static int wait_for(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	guint64 count;

	if (poll(&poll_fd, 1, BENCH_PATIENCE) <= 0 || read(fd, &count, sizeof(count)) != sizeof(count))
		return -ETIMEDOUT;
	return 0;
}

static int wake(int fd)
{
	const guint64 one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static void answer_eventfd(struct bench *bench, void *data)
{
	const int *fds = data;

	bench_be_ready(bench);
	while (wait_for(fds[0]) >= 0 && !bench_is_over(bench))
		wake(fds[1]);
}

static void wake_eventfd(struct bench *bench, void *data)
{
	(void)bench;
	wake(((const int *)data)[0]);
}

static int trip_eventfd(struct bench *bench, void *data)
{
	const int *fds = data;
	int rc = wake(fds[0]);

	(void)bench;
	return rc < 0 ? rc : wait_for(fds[1]);
}

double bench_eventfd(struct bench *bench, size_t bytes)
{
	int fds[2] = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	double us = 0;

	(void)bytes;
	if (fds[0] < 0 || fds[1] < 0) {
		complain("bench: no eventfd: %s", g_strerror(errno));
	} else if (bench_begin_partner(bench, answer_eventfd, fds) >= 0) {
		us = bench_time_trips(bench, trip_eventfd, fds, 1);
		bench_end_partner(bench, wake_eventfd, fds);
	}
	close(fds[0]);
	close(fds[1]);
	return us;
}

/* ---- bells ---- */

static void answer_bell(struct bench *bench, void *data)
{
	const struct qrt_shmem_view *view = data;
	guint32 before = 0, now;
	guint looks = 0;

	bench_be_ready(bench);
	while (!bench_is_over(bench) && bench_look_again(&looks)) {
		now = qrt_shmem_look_bell(view, 0, 1);
		if (now == before)
			continue;
		looks = 0;
		before = now;
		qrt_shmem_ring_bell(view, 1, 0);
	}
}

static int trip_bell(struct bench *bench, void *data)
{
	const struct qrt_shmem_view *view = data;
	guint32 before = qrt_shmem_look_bell(view, 1, 0);
	guint looks = 0;

	(void)bench;
	qrt_shmem_ring_bell(view, 0, 1);
	while (qrt_shmem_look_bell(view, 1, 0) == before) {
		if (!bench_look_again(&looks))
			return -ETIMEDOUT;
	}
	return 0;
}

static void wake_nobody(struct bench *bench, void *data)
{
	(void)bench;
	(void)data;
}

static int make_layout(struct bench *bench, struct qrt_shmem_view *view)
{
	qrt_shmem_make(bench->layout_memory, bench->layout_bytes, 2, 0, QRT_SHMEM_RING_MIN, 1);
	return qrt_shmem_attach(view, bench->layout_memory, bench->layout_bytes);
}

double bench_bell(struct bench *bench, size_t bytes)
{
	struct qrt_shmem_view view;
	double us;

	(void)bytes;
	if (make_layout(bench, &view) < 0 || bench_begin_partner(bench, answer_bell, &view) < 0)
		return 0;
	us = bench_time_trips(bench, trip_bell, &view, BATCH);
	bench_end_partner(bench, wake_nobody, NULL);
	return us;
}

/* ---- bare words ---- */

/* Where the bells are: how long a line takes from CPU to CPU depends on its address. */
struct words {
	guint32 *there, *back;
};

static void answer_word(struct bench *bench, void *data)
{
	const struct words words = *(const struct words *)data;
	guint32 before = 0, now;
	guint looks = 0;

	bench_be_ready(bench);
	while (!bench_is_over(bench) && bench_look_again(&looks)) {
		now = __atomic_load_n(words.there, __ATOMIC_ACQUIRE);
		if (now == before)
			continue;
		looks = 0;
		before = now;
		__atomic_store_n(words.back, now, __ATOMIC_RELEASE);
	}
}

static int trip_word(struct bench *bench, void *data)
{
	const struct words words = *(const struct words *)data;
	guint32 next = *words.there + 1;
	guint looks = 0;

	(void)bench;
	__atomic_store_n(words.there, next, __ATOMIC_RELEASE);
	while (__atomic_load_n(words.back, __ATOMIC_ACQUIRE) != next) {
		if (!bench_look_again(&looks))
			return -ETIMEDOUT;
	}
	return 0;
}

double bench_bare_word(struct bench *bench, size_t bytes)
{
	struct qrt_shmem_view view;
	struct words words;
	double us;

	(void)bytes;
	if (make_layout(bench, &view) < 0)
		return 0;
	words.there = (guint32 *)(void *)qrt_shmem_bell_of(&view, 0, 1);
	words.back = (guint32 *)(void *)qrt_shmem_bell_of(&view, 1, 0);
	if (bench_begin_partner(bench, answer_word, &words) < 0)
		return 0;
	us = bench_time_trips(bench, trip_word, &words, BATCH);
	bench_end_partner(bench, wake_nobody, NULL);
	return us;
}
