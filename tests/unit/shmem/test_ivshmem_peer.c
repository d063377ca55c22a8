/* SPDX-License-Identifier: MIT */
/* A program as a peer of our server. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "ivshmem_help.h"
#include "tap.h"

static struct qrt_ivshmem_event events[64];
static int count;

static struct qrt_ivshmem_peer *join(uint32_t vectors)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .path = server_path};
	struct qrt_ivshmem_peer *peer = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &peer, NULL), 0);
	server_run();
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, vectors, 1000, NULL), 0);
	return peer;
}

static void look(struct qrt_ivshmem_peer *peer)
{
	server_run();
	count = qrt_ivshmem_peer_harvest(peer, events, 64);
}

static void peers_find_and_ring_each_other(void)
{
	const struct qrt_ivshmem_listen_config two = {.vectors = 2};
	struct qrt_ivshmem_peer *a, *b;
	struct pollfd fd = {.events = POLLIN};
	uint64_t length = 0;
	uint32_t ids[4];

	server_begin(NULL, &two);
	a = join(2);
	b = join(2);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_id(a), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_id(b), 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_list(b, ids, 4), 1);
	CU_ASSERT_EQUAL(ids[0], 0);
	look(a);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT(events[0].kind == QRT_IVSHMEM_JOINED && events[0].id == 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_vectors(a, 1), 2);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_vectors(a, 2), -ENOENT);
	/* The same memory. */
	strcpy((char *)qrt_ivshmem_peer_get_memory(a, &length) + 100, "hello");
	CU_ASSERT_EQUAL(length, 65536);
	CU_ASSERT_STRING_EQUAL((char *)qrt_ivshmem_peer_get_memory(b, NULL) + 100, "hello");
	/* Rings. */
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 1, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 1, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 1, 2), -ENOENT);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 5, 0), -ENOENT);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 70000, 0), -ENOENT);
	fd.fd = qrt_ivshmem_peer_get_fd(b);
	CU_ASSERT_EQUAL(poll(&fd, 1, 1000), 1);
	look(b);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT(events[0].kind == QRT_IVSHMEM_RING && events[0].id == 1 && events[0].rings == 2);
	CU_ASSERT_EQUAL(poll(&fd, 1, 0), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(b, 0, 0), -ETIMEDOUT);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(b, 1, 0), 0); /* itself */
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(b, 0, 1000), 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(b, 9, 0), -ENOENT);
	CU_ASSERT_PTR_NULL(qrt_ivshmem_peer_close(b));
	look(a);
	CU_ASSERT(count == 1 && events[0].kind == QRT_IVSHMEM_LEFT && events[0].id == 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 1, 0), -ENOENT);
	qrt_ivshmem_peer_close(a);
	server_run();
	server_end();
}

static void rings_and_memory_outlive_the_server(void)
{
	struct qrt_ivshmem_peer *a, *b;

	server_begin(NULL, NULL);
	a = join(1);
	b = join(1);
	look(a);
	server_end();
	count = qrt_ivshmem_peer_harvest(a, events, 64);
	CU_ASSERT(count == 1 && events[0].kind == QRT_IVSHMEM_GONE);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(a, events, 64), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 1, 0), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(b, 0, 1000), 1);
	((char *)qrt_ivshmem_peer_get_memory(a, NULL))[65535] = 'z';
	CU_ASSERT_EQUAL(((char *)qrt_ivshmem_peer_get_memory(b, NULL))[65535], 'z');
	qrt_ivshmem_peer_close(a);
	qrt_ivshmem_peer_close(b);
}

static void where_no_server_is(void)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .path = "/tmp/no-such-server"};
	struct qrt_ivshmem_peer *peer = NULL;
	struct qrt_shmem_error error;

	CU_ASSERT_EQUAL(qrt_ivshmem_peer_open(&config, &peer, &error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/tmp/no-such-server"));
	CU_ASSERT_PTR_NULL(peer);
	CU_ASSERT_PTR_NULL(qrt_ivshmem_peer_close(NULL));
}

static const struct tap_test tests[] = {
	{"peers find and ring each other", peers_find_and_ring_each_other},
	{"rings and memory outlive the server", rings_and_memory_outlive_the_server},
	{"where no server is", where_no_server_is},
};

TAP_MAIN("ivshmem peer", tests)
