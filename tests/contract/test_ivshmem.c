/* SPDX-License-Identifier: MIT */
/* libqrt-shmem from outside: lifetimes, descriptors, and what is written when. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qrt/ivshmem.h>
#include <qrt/ivshmem_hold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static struct qrt_ivshmem_event events[16];

static struct qrt_shmem_memory *make_memory(void)
{
	struct qrt_shmem_memory_config config = {
		.size = sizeof(config), .flags = QRT_SHMEM_MEMORY_FIXED, .length = 65536};
	struct qrt_shmem_memory *memory = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_shmem_memory_open(&config, &memory, NULL), 0);
	return memory;
}

static struct qrt_ivshmem_server *make_server(void)
{
	struct qrt_shmem_memory *memory = make_memory();
	struct qrt_ivshmem_server_config config = {.size = sizeof(config),
						   .memory_fd = qrt_shmem_memory_get_fd(memory)};
	struct qrt_ivshmem_server *server = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_open(&config, &server, NULL), 0);
	qrt_shmem_memory_close(memory); /* its descriptor was dup'ed */
	return server;
}

/* All that is given is gone or overwritten once the call is over. */
static void listen_at(struct qrt_ivshmem_server *server, char *path)
{
	char name[] = "machine";
	uint32_t user = getuid();
	struct qrt_ivshmem_listen_config config = {
		.size = sizeof(config), .path = path, .name = name, .uids = &user, .uid_count = 1};

	snprintf(path, 64, "/tmp/qrt-contract-%d", getpid());
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &config, NULL), 0);
	memset(name, 'x', sizeof(name));
	user = ~user;
}

static struct qrt_ivshmem_peer *make_peer(struct qrt_ivshmem_server *server, char *path)
{
	struct qrt_ivshmem_peer_config config = {
		.size = sizeof(config), .path = path, .flags = QRT_IVSHMEM_PEER_SEALED};
	struct qrt_ivshmem_peer *peer = NULL;
	int i;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &peer, NULL), 0);
	for (i = 0; i < 10; i++)
		CU_ASSERT(qrt_ivshmem_server_harvest(server, events, 16) >= 0);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_wait_ready(peer, 1, 1000, NULL), 0);
	return peer;
}

static int is_readable(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, 0) > 0;
}

static void closing_nothing_returns_nothing(void)
{
	CU_ASSERT_PTR_NULL(qrt_ivshmem_server_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_ivshmem_server_leave(NULL));
	CU_ASSERT_PTR_NULL(qrt_ivshmem_peer_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_ivshmem_hold_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_shmem_memory_close(NULL));
}

/* A struct of a caller that knows more than this library, and has set it. */
#define NEWER(type)                                                                                          \
	struct {                                                                                             \
		struct type known;                                                                           \
		uint64_t tail;                                                                               \
	}

static void outputs_stay_untouched_on_failure(void)
{
	NEWER(qrt_ivshmem_server_config)
	server_config = {.known = {.size = sizeof(server_config)}, .tail = 1};
	NEWER(qrt_ivshmem_peer_config) peer_config = {.known = {.size = sizeof(peer_config)}, .tail = 1};
	NEWER(qrt_shmem_memory_config) memory_config = {.known = {.size = sizeof(memory_config)}, .tail = 1};
	NEWER(qrt_ivshmem_device_config)
	device_config = {.known = {.size = sizeof(device_config)}, .tail = 1};
	struct qrt_ivshmem_server *const some = (struct qrt_ivshmem_server *)&server_config, *server = some;
	struct qrt_ivshmem_peer *const one = (struct qrt_ivshmem_peer *)&server_config, *peer = one;
	struct qrt_ivshmem_hold *const none = (struct qrt_ivshmem_hold *)&server_config, *hold = none;
	struct qrt_shmem_memory *const any = (struct qrt_shmem_memory *)&server_config, *memory = any;
	struct qrt_ivshmem_device device, before;
	struct qrt_shmem_error error;

	CU_ASSERT_EQUAL(qrt_ivshmem_server_open(&server_config.known, &server, &error), -E2BIG);
	CU_ASSERT(error.code == -E2BIG && strlen(error.message) > 10);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_open(&peer_config.known, &peer, &error), -E2BIG);
	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&memory_config.known, &memory, &error), -E2BIG);
	memset(&device, 0x55, sizeof(device));
	before = device;
	CU_ASSERT_EQUAL(qrt_ivshmem_device_init(&device, &device_config.known), -E2BIG);
	CU_ASSERT_EQUAL(memcmp(&device, &before, sizeof(device)), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_open("/tmp/qrt-contract-no-holder", 100, &hold, NULL), -ENOENT);
	memory_config.known.size = server_config.known.size = peer_config.known.size = 0;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_open(&server_config.known, &server, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_open(&peer_config.known, &peer, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&memory_config.known, &memory, NULL), -EINVAL);
	CU_ASSERT(server == some && peer == one && hold == none && memory == any);
}

