/* SPDX-License-Identifier: MIT */
/*
 * Ids that come back. A client that is no program of this library hears of an id that left never again: the
 * eventfds of a bound id stay, and other ids wait.
 */
#include <dirent.h>
#include <errno.h>
#include <qrt/shmem_layout.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ivshmem_help.h"
#include "server_p.h"
#include "tap.h"

#define EXPECT_TOLD(client, text) CU_ASSERT_STRING_EQUAL(client_text(client), text)
#define BOUND                     7

static char bound_path[64];

static void begin(const struct qrt_ivshmem_server_config *config, uint32_t vectors)
{
	const struct qrt_ivshmem_listen_config bound = {
		.flags = QRT_IVSHMEM_LISTEN_ID, .id = BOUND, .vectors = vectors, .name = "vm7"};

	server_begin(config, NULL);
	CU_ASSERT_EQUAL_FATAL(server_listen(&bound, bound_path), 1);
}

static struct client *come(int is_named)
{
	struct client *client = is_named ? client_connect_named(bound_path) : client_connect(bound_path);

	server_run();
	client_read(client);
	return client;
}

static struct qrt_ivshmem_statistics statistics(void)
{
	struct qrt_ivshmem_statistics now = {.size = sizeof(now)};

	CU_ASSERT_EQUAL(qrt_ivshmem_server_get_statistics(server, &now), 0);
	return now;
}

static int rings(const struct client *from, int at, const struct client *to, int own)
{
	const uint64_t one = 1;
	uint64_t count = 0;

	return write(from->told[at].fd, &one, 8) == 8 && read(to->told[own].fd, &count, 8) == 8 && count == 1;
}

/* ---- eventfds that stay ---- */

static void who_comes_back_is_reached_by_those_who_know_nothing_of_it(void)
{
	const uint64_t one = 1;
	struct client *a, *b;
	int i;

	begin(NULL, 2);
	a = client_join();
	b = come(0);
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7+");
	for (i = 0; i < 5; i++) {
		client_leave(&b);
		/* Nobody takes this one. */
		CU_ASSERT_EQUAL(write(a->told[4].fd, &one, 8), 8);
		b = come(i % 2);
		EXPECT_TOLD(b, "0 7 -1+ 0+ 7+ 7+");
		CU_ASSERT(rings(a, 4, b, 4) && rings(a, 5, b, 5) && rings(b, 3, a, 3));
	}
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7+");
	CU_ASSERT_EQUAL(statistics().joined, 7);
	CU_ASSERT_EQUAL(statistics().left, 5);
	client_leave(&a);
	client_leave(&b);
	server_end();
}

static void programs_of_the_library_are_told_what_is_so(void)
{
	struct client *a, *b;

	begin(NULL, 1);
	a = client_connect_named(server_path);
	server_run();
	b = come(0);
	client_leave(&b);
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7");
	b = come(0);
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7 7+");
	CU_ASSERT(rings(a, 6, b, 4));
	client_leave(&a);
	client_leave(&b);
	server_end();
}

/* It is there for who was told of it, and for nobody else. */
static void who_comes_while_it_is_absent_is_told_when_it_is_there(void)
{
	struct client *a, *b, *c;

	begin(NULL, 1);
	a = client_join();
	b = come(0);
	client_leave(&b);
	c = client_join();
	EXPECT_TOLD(c, "0 1 -1+ 0+ 1+");
	b = come(0);
	EXPECT_TOLD(c, "0 1 -1+ 0+ 1+ 7+");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 1+");
	client_leave(&a);
	client_leave(&b);
	client_leave(&c);
	server_end();
}

static void it_is_listed_as_absent(void)
{
	struct qrt_ivshmem_client one;
	struct client *b;

	begin(NULL, 2);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list_absent(server, &one, 1), 0);
	b = come(0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list_absent(server, &one, 1), 0);
	client_leave(&b);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list_absent(server, &one, 1), 1);
	CU_ASSERT(one.id == BOUND && one.vectors == 2 && strcmp(one.name, "vm7") == 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_list(server, &one, 1), 0);
	CU_ASSERT_EQUAL(statistics().absent, 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_drop(server, BOUND), -ENOENT);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_renew(server, BOUND), -ENOENT);
	b = come(0);
	CU_ASSERT_EQUAL(statistics().absent, 0);
	client_leave(&b);
	server_end();
}

