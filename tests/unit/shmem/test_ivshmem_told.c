/* SPDX-License-Identifier: MIT */
/*
 * What clients believe, whoever comes, goes, comes back with the same id, or reads late, and however often
 * the server is replaced meanwhile: in the end, what is so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "believers.h"
#include "ivshmem_help.h"
#include "server_p.h"
#include "tap.h"

/* ---- the promises ---- */

static void an_id_that_comes_back_in_another_place_is_there(void)
{
	told_begin();
	believer_join(&believers[0], 0);
	believer_join(&believers[1], 1);
	believer_join(&believers[2], 2);
	believers_expect_truth();
	/* Both end; the one that came later comes back first, into the other's place. */
	believer_leave(&believers[1]);
	believer_leave(&believers[2]);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, IDS - BOUND), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, IDS - BOUND + 1), 0);
	believer_join(&believers[2], 2);
	believers_expect_truth();
	believers_end_all();
}

/* The same, where it is the next server that tells. */
static void an_id_that_comes_back_is_there_for_the_next_server_too(void)
{
	told_begin();
	believer_join(&believers[0], 0);
	believer_join(&believers[1], 1);
	believer_join(&believers[2], 2);
	believers_expect_truth();
	believer_leave(&believers[1]);
	believer_leave(&believers[2]);
	qrt_ivshmem_server_drop(server, IDS - BOUND);
	qrt_ivshmem_server_drop(server, IDS - BOUND + 1);
	believer_join(&believers[2], 2);
	told_replace();
	believers_expect_truth();
	believers_end_all();
}

/* Whatever the reason: the store has them still, and the caller has not. */
static void a_server_that_does_not_begin_closes_what_was_kept(void)
{
	struct {
		struct qrt_ivshmem_server_config config;
		uint32_t tail;
	} newer = {.config = {.size = sizeof(newer)}, .tail = 1};
	struct qrt_ivshmem_kept two[2] = {{.name = "record"}, {.name = "x"}};
	struct qrt_ivshmem_server_config *config = &newer.config;
	static const int errors[] = {-E2BIG, -EINVAL, -EBADMSG};
	int i;

	for (i = 0; i < 3; i++) {
		two[0].fd = memfd_create("kept", MFD_CLOEXEC);
		two[1].fd = memfd_create("kept", MFD_CLOEXEC);
		config->kept = two;
		config->kept_count = 2;
		config->size = i ? sizeof(*config) : sizeof(newer);
		config->flags = i == 1 ? 1u << 31 : 0;
		config->memory_fd = two[1].fd;
		CU_ASSERT_EQUAL(qrt_ivshmem_server_open(config, &server, NULL), errors[i]);
		CU_ASSERT_EQUAL(fcntl(two[0].fd, F_GETFD), -1);
		CU_ASSERT_EQUAL(fcntl(two[1].fd, F_GETFD), -1);
	}
}

/* One that was thought dead, and wakes up: connections, record and lives are another server's. */
static void a_server_that_was_replaced_ends_nobody(void)
{
	struct qrt_ivshmem_server *stale;

	told_begin();
	believer_join(&believers[0], 0);
	believer_join(&believers[1], 1);
	believers_expect_truth();
	stale = server;
	told_begin();
	server_run();
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(stale, IDS - BOUND), -ESTALE);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_renew(stale, IDS - BOUND), -ESTALE);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_add(stale, 0, believers[0]->socket), -ESTALE);
	qrt_shmem_p_server_part(stale, stale->slots[1], QRT_IVSHMEM_STALLED);
	believers_expect_truth();
	qrt_ivshmem_server_close(stale);
	believers_expect_truth();
	believers_end_all();
}

/* Something of a client is missing in the store: it cannot be gone on with, and that is seen. */
static void who_cannot_be_gone_on_with_leaves(void)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};
	uint32_t i;

	told_begin();
	believer_join(&believers[0], 0);
	believer_join(&believers[1], 1);
	believers_expect_truth();
	for (i = told_kept_count; i-- > 0;) {
		if (strncmp(told_names[i], "c.1.", 4) == 0)
			told_drop(NULL, told_names[i]);
	}
	told_replace();
	CU_ASSERT_EQUAL(qrt_ivshmem_server_harvest(server, seen, 16), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_LEFT);
	CU_ASSERT_EQUAL(seen[0].id, IDS - BOUND);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_DROPPED);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_get_statistics(server, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.left, 1);
	believer_leave(&believers[1]);
	believers_expect_truth();
	believers_end_all();
}

/* Told of nothing of one that left again. That was being noted, and the server was killed between the notes.
 */
static void who_was_about_to_be_told_of_nobody_goes_on(void)
{
	struct qrt_shmem_p_client *client;

	told_begin();
	believer_join(&believers[0], 0);
	believer_join(&believers[1], 0);
	believers_expect_truth();
	client = server->slots[0];
	believer_leave(&believers[1]);
	believers_expect_truth();
	client->entry->partial = 2;
	CU_ASSERT_EQUAL(client->told[1].serial, 0);
	told_replace();
	believers_expect_truth();
	CU_ASSERT_EQUAL(server->slots[0]->entry->partial, 0);
	believer_join(&believers[1], 0);
	believers_expect_truth();
	/* The same, and somebody else is there. */
	server->slots[0]->entry->partial = 2;
	server->slots[0]->told[1].serial = 0;
	believer_forget(believers[0], believers[1]->id);
	told_replace();
	believers_expect_truth();
	believers_end_all();
}

