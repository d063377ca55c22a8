/* SPDX-License-Identifier: MIT */
/* What clients of an ivshmem server are told, and who becomes one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ivshmem_help.h"
#include "tap.h"

#define EXPECT_TOLD(client, text) CU_ASSERT_STRING_EQUAL(client_text(client), text)

/* ---- the protocol ---- */

static void a_greeting_has_the_protocols_order(void)
{
	const struct qrt_ivshmem_listen_config two = {.vectors = 2};
	struct client *a, *b, *c;

	server_begin(NULL, &two);
	a = client_join();
	EXPECT_TOLD(a, "0 0 -1+ 0+ 0+");
	b = client_join();
	EXPECT_TOLD(b, "0 1 -1+ 0+ 0+ 1+ 1+");
	c = client_join();
	EXPECT_TOLD(c, "0 2 -1+ 0+ 0+ 1+ 1+ 2+ 2+");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 0+ 1+ 1+ 2+ 2+");
	client_leave(&b);
	EXPECT_TOLD(a, "0 0 -1+ 0+ 0+ 1+ 1+ 2+ 2+ 1");
	EXPECT_TOLD(c, "0 2 -1+ 0+ 0+ 1+ 1+ 2+ 2+ 1");
	client_leave(&a);
	client_leave(&c);
	server_end();
}

static void rings_go_from_peer_to_peer(void)
{
	const uint64_t one = 1;
	struct client *a, *b;
	uint64_t count = 0;

	server_begin(NULL, NULL);
	a = client_join();
	b = client_join();
	client_read(a);
	client_read(b);
	/* b's vector, as a has it; and as b has it itself. */
	CU_ASSERT_EQUAL(write(a->told[4].fd, &one, 8), 8);
	CU_ASSERT_EQUAL(read(b->told[4].fd, &count, 8), 8);
	CU_ASSERT_EQUAL(count, 1);
	/* Nobody waits for what nobody rang. */
	CU_ASSERT_EQUAL(read(b->told[4].fd, &count, 8), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	client_leave(&a);
	client_leave(&b);
	server_end();
}

static void the_memory_is_the_same_for_all(void)
{
	struct client *a, *b;
	char byte = 'x';

	server_begin(NULL, NULL);
	a = client_join();
	b = client_join();
	client_read(a);
	client_read(b);
	CU_ASSERT_EQUAL(pwrite(a->told[2].fd, "qrt", 3, 4096), 3);
	CU_ASSERT_EQUAL(pread(b->told[2].fd, &byte, 1, 4096), 1);
	CU_ASSERT_EQUAL(byte, 'q');
	client_leave(&a);
	client_leave(&b);
	server_end();
}

static void ids_are_not_used_again_at_once(void)
{
	struct client *a, *b;

	server_begin(NULL, NULL);
	a = client_join();
	client_leave(&a);
	b = client_join();
	EXPECT_TOLD(b, "0 1 -1+ 1+");
	client_leave(&b);
	server_end();
}

/* Among programs of the library, which do not mind. */
static void ids_go_round(void)
{
	const struct qrt_ivshmem_server_config three = {.ids = 3};
	struct client *a, *b;
	int i;

	server_begin(&three, NULL);
	a = client_connect_named(server_path);
	for (i = 0; i < 4; i++) {
		server_run();
		b = client_join();
		CU_ASSERT_EQUAL(client_count(b, 1 + i % 2, 0), 1);
		client_leave(&b);
	}
	client_leave(&a);
	server_end();
}

static void the_lowest_id_where_that_is_asked_for(void)
{
	const struct qrt_ivshmem_server_config lowest = {.flags = QRT_IVSHMEM_SERVER_LOWEST_IDS};
	struct client *a, *b;

	server_begin(&lowest, NULL);
	a = client_join();
	b = client_connect_named(server_path);
	server_run();
	client_leave(&a);
	a = client_join();
	EXPECT_TOLD(a, "0 0 -1+ 1+ 0+");
	EXPECT_TOLD(b, "0 1 -1+ 0+ 1+ 0 0+");
	client_leave(&a);
	client_leave(&b);
	server_end();
}

/* ---- sockets ---- */

static void sockets_differ_in_vectors_and_ids(void)
{
	const struct qrt_ivshmem_listen_config bound = {
		.flags = QRT_IVSHMEM_LISTEN_ID, .id = 1, .vectors = 3, .name = "vm1"};
	struct qrt_ivshmem_client list[3];
	struct client *a, *b, *c;
	char path[64];

	server_begin(NULL, NULL);
	CU_ASSERT_EQUAL(server_listen(&bound, path), 1);
	a = client_join();
	b = client_join(); /* 1 is the other socket's */
	EXPECT_TOLD(b, "0 2 -1+ 0+ 2+");
	c = client_connect(path);
	server_run();
	EXPECT_TOLD(c, "0 1 -1+ 0+ 2+ 1+ 1+ 1+");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 2+ 1+ 1+ 1+");
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, list, 3), 3);
	CU_ASSERT_STRING_EQUAL(list[2].name, "vm1");
	CU_ASSERT_EQUAL(list[2].vectors, 3);
	CU_ASSERT_EQUAL(list[2].pid, getpid());
	CU_ASSERT_EQUAL(list[2].is_greeted, 1);
	client_leave(&a);
	client_leave(&b);
	client_leave(&c);
	server_end();
}