/* Told of one vector of two when the other one left: the second one follows. */
static void who_is_being_told_of_it_is_told_all_of_it(void)
{
	struct client *a, *b;

	begin(NULL, 2);
	a = client_join();
	b = client_connect(bound_path);
	server_run();
	server->slots[0]->told[1].vectors = 1; /* as where its socket was full */
	server->slots[0]->entry->partial = 2;
	client_leave(&b);
	qrt_shmem_p_server_tell_all(server, 1, NULL);
	server_run();
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7+ 7+");
	client_leave(&a);
	server_end();
}

/* ---- places ---- */

static void an_absent_one_that_nobody_knows_makes_room(void)
{
	const struct qrt_ivshmem_server_config small = {.peers_max = 2, .vectors_max = 2};
	struct client *a, *b, *c;

	begin(&small, 1);
	b = come(0);
	client_leave(&b);
	a = client_join();
	CU_ASSERT_EQUAL(statistics().absent, 1);
	c = client_join();
	CU_ASSERT_EQUAL(statistics().absent, 0);
	client_leave(&c);
	/* One that somebody knows stays. */
	b = come(0);
	client_leave(&b);
	c = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_FULL);
	client_close(c);
	client_leave(&a);
	server_end();
}

/* ---- ids of the server's choice ---- */

static void ids_wait_until_nobody_knows_that_they_left(void)
{
	const struct qrt_ivshmem_server_config three = {.ids = 3};
	struct client *a, *b;
	int i;

	server_begin(&three, NULL);
	a = client_join();
	for (i = 0; i < 2; i++) {
		b = client_join();
		client_leave(&b);
	}
	EXPECT_TOLD(a, "0 0 -1+ 0+ 1+ 1 2+ 2");
	CU_ASSERT_EQUAL(statistics().ids_waiting, 2);
	b = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT(seen[0].kind == QRT_IVSHMEM_REFUSED && seen[0].reason == QRT_IVSHMEM_NO_ID);
	CU_ASSERT_EQUAL(statistics().no_id, 1);
	client_close(b);
	client_leave(&a);
	CU_ASSERT_EQUAL(statistics().ids_waiting, 0);
	b = client_join();
	EXPECT_TOLD(b, "0 0 -1+ 0+");
	client_leave(&b);
	server_end();
}

/* It has not been told yet that the other one left, but will be. */
static void an_id_whose_leave_is_still_to_be_told_waits_too(void)
{
	const struct qrt_ivshmem_server_config config = {.flags = QRT_IVSHMEM_SERVER_LOWEST_IDS};
	struct client *a, *b;
	int i;

	server_begin(&config, NULL);
	a = client_join();
	for (i = 0; i < 100; i++) {
		b = client_join();
		CU_ASSERT_EQUAL(client_count(b, 1, 0), i == 0);
		client_leave(&b);
	}
	for (i = 0; i < 20; i++) {
		client_read(a);
		server_run();
	}
	client_leave(&a);
	server_end();
}

/* ---- another number of vectors ---- */

static void more_vectors_are_told_of_and_fewer_are_the_first(void)
{
	struct client *a, *b;

	begin(NULL, 2);
	a = client_join();
	b = come(0);
	client_leave(&b);
	server->listeners[1].vectors = 3;
	b = come(0);
	EXPECT_TOLD(b, "0 7 -1+ 0+ 7+ 7+ 7+");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7+ 7+");
	CU_ASSERT(rings(a, 4, b, 4) && rings(a, 6, b, 6));
	client_leave(&b);
	server->listeners[1].vectors = 1;
	b = come(0);
	EXPECT_TOLD(b, "0 7 -1+ 0+ 7+");
	EXPECT_TOLD(a, "0 0 -1+ 0+ 7+ 7+ 7+");
	CU_ASSERT(rings(a, 4, b, 4));
	client_leave(&b);
	client_leave(&a);
	server_end();
}