static void errors_stay_untouched_on_success(void)
{
	struct qrt_shmem_memory_config config = {.size = sizeof(config), .length = 4096};
	struct qrt_shmem_memory *memory = NULL;
	struct qrt_shmem_error error, before;

	memset(&error, 0x55, sizeof(error));
	before = error;
	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&config, &memory, &error), 0);
	CU_ASSERT_EQUAL(memcmp(&error, &before, sizeof(error)), 0);
	qrt_shmem_memory_close(memory);
}

static void no_descriptor_outlives_exec(void)
{
	char path[64], link[64], target[64];
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_shmem_memory *memory = make_memory();
	struct qrt_ivshmem_peer *peer;
	int fd;

	listen_at(server, path);
	peer = make_peer(server, path);
	for (fd = 3; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		memset(target, 0, sizeof(target));
		if (readlink(link, target, sizeof(target) - 1) <= 0)
			continue;
		/* What a test runner hands on is not ours. */
		if (strstr(target, "eventfd") || strstr(target, "eventpoll") || strstr(target, "memfd") ||
		    strstr(target, "timerfd"))
			CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	CU_ASSERT_EQUAL(fcntl(qrt_ivshmem_server_get_fd(server), F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fcntl(qrt_ivshmem_peer_get_fd(peer), F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fcntl(qrt_shmem_memory_get_fd(memory), F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(qrt_shmem_memory_get_claim(memory), -1);
	qrt_ivshmem_peer_close(peer);
	qrt_ivshmem_server_close(server);
	qrt_shmem_memory_close(memory);
}

static int count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void what_is_closed_leaves_nothing(void)
{
	int before = count_fds();
	char path[64];
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_ivshmem_peer *a, *b;

	listen_at(server, path);
	a = make_peer(server, path);
	b = make_peer(server, path);
	qrt_ivshmem_peer_close(a);
	qrt_ivshmem_server_close(server);
	qrt_ivshmem_peer_close(b);
	CU_ASSERT_EQUAL(count_fds(), before);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
}

static void what_was_given_is_copied(void)
{
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_ivshmem_client client;
	struct qrt_ivshmem_peer *peer;
	char path[64];

	listen_at(server, path);
	peer = make_peer(server, path);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list_absent(server, &client, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, &client, 1), 1);
	CU_ASSERT_STRING_EQUAL(client.name, "machine");
	qrt_ivshmem_peer_close(peer);
	qrt_ivshmem_server_close(server);
}

/* As long as something is left to do. */
static void the_descriptor_stays_readable(void)
{
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_ivshmem_peer *peers[6];
	char path[64];
	int i, left = 0, rounds;

	listen_at(server, path);
	for (i = 0; i < 6; i++)
		peers[i] = make_peer(server, path);
	for (i = 0; i < 6; i++)
		qrt_ivshmem_peer_close(peers[i]);
	for (rounds = 0; rounds < 100 && left < 6; rounds++) {
		CU_ASSERT_TRUE(is_readable(qrt_ivshmem_server_get_fd(server)));
		left += qrt_ivshmem_server_harvest(server, events, 1);
	}
	CU_ASSERT_EQUAL(left, 6);
	qrt_ivshmem_server_close(server);
}

static void memory_outlives_its_server(void)
{
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_ivshmem_peer *peer;
	uint64_t length = 0;
	char path[64], *at;

	listen_at(server, path);
	peer = make_peer(server, path);
	at = qrt_ivshmem_peer_get_memory(peer, &length);
	qrt_ivshmem_server_close(server);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 16), 1);
	CU_ASSERT_EQUAL(events[0].kind, QRT_IVSHMEM_GONE);
	CU_ASSERT_EQUAL(length, 65536);
	at[length - 1] = 1;
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(peer, 0, 0), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(peer, 0, 1000), 1);
	qrt_ivshmem_peer_close(peer);
}

static int make_client(struct qrt_ivshmem_server *server, uint32_t id, uint32_t flags, int *ret_fd)
{
	struct qrt_ivshmem_client_config config = {.size = sizeof(config),
						   .flags = QRT_IVSHMEM_CLIENT_ID | flags,
						   .id = id,
						   .vectors = 2,
						   .name = "vm"};

	return qrt_ivshmem_server_connect(server, &config, ret_fd, NULL);
}

static struct qrt_ivshmem_peer *make_peer_of(struct qrt_ivshmem_server *server, int fd)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .fd = fd};
	struct qrt_ivshmem_peer *peer = NULL;
	int i;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &peer, NULL), 0);
	close(fd);
	for (i = 0; i < 10; i++)
		CU_ASSERT(qrt_ivshmem_server_harvest(server, events, 16) >= 0);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_wait_ready(peer, 2, 1000, NULL), 0);
	return peer;
}

