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

#include "ivshmem_help.h"
#include "server_p.h"
#include "tap.h"

#define BOUND   4  /* sockets with an id of their own: 8 and on */
#define IDS     12 /* those below 8 are free */
#define VECTORS 3
#define MOST    10 /* clients at the same time */
#define KEPT    1024

/* ---- a store in this process ---- */

static uint32_t vectors = VECTORS; /* of each client from now on */
static struct qrt_ivshmem_kept kept[KEPT];
static char names[KEPT][65];
static uint32_t kept_count;

static int drop(void *data, const char *name)
{
	uint32_t i;

	(void)data;
	for (i = 0; i < kept_count && strcmp(names[i], name) != 0; i++)
		;
	if (i == kept_count)
		return 0;
	close(kept[i].fd);
	kept_count--;
	kept[i].fd = kept[kept_count].fd;
	memcpy(names[i], names[kept_count], sizeof(names[i]));
	return 0;
}

static int put(void *data, const char *name, int fd)
{
	drop(data, name);
	CU_ASSERT_FATAL(kept_count < KEPT);
	kept[kept_count].fd = dup(fd);
	kept[kept_count].name = names[kept_count];
	snprintf(names[kept_count++], sizeof(names[0]), "%s", name);
	return 0;
}

static const struct qrt_ivshmem_store store = {.put = put, .drop = drop};

/* What a store gives a server is a copy of what it holds. */
static void open_server(int memory)
{
	struct qrt_ivshmem_kept copies[KEPT];
	struct qrt_ivshmem_server_config config = {.size = sizeof(config), .ids = IDS, .peers_max = MOST + 2};
	uint32_t i;

	for (i = 0; i < kept_count; i++)
		copies[i] = (struct qrt_ivshmem_kept){.name = names[i], .fd = dup(kept[i].fd)};
	config.memory_fd = memory;
	config.stall_ms = 600000;
	config.store = &store;
	config.kept = copies;
	config.kept_count = kept_count;
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_open(&config, &server, NULL), 0);
}

static void open_sockets(void)
{
	struct qrt_ivshmem_listen_config any = {.size = sizeof(any), .fd = -1, .vectors = vectors};
	uint32_t i;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &any, NULL), 0);
	any.flags = QRT_IVSHMEM_LISTEN_ID;
	for (i = 0; i < BOUND; i++) {
		any.id = IDS - BOUND + i;
		CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &any, NULL), 1 + (int)i);
	}
}

static void begin(void)
{
	int memory = memfd_create("told", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(ftruncate(memory, 65536), 0);
	open_server(memory);
	open_sockets();
	close(memory);
}

static void replace(void)
{
	server = qrt_ivshmem_server_leave(server);
	begin();
}

static void end(void)
{
	server = qrt_ivshmem_server_close(server);
	CU_ASSERT_EQUAL(kept_count, 0);
}

/* ---- clients that believe what they are told ---- */

struct believer {
	int socket, greeted, id, is_named;
	int fds[IDS][VECTORS + 1];
	int counts[IDS], has_left[IDS];
};

static struct believer *believers[MOST];

static void forget(struct believer *believer, int id)
{
	while (believer->counts[id])
		close(believer->fds[id][--believer->counts[id]]);
}

static void hear(struct believer *believer, int64_t value, int fd)
{
	if (believer->greeted < 3) {
		if (believer->greeted++ == 1)
			believer->id = (int)value;
		if (fd >= 0)
			close(fd);
		return;
	}
	CU_ASSERT_FATAL(value >= 0 && value < IDS);
	if (fd < 0) {
		CU_ASSERT(believer->counts[value] > 0);
		forget(believer, (int)value);
		believer->has_left[value] = 1;
		return;
	}
	CU_ASSERT(believer->is_named || !believer->has_left[value]);
	/* One that is there already cannot join. */
	CU_ASSERT_FATAL(believer->counts[value] < (int)vectors);
	believer->fds[value][believer->counts[value]++] = fd;
}

static int hear_some(struct believer *believer, int most)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	int64_t value = 0;
	struct iovec iov = {.iov_base = &value, .iov_len = 8};
	struct msghdr message;
	int count, fd;

	for (count = 0; count < most; count++) {
		message = (struct msghdr){.msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control.room)};
		if (recvmsg(believer->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 8)
			break;
		fd = -1;
		if (CMSG_FIRSTHDR(&message))
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
		hear(believer, value, fd);
	}
	return count;
}