/* One that has fewer vectors than eventfds has the eventfds still. */
static void eventfds_count_against_the_limit_whoever_has_them(void)
{
	const struct qrt_ivshmem_server_config small = {.vectors_max = 4};
	struct client *a, *b, *c;

	begin(&small, 3);
	b = come(0);
	client_leave(&b);
	server->listeners[1].vectors = 1;
	b = come(0);
	EXPECT_TOLD(b, "0 7 -1+ 7+");
	CU_ASSERT_EQUAL(statistics().vectors, 1);
	a = client_join();
	c = client_connect(server_path);
	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].reason, QRT_IVSHMEM_FULL);
	client_close(c);
	client_leave(&a);
	client_leave(&b);
	server_end();
}

/* ---- a store that refuses ---- */

static int is_full;

static int put(void *data, const char *name, int fd)
{
	(void)data;
	(void)fd;
	return is_full && strncmp(name, "v.", 2) == 0 ? -ENOSPC : 0;
}

static int drop(void *data, const char *name)
{
	(void)data;
	(void)name;
	return 0;
}

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void a_store_that_is_full_costs_no_descriptors(void)
{
	const struct qrt_ivshmem_store store = {.put = put, .drop = drop};
	const struct qrt_ivshmem_server_config config = {.store = &store};
	struct client *b;
	int before, i;

	begin(&config, 1);
	b = come(0);
	client_leave(&b);
	server->listeners[1].vectors = 3;
	is_full = 1;
	before = count_descriptors();
	for (i = 0; i < 5; i++) {
		b = come(0);
		EXPECT_TOLD(b, " end");
		client_leave(&b);
	}
	CU_ASSERT_EQUAL(count_descriptors(), before);
	is_full = 0;
	b = come(0);
	EXPECT_TOLD(b, "0 7 -1+ 7+ 7+ 7+");
	client_leave(&b);
	server_end();
}

/* ---- lives ---- */

static void a_slot_of_an_absent_one_is_clean(void)
{
	const struct qrt_ivshmem_server_config config = {.flags = QRT_IVSHMEM_SERVER_CLEAN};
	uint64_t length = qrt_shmem_layout_bytes(8, 0, 1024);
	struct qrt_shmem_view view = {.base = NULL};
	struct client *a, *b;
	uint32_t life;
	void *at;

	begin(&config, 1);
	a = client_join();
	client_read(a);
	CU_ASSERT_FATAL(length <= 65536);
	at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, a->told[2].fd, 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_make(at, 65536, 8, 0, 1024, 7), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, at, 65536), 0);
	b = come(0);
	life = qrt_shmem_get_life(&view, BOUND);
	CU_ASSERT_NOT_EQUAL(life, 0);
	qrt_shmem_section_of(&view, BOUND)[200] = 1;
	client_leave(&b);
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, BOUND), 0);
	CU_ASSERT_EQUAL(qrt_shmem_section_of(&view, BOUND)[200], 0);
	b = come(0);
	CU_ASSERT(qrt_shmem_get_life(&view, BOUND) != 0 && qrt_shmem_get_life(&view, BOUND) != life);
	client_leave(&b);
	client_leave(&a);
	munmap(at, 65536);
	server_end();
}

static const struct tap_test tests[] = {
	{"who comes back is reached by those who know nothing of it",
	 who_comes_back_is_reached_by_those_who_know_nothing_of_it},
	{"programs of the library are told what is so", programs_of_the_library_are_told_what_is_so},
	{"who comes while it is absent is told when it is there",
	 who_comes_while_it_is_absent_is_told_when_it_is_there},
	{"it is listed as absent", it_is_listed_as_absent},
	{"who is being told of it is told all of it", who_is_being_told_of_it_is_told_all_of_it},
	{"an absent one that nobody knows makes room", an_absent_one_that_nobody_knows_makes_room},
	{"ids wait until nobody knows that they left", ids_wait_until_nobody_knows_that_they_left},
	{"an id whose leave is still to be told waits too", an_id_whose_leave_is_still_to_be_told_waits_too},
	{"more vectors are told of, and fewer are the first",
	 more_vectors_are_told_of_and_fewer_are_the_first},
	{"eventfds count against the limit, whoever has them",
	 eventfds_count_against_the_limit_whoever_has_them},
	{"a store that is full costs no descriptors", a_store_that_is_full_costs_no_descriptors},
	{"a slot of an absent one is clean", a_slot_of_an_absent_one_is_clean},
};

TAP_MAIN("ivshmem return", tests)