static void a_bound_id_is_one_clients(void)
{
	const struct qrt_ivshmem_listen_config bound = {.flags = QRT_IVSHMEM_LISTEN_ID, .id = 7};
	struct client *a, *b;

	server_begin(NULL, &bound);
	a = client_join();
	b = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_REFUSED);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_IN_USE);
	EXPECT_TOLD(b, " end");
	EXPECT_TOLD(a, "0 7 -1+ 7+");
	client_close(b);
	/* The next one may come before it was noticed that the first one went. */
	client_close(a);
	b = client_connect(server_path);
	server_run();
	EXPECT_TOLD(b, "0 7 -1+ 7+");
	client_leave(&b);
	server_end();
}

static void only_who_is_listed_may(void)
{
	const uint32_t nobody = 65534, me = getuid();
	const struct qrt_ivshmem_listen_config other = {.uids = &nobody, .uid_count = 1};
	const struct qrt_ivshmem_listen_config mine = {.uids = &me, .uid_count = 1};
	struct client *a;
	char path[64];

	server_begin(NULL, &other);
	a = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_REFUSED);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_NOT_LISTED);
	CU_ASSERT_EQUAL(seen[0].uid, me);
	EXPECT_TOLD(a, " end");
	client_close(a);
	CU_ASSERT(server_listen(&mine, path) >= 0);
	a = client_connect(path);
	server_run();
	EXPECT_TOLD(a, "0 0 -1+ 0+");
	client_leave(&a);
	server_end();
}

static void a_group_of_the_process_is_enough(void)
{
	const uint32_t group = getgid();
	const struct qrt_ivshmem_listen_config mine = {.gids = &group, .gid_count = 1};
	struct client *a;

	server_begin(NULL, &mine);
	a = client_join();
	client_leave(&a);
	server_end();
}

static void a_socket_has_its_permissions(void)
{
	const struct qrt_ivshmem_listen_config open = {.mode = 0660};
	struct stat status;

	server_begin(NULL, &open);
	CU_ASSERT_EQUAL(stat(server_path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0660);
	server_end();
	CU_ASSERT_EQUAL(stat(server_path, &status), -1);
}

static void a_socket_in_use_is_not_taken(void)
{
	struct qrt_ivshmem_listen_config same = {.size = sizeof(same)};
	struct qrt_ivshmem_listen_config unlisted = {.size = sizeof(unlisted), .fd = -1, .gid_count = 1};
	struct qrt_shmem_error error;

	server_begin(NULL, NULL);
	same.path = server_path;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_listen(server, &same, &error), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, server_path));
	same.path =
		"/tmp/"
		"a-path-that-is-much-longer-than-what-fits-into-the-address-of-a-unix-socket-which-is-not-"
		"long-at-all-not-even-a-little";
	CU_ASSERT_EQUAL(qrt_ivshmem_server_listen(server, &same, &error), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_listen(server, &unlisted, &error), -EINVAL);
	unlisted.uid_count = 1;
	unlisted.gid_count = 0;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_listen(server, &unlisted, &error), -EINVAL);
	server_end();
}

/* ---- by the caller's will ---- */

static void a_connection_can_be_handed_in(void)
{
	struct client *a = calloc(1, sizeof(*a));
	int pair[2];

	server_begin(NULL, NULL);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_add(server, 5, pair[0]), -EINVAL);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_add(server, 0, pair[0]), 0);
	close(pair[0]);
	a->socket = pair[1];
	server_run();
	EXPECT_TOLD(a, "0 0 -1+ 0+");
	client_leave(&a);
	server_end();
}

static void who_is_dropped_sees_the_end(void)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};
	struct client *a, *b;

	server_begin(NULL, NULL);
	a = client_join();
	b = client_join();
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, 1), -ENOENT);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_DROPPED);
	EXPECT_TOLD(b, "0 1 -1+ 0+ 1+ end");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 1+ 1");
	CU_ASSERT_EQUAL(qrt_ivshmem_server_get_statistics(server, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.joined, 2);
	CU_ASSERT_EQUAL(statistics.left, 1);
	CU_ASSERT_EQUAL(statistics.clients, 1);
	client_leave(&a);
	client_close(b);
	server_end();
}

static const struct tap_test tests[] = {
	{"a greeting has the protocol's order", a_greeting_has_the_protocols_order},
	{"rings go from peer to peer", rings_go_from_peer_to_peer},
	{"the memory is the same for all", the_memory_is_the_same_for_all},
	{"ids are not used again at once", ids_are_not_used_again_at_once},
	{"ids go round", ids_go_round},
	{"the lowest id where that is asked for", the_lowest_id_where_that_is_asked_for},
	{"sockets differ in vectors and ids", sockets_differ_in_vectors_and_ids},
	{"a bound id is one client's", a_bound_id_is_one_clients},
	{"only who is listed may", only_who_is_listed_may},
	{"a group of the process is enough", a_group_of_the_process_is_enough},
	{"a socket has its permissions", a_socket_has_its_permissions},
	{"a socket in use is not taken", a_socket_in_use_is_not_taken},
	{"a connection can be handed in", a_connection_can_be_handed_in},
	{"who is dropped sees the end", who_is_dropped_sees_the_end},
};

TAP_MAIN("ivshmem server", tests)