static void join(struct believer **place, uint32_t listener)
{
	int pair[2], id, is_named = place - believers < MOST / 2;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	if (is_named)
		client_name(pair[0]);
	id = qrt_ivshmem_server_add(server, listener, pair[1]);
	close(pair[1]);
	if (id < 0) {
		CU_ASSERT(id == -EBUSY || id == -ENOSPC || id == -EADDRNOTAVAIL);
		close(pair[0]);
		return;
	}
	*place = calloc(1, sizeof(**place));
	CU_ASSERT_PTR_NOT_NULL_FATAL(*place);
	(*place)->socket = pair[0];
	(*place)->id = id;
	(*place)->is_named = is_named;
}

static void leave(struct believer **place)
{
	for (int id = 0; *place && id < IDS; id++)
		forget(*place, id);
	if (*place)
		close((*place)->socket);
	free(*place);
	*place = NULL;
}

/* ---- what is so ---- */

static int is_anything_heard(void)
{
	int i, count = 0;

	for (i = 0; i < MOST; i++)
		count += believers[i] ? hear_some(believers[i], 1000) : 0;
	return count;
}

static void hear_all(void)
{
	do {
		server_run();
	} while (is_anything_heard());
}

static void expect_rings(const struct believer *from, const struct believer *to)
{
	const uint64_t one = 1;
	uint64_t count = 0;
	int i;

	CU_ASSERT_EQUAL_FATAL(from->counts[to->id], VECTORS);
	for (i = 0; i < VECTORS; i++) {
		CU_ASSERT_EQUAL(write(from->fds[to->id][i], &one, 8), 8);
		CU_ASSERT_EQUAL(read(to->fds[to->id][i], &count, 8), 8);
		CU_ASSERT_EQUAL(count, 1);
	}
}

/* Programs of the library believe in nobody who is not there, others only in ids that are a socket's. */
static void expect_no_ghosts(const struct believer *believer, int there)
{
	int k, believed = 0, bound = 0;

	for (k = 0; k < IDS; k++) {
		believed += believer->counts[k] != 0;
		bound += k >= IDS - BOUND && believer->counts[k] != 0;
	}
	for (k = 0; k < MOST; k++)
		bound -= believers[k] && believers[k]->id >= IDS - BOUND;
	CU_ASSERT_EQUAL(believed - (believer->is_named ? 0 : bound), there);
}

static void expect_truth(void)
{
	int i, k, there = 0;

	hear_all();
	for (i = 0; i < MOST; i++)
		there += believers[i] != NULL;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, NULL, 0), there);
	for (i = 0; i < MOST; i++) {
		if (!believers[i])
			continue;
		expect_no_ghosts(believers[i], there);
		for (k = 0; k < MOST; k++) {
			if (believers[k])
				expect_rings(believers[i], believers[k]);
		}
	}
}

static void end_all(void)
{
	for (int i = 0; i < MOST; i++)
		leave(&believers[i]);
	server_run();
	end();
}

/* ---- the promises ---- */

static void an_id_that_comes_back_in_another_place_is_there(void)
{
	begin();
	join(&believers[0], 0);
	join(&believers[1], 1);
	join(&believers[2], 2);
	expect_truth();
	/* Both end; the one that came later comes back first, into the other's place. */
	leave(&believers[1]);
	leave(&believers[2]);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, IDS - BOUND), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, IDS - BOUND + 1), 0);
	join(&believers[2], 2);
	expect_truth();
	end_all();
}

/* The same, where it is the next server that tells. */
static void an_id_that_comes_back_is_there_for_the_next_server_too(void)
{
	begin();
	join(&believers[0], 0);
	join(&believers[1], 1);
	join(&believers[2], 2);
	expect_truth();
	leave(&believers[1]);
	leave(&believers[2]);
	qrt_ivshmem_server_drop(server, IDS - BOUND);
	qrt_ivshmem_server_drop(server, IDS - BOUND + 1);
	join(&believers[2], 2);
	replace();
	expect_truth();
	end_all();
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

	begin();
	join(&believers[0], 0);
	join(&believers[1], 1);
	expect_truth();
	stale = server;
	begin();
	server_run();
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(stale, IDS - BOUND), -ESTALE);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_renew(stale, IDS - BOUND), -ESTALE);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_add(stale, 0, believers[0]->socket), -ESTALE);
	qrt_shmem_p_server_part(stale, stale->slots[1], QRT_IVSHMEM_STALLED);
	expect_truth();
	qrt_ivshmem_server_close(stale);
	expect_truth();
	end_all();
}

