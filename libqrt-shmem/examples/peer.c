/* SPDX-License-Identifier: MIT */
/* A peer of an ivshmem server: rings every peer once, and says for two seconds who is there and what comes.
 * cc peer.c $(pkg-config --cflags --libs libqrt-shmem) && ./a.out SOCKET */
#include <poll.h>
#include <qrt/ivshmem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PEERS_MAX 1024

static struct qrt_ivshmem_peer *join(const char *path)
{
	struct qrt_ivshmem_peer_config config;
	struct qrt_ivshmem_peer *peer;
	struct qrt_shmem_error error;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.path = path;
	if (qrt_ivshmem_peer_open(&config, &peer, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return NULL;
	}
	if (qrt_ivshmem_peer_wait_ready(peer, 1, 5000, &error) >= 0)
		return peer;
	fprintf(stderr, "%s\n", error.message);
	return qrt_ivshmem_peer_close(peer);
}

static void ring_all(const struct qrt_ivshmem_peer *peer)
{
	uint32_t ids[PEERS_MAX];
	int count = qrt_ivshmem_peer_list(peer, ids, PEERS_MAX), i;

	for (i = 0; i < count && i < PEERS_MAX; i++) {
		printf("peer %u is there\n", ids[i]);
		if (qrt_ivshmem_peer_ring(peer, ids[i], 0) < 0)
			printf("peer %u cannot be rung\n", ids[i]);
	}
}

static void say(const struct qrt_ivshmem_event *event)
{
	switch (event->kind) {
	case QRT_IVSHMEM_JOINED:
		printf("peer %u joined\n", event->id);
		break;
	case QRT_IVSHMEM_LEFT:
		printf("peer %u left\n", event->id);
		break;
	case QRT_IVSHMEM_RING:
		printf("vector %u was rung %llu times\n", event->id, (unsigned long long)event->rings);
		break;
	case QRT_IVSHMEM_GONE:
		printf("the server is gone\n");
		break;
	default:
		break;
	}
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int watch(struct qrt_ivshmem_peer *peer, int for_ms)
{
	struct pollfd fd = {qrt_ivshmem_peer_get_fd(peer), POLLIN, 0};
	const long long until = now_ms() + for_ms;
	struct qrt_ivshmem_event events[16];
	int count = 0, i;

	while (count >= 0 && now_ms() < until) {
		poll(&fd, 1, (int)(until - now_ms() > 0 ? until - now_ms() : 0));
		count = qrt_ivshmem_peer_harvest(peer, events, 16);
		for (i = 0; i < count; i++)
			say(&events[i]);
	}
	return count < 0 ? count : 0;
}

int main(int argc, char **argv)
{
	struct qrt_ivshmem_peer *peer;
	uint64_t length = 0;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: %s SOCKET\n", argv[0]);
		return 2;
	}
	peer = join(argv[1]);
	if (!peer)
		return 1;
	qrt_ivshmem_peer_get_memory(peer, &length);
	printf("I am peer %d, and the memory has %llu bytes\n", qrt_ivshmem_peer_get_id(peer),
	       (unsigned long long)length);
	ring_all(peer);
	rc = watch(peer, 2000);
	qrt_ivshmem_peer_close(peer);
	return rc < 0;
}