/* One with a bound id, gone again, whom a client knows that is told nothing of that. */
static struct qrt_shmem_p_entry *begin_with_absent(void)
{
	told_begin();
	believer_join(&believers[MOST - 1], 0);
	believer_join(&believers[0], 1);
	believers_expect_truth();
	believer_leave(&believers[0]);
	server_run();
	CU_ASSERT_FATAL(server->absent == 1);
	return server->slots[1]->entry;
}

static void expect_slot(int is_absent, uint32_t count)
{
	believers_hear_all();
	CU_ASSERT_PTR_NOT_NULL_FATAL(server->slots[1]);
	CU_ASSERT_EQUAL(qrt_shmem_p_is_absent(server->slots[1]), is_absent);
	CU_ASSERT_EQUAL(server->slots[1]->entry->vectors, count);
	CU_ASSERT_EQUAL(server->slots[1]->entry->fds, count);
	CU_ASSERT_EQUAL(believers[MOST - 1]->counts[IDS - BOUND], (int)count);
	CU_ASSERT_FALSE(believers[MOST - 1]->has_left[IDS - BOUND]);
}

/* Killed before the first of the eventfds that it was to get was there. */
static void who_was_just_coming_back_to_more_vectors_keeps_what_it_has(void)
{
	begin_with_absent()->vectors = VECTORS + 1;
	told_replace();
	expect_slot(1, VECTORS);
	told_replace();
	expect_slot(1, VECTORS);
	believers_end_all();
}

/* Killed when one was in the store, and not counted yet. */
static void who_was_just_coming_back_to_more_vectors_comes_back(void)
{
	struct qrt_shmem_p_entry *entry = begin_with_absent();
	int pair[2], fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char name[65];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	told_vectors = VECTORS + 1;
	entry->vectors = told_vectors;
	entry->serial = 1000;
	entry->listener = 1;
	qrt_shmem_p_name_socket(name, sizeof(name), 1, entry->serial);
	told_put(NULL, name, pair[1]);
	qrt_shmem_p_name_vector(name, sizeof(name), 1, entry->origin, VECTORS);
	told_put(NULL, name, fd);
	close(pair[1]);
	close(fd);
	told_replace();
	expect_slot(0, VECTORS + 1);
	told_replace();
	expect_slot(0, VECTORS + 1);
	close(pair[0]);
	believers_end_all();
	told_vectors = VECTORS;
}

static void step(unsigned *seed, int is_replacing)
{
	struct believer **any = &believers[rand_r(seed) % MOST];
	unsigned what = (unsigned)rand_r(seed) % 32;

	if (what == 31 && is_replacing)
		told_replace();
	else if (what >= 24)
		qrt_ivshmem_server_harvest(server, seen, 1 + (size_t)rand_r(seed) % 4);
	else if (!*any)
		believer_join(any, (uint32_t)rand_r(seed) % (BOUND + 1));
	else if (what < 6)
		believer_leave(any);
	else if (what < 8)
		believer_hear_some(*any, rand_r(seed) % 8);
}

static void walk(unsigned seed, int is_replacing)
{
	int i;

	told_begin();
	for (i = 0; i < 4000; i++) {
		step(&seed, is_replacing);
		if (i % 1000 == 999)
			believers_expect_truth();
	}
	believers_end_all();
}

static void all_believe_what_is_so_in_the_end(void)
{
	unsigned seed;

	for (seed = 1; seed <= 20; seed++)
		walk(seed, 0);
}

static void whichever_server_told_them(void)
{
	unsigned seed;

	for (seed = 1; seed <= 20; seed++)
		walk(seed, 1);
}

static const struct tap_test tests[] = {
	{"an id that comes back in another place is there", an_id_that_comes_back_in_another_place_is_there},
	{"an id that comes back is there for the next server too",
	 an_id_that_comes_back_is_there_for_the_next_server_too},
	{"a server that does not begin closes what was kept",
	 a_server_that_does_not_begin_closes_what_was_kept},
	{"a server that was replaced ends nobody", a_server_that_was_replaced_ends_nobody},
	{"who cannot be gone on with leaves", who_cannot_be_gone_on_with_leaves},
	{"who was about to be told of nobody goes on", who_was_about_to_be_told_of_nobody_goes_on},
	{"who was just coming back to more vectors keeps what it has",
	 who_was_just_coming_back_to_more_vectors_keeps_what_it_has},
	{"who was just coming back to more vectors comes back",
	 who_was_just_coming_back_to_more_vectors_comes_back},
	{"all believe what is so in the end", all_believe_what_is_so_in_the_end},
	{"whichever server told them", whichever_server_told_them},
};

TAP_MAIN("ivshmem told", tests)
