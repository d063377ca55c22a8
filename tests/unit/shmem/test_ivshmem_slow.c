/* SPDX-License-Identifier: MIT */
/* Clients that are not well, and what they cost others. */
#include <sys/socket.h>
#include <unistd.h>

#include "ivshmem_help.h"
#include "tap.h"

#define EXPECT_TOLD(client, text) CU_ASSERT_STRING_EQUAL(client_text(client), text)

static void who_talks_is_dropped(void)
{
	struct client *a, *b;

	server_begin(NULL, NULL);
	a = client_join();
	b = client_join();
	CU_ASSERT_EQUAL(write(b->socket, "x", 1), 1);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_LEFT);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_TALKED);
	EXPECT_TOLD(a, "0 0 -1+ 0+ 1+ 1");
	EXPECT_TOLD(b, "0 1 -1+ 0+ 1+ end");
	client_leave(&a);
	client_close(b);
	server_end();
}

/* a and c read, b does not: what they are told does not depend on it. */
static void who_does_not_read_costs_nobody_a_notice(void)
{
	const struct qrt_ivshmem_server_config patient = {.stall_ms = 600000};
	struct qrt_ivshmem_client list[3];
	struct client *a, *b, *c, *come_and_go;
	int i;

	server_begin(&patient, NULL);
	a = client_join();
	b = client_join();
	c = client_join();
	for (i = 0; i < 1000; i++) {
		come_and_go = client_join();
		client_read(a);
		client_read(c);
		client_leave(&come_and_go);
	}
	for (i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(client_count(a, 3 + i, 1), 1);
		CU_ASSERT_EQUAL(client_count(a, 3 + i, 0), 1);
		CU_ASSERT_EQUAL(client_count(c, 3 + i, 1), 1);
		CU_ASSERT_EQUAL(client_count(c, 3 + i, 0), 1);
	}
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, list, 3), 3);
	CU_ASSERT(list[1].slow_ns > 0 && list[1].waiting <= 2);
	/* When it reads again it is told what is so by now: who came and went is nothing to it. */
	for (i = 0; i < 20; i++) {
		client_read(b);
		server_run();
	}
	for (i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(client_count(b, 3 + i, 1), client_count(b, 3 + i, 0));
	CU_ASSERT(b->count < 100);
	client_leave(&a);
	client_leave(&b);
	client_leave(&c);
	server_end();
}

static void who_takes_nothing_for_too_long_is_dropped(void)
{
	const struct qrt_ivshmem_server_config hasty = {.stall_ms = 200};
	struct client *a, *b, *others[40];
	int i, count = 0;

	server_begin(&hasty, NULL);
	a = client_join();
	b = client_join();
	for (i = 0; i < 40; i++) {
		others[i] = client_join();
		client_read(a);
	}
	for (i = 0; i < 40; i++) {
		usleep(25000);
		for (int k = 0; k < 40; k++)
			client_read(others[k]);
		client_read(a);
		count += server_run();
	}
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_LEFT);
	CU_ASSERT_EQUAL(seen[0].id, 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_STALLED);
	CU_ASSERT_EQUAL(client_count(a, 1, 0), 1);
	for (i = 0; i < 40; i++)
		client_close(others[i]);
	client_close(a);
	client_close(b);
	server_run();
	server_end();
}

/* One message taken is one in time, also where the kernel does not call that room. */
static void who_takes_little_is_not_dropped(void)
{
	const struct qrt_ivshmem_server_config hasty = {.stall_ms = 300};
	const struct qrt_ivshmem_listen_config many = {.vectors = 40};
	struct client *a, *b, *c;
	char message[8];
	int i, count = 0;

	server_begin(&hasty, &many);
	a = client_join();
	b = client_join();
	c = client_join();
	for (i = 0; i < 40; i++) {
		usleep(25000);
		client_read(a);
		client_read(c);
		if (i % 6 == 0)
			CU_ASSERT_EQUAL(recv(b->socket, message, 8, MSG_DONTWAIT), 8);
		count += server_run();
	}
	CU_ASSERT_EQUAL(count, 0);
	for (i = 0; i < 20 && !count; i++) {
		usleep(25000);
		count += server_run();
	}
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_STALLED);
	client_leave(&a);
	client_leave(&c);
	client_close(b);
	server_end();
}

static void more_than_there_is_room_for_is_refused(void)
{
	const struct qrt_ivshmem_server_config small = {.peers_max = 2, .vectors_max = 5};
	const struct qrt_ivshmem_listen_config two = {.vectors = 2};
	struct client *a, *b, *c;

	server_begin(&small, &two);
	a = client_join();
	b = client_join();
	c = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_FULL);
	EXPECT_TOLD(c, " end");
	client_close(c);
	client_leave(&a);
	c = client_join();
	client_leave(&b);
	client_leave(&c);
	server_end();
}

static const struct tap_test tests[] = {
	{"who talks is dropped", who_talks_is_dropped},
	{"who does not read costs nobody a notice", who_does_not_read_costs_nobody_a_notice},
	{"who takes nothing for too long is dropped", who_takes_nothing_for_too_long_is_dropped},
	{"who takes little is not dropped", who_takes_little_is_not_dropped},
	{"more than there is room for is refused", more_than_there_is_room_for_is_refused},
};

TAP_MAIN("ivshmem slow", tests)