/* Something of a client is missing in the store: it cannot be gone on with, and that is seen. */
static void who_cannot_be_gone_on_with_leaves(void)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};
	uint32_t i;

	begin();
	join(&believers[0], 0);
	join(&believers[1], 1);
	expect_truth();
	for (i = kept_count; i-- > 0;) {
		if (strncmp(names[i], "c.1.", 4) == 0)
			drop(NULL, names[i]);
	}
	replace();
	CU_ASSERT_EQUAL(qrt_ivshmem_server_harvest(server, seen, 16), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_LEFT);
	CU_ASSERT_EQUAL(seen[0].id, IDS - BOUND);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_DROPPED);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_get_statistics(server, &statistics), 0);
	CU_ASSERT_EQUAL(statistics.left, 1);
	leave(&believers[1]);
	expect_truth();
	end_all();
}

/* Told of nothing of one that left again. That was being noted, and the server was killed between the notes.
 */
static void who_was_about_to_be_told_of_nobody_goes_on(void)
{
	struct qrt_shmem_p_client *client;

	begin();
	join(&believers[0], 0);
	join(&believers[1], 0);
	expect_truth();
	client = server->slots[0];
	leave(&believers[1]);
	expect_truth();
	client->entry->partial = 2;
	CU_ASSERT_EQUAL(client->told[1].serial, 0);
	replace();
	expect_truth();
	CU_ASSERT_EQUAL(server->slots[0]->entry->partial, 0);
	join(&believers[1], 0);
	expect_truth();
	/* The same, and somebody else is there. */
	server->slots[0]->entry->partial = 2;
	server->slots[0]->told[1].serial = 0;
	forget(believers[0], believers[1]->id);
	replace();
	expect_truth();
	end_all();
}

/* One with a bound id, gone again, whom a client knows that is told nothing of that. */
static struct qrt_shmem_p_entry *begin_with_absent(void)
{
	begin();
	join(&believers[MOST - 1], 0);
	join(&believers[0], 1);
	expect_truth();
	leave(&believers[0]);
	server_run();
	CU_ASSERT_FATAL(server->absent == 1);
	return server->slots[1]->entry;
}

static void expect_slot(int is_absent, uint32_t count)
{
	hear_all();
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
	replace();
	expect_slot(1, VECTORS);
	replace();
	expect_slot(1, VECTORS);
	end_all();
}

/* Killed when one was in the store, and not counted yet. */
static void who_was_just_coming_back_to_more_vectors_comes_back(void)
{
	struct qrt_shmem_p_entry *entry = begin_with_absent();
	int pair[2], fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char name[65];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vectors = VECTORS + 1;
	entry->vectors = vectors;
	entry->serial = 1000;
	entry->listener = 1;
	qrt_shmem_p_name_socket(name, sizeof(name), 1, entry->serial);
	put(NULL, name, pair[1]);
	qrt_shmem_p_name_vector(name, sizeof(name), 1, entry->origin, VECTORS);
	put(NULL, name, fd);
	close(pair[1]);
	close(fd);
	replace();
	expect_slot(0, VECTORS + 1);
	replace();
	expect_slot(0, VECTORS + 1);
	close(pair[0]);
	end_all();
	vectors = VECTORS;
}

static void step(unsigned *seed, int is_replacing)
{
	struct believer **any = &believers[rand_r(seed) % MOST];
	unsigned what = (unsigned)rand_r(seed) % 32;

	if (what == 31 && is_replacing)
		replace();
	else if (what >= 24)
		qrt_ivshmem_server_harvest(server, seen, 1 + (size_t)rand_r(seed) % 4);
	else if (!*any)
		join(any, (uint32_t)rand_r(seed) % (BOUND + 1));
	else if (what < 6)
		leave(any);
	else if (what < 8)
		hear_some(*any, rand_r(seed) % 8);
}

static void walk(unsigned seed, int is_replacing)
{
	int i;

	begin();
	for (i = 0; i < 4000; i++) {
		step(&seed, is_replacing);
		if (i % 1000 == 999)
			expect_truth();
	}
	end_all();
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