/* A monitor with the server inside: connections go out and come in, without any socket. */
static void clients_need_no_socket(void)
{
	struct qrt_ivshmem_server *server = make_server();
	struct qrt_ivshmem_client_config config = {.size = sizeof(config), .fd = -1};
	struct qrt_ivshmem_client client;
	struct qrt_ivshmem_peer *a, *b;
	int before = count_fds(), fd = -7, pair[2], i;

	CU_ASSERT_EQUAL(make_client(server, 5, QRT_IVSHMEM_CLIENT_PEER, &fd), 5);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	a = make_peer_of(server, fd);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, &client, 1), 1);
	CU_ASSERT(client.id == 5 && client.vectors == 2 && strcmp(client.name, "vm") == 0);
	CU_ASSERT_EQUAL(client.listener, QRT_IVSHMEM_NO_LISTENER);
	fd = -7;
	CU_ASSERT_EQUAL(make_client(server, 5, 0, &fd), -EBUSY);
	CU_ASSERT_EQUAL(make_client(server, 65536, 0, &fd), -EINVAL);
	CU_ASSERT_EQUAL(make_client(server, 6, 1u << 30, &fd), -EINVAL);
	CU_ASSERT_EQUAL(fd, -7);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_admit(server, &config, NULL), -ENOTSOCK);
	/* One that comes in, and again by the id that it had: it stays with it. */
	for (i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		config.flags = QRT_IVSHMEM_CLIENT_ID;
		config.id = 9;
		config.vectors = 2;
		config.fd = pair[0];
		CU_ASSERT_EQUAL(qrt_ivshmem_server_admit(server, &config, NULL), 9);
		close(pair[0]);
		b = make_peer_of(server, pair[1]);
		CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(a, events, 16), 1);
		CU_ASSERT_EQUAL(events[0].kind, QRT_IVSHMEM_JOINED);
		CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(a, 9, 1), 0);
		CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(b, 1, 1000), 1);
		qrt_ivshmem_peer_close(b);
		CU_ASSERT_EQUAL(qrt_ivshmem_server_harvest(server, events, 16), 1);
		CU_ASSERT_EQUAL(qrt_ivshmem_server_list_absent(server, &client, 1), 1);
		qrt_ivshmem_server_harvest(server, events, 16);
		CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(a, events, 16), 1);
		CU_ASSERT_EQUAL(events[0].kind, QRT_IVSHMEM_LEFT);
	}
	qrt_ivshmem_peer_close(a);
	CU_ASSERT(qrt_ivshmem_server_harvest(server, events, 16) >= 0);
	qrt_ivshmem_server_close(server);
	CU_ASSERT(count_fds() < before);
}

static const struct tap_test tests[] = {
	{"clients need no socket", clients_need_no_socket},
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"errors stay untouched on success", errors_stay_untouched_on_success},
	{"no descriptor outlives exec", no_descriptor_outlives_exec},
	{"what is closed leaves nothing", what_is_closed_leaves_nothing},
	{"what was given is copied", what_was_given_is_copied},
	{"the descriptor stays readable", the_descriptor_stays_readable},
	{"memory outlives its server", memory_outlives_its_server},
};

TAP_MAIN("ivshmem contract", tests)
