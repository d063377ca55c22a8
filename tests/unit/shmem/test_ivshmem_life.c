/* SPDX-License-Identifier: MIT */
/* A server as a layout's keeper: lives of peers begin and end. */
#include <errno.h>
#include <qrt/ivshmem.h>
#include <qrt/shmem_layout.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define PEERS 4
#define RING  1024

static struct qrt_ivshmem_server *server;
static struct qrt_ivshmem_event seen[16];
static struct qrt_shmem_view view;
static unsigned char *at;
static uint64_t length;
static int memory;
static const struct qrt_shmem_view *given; /* to the server */

static void open_server(const struct qrt_ivshmem_kept *kept, uint32_t count,
			const struct qrt_ivshmem_store *store)
{
	struct qrt_ivshmem_server_config config = {.size = sizeof(config), .flags = QRT_IVSHMEM_SERVER_CLEAN};
	struct qrt_ivshmem_listen_config any = {.size = sizeof(any), .fd = -1};

	config.memory_fd = memory;
	config.ids = PEERS;
	config.layout = given;
	config.kept = kept;
	config.kept_count = count;
	config.store = store;
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_open(&config, &server, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &any, NULL), 0);
}

static void begin(void)
{
	length = qrt_shmem_layout_bytes(PEERS, 0, RING);
	memory = memfd_create("life", MFD_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(ftruncate(memory, (off_t)length), 0);
	at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(at, MAP_FAILED);
}

static void make_layout(void)
{
	CU_ASSERT_EQUAL(qrt_shmem_make(at, length, PEERS, 0, RING, 7), 0);
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, at, length), 0);
}

static void end(void)
{
	server = qrt_ivshmem_server_close(server);
	munmap(at, length);
	close(memory);
}

/* Returns the other end. */
static int join(int id)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_add(server, 0, pair[1]), id);
	close(pair[1]);
	return pair[0];
}

static void look(void)
{
	int i;

	for (i = 0; i < 4; i++)
		CU_ASSERT(qrt_ivshmem_server_harvest(server, seen, 16) >= 0);
}

static void lives_begin_and_end_with_their_peers(void)
{
	int a, b;
	uint32_t life;

	begin();
	make_layout();
	open_server(NULL, 0, NULL);
	a = join(0);
	b = join(1);
	CU_ASSERT(qrt_shmem_get_life(&view, 0) != 0 && qrt_shmem_get_life(&view, 1) != 0);
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 2), 0);
	life = qrt_shmem_get_life(&view, 0);
	qrt_shmem_section_of(&view, 0)[200] = 1;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_renew(server, 0), 0);
	CU_ASSERT_NOT_EQUAL(qrt_shmem_get_life(&view, 0), life);
	CU_ASSERT_EQUAL(qrt_shmem_section_of(&view, 0)[200], 0);
	close(a);
	look();
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 0), 0);
	CU_ASSERT_NOT_EQUAL(qrt_shmem_get_life(&view, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_server_renew(server, 0), -ENOENT);
	close(b);
	end();
}

static void who_was_there_before_the_layout_lives_when_it_is_there(void)
{
	int a, b;
	uint32_t life;

	begin();
	open_server(NULL, 0, NULL);
	a = join(0);
	b = join(1);
	look();
	make_layout();
	look();
	life = qrt_shmem_get_life(&view, 0);
	CU_ASSERT(life != 0 && qrt_shmem_get_life(&view, 1) != 0);
	look();
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 0), life);
	close(a);
	close(b);
	end();
}

static void a_layout_that_lies_there_is_cleaned_of_who_is_gone(void)
{
	int a;

	begin();
	make_layout();
	CU_ASSERT_EQUAL(qrt_shmem_begin_life(&view, 0, 77), 0);
	CU_ASSERT_EQUAL(qrt_shmem_begin_life(&view, 2, 78), 0);
	qrt_shmem_section_of(&view, 2)[200] = 1;
	qrt_shmem_section_of(&view, 3)[200] = 1; /* without a life */
	open_server(NULL, 0, NULL);
	a = join(0);
	CU_ASSERT(qrt_shmem_get_life(&view, 0) != 0 && qrt_shmem_get_life(&view, 0) != 77);
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 2), 0);
	CU_ASSERT_EQUAL(qrt_shmem_section_of(&view, 2)[200], 0);
	CU_ASSERT_EQUAL(qrt_shmem_section_of(&view, 3)[200], 1);
	close(a);
	end();
}

/* ---- a memory that peers damage ---- */

static void check_header(void)
{
	struct qrt_shmem_view found = {.peers = 0};

	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&found, at, length), 0);
	CU_ASSERT(found.peers == PEERS && found.values == 0 && found.ring_bytes == RING && found.nonce == 7);
}

static void a_layout_that_is_given_counts(void)
{
	int a, b;

	begin();
	make_layout();
	given = &view;
	memset(at, 0xa5, sizeof(struct qrt_shmem_header));
	open_server(NULL, 0, NULL);
	a = join(0);
	check_header();
	CU_ASSERT_NOT_EQUAL(qrt_shmem_get_life(&view, 0), 0);
	/* A sound header of another layout. */
	CU_ASSERT_EQUAL(qrt_shmem_make(at, length, 1, 1, RING, 8), 0);
	b = join(1);
	check_header();
	CU_ASSERT_NOT_EQUAL(qrt_shmem_get_life(&view, 1), 0);
	close(a);
	close(b);
	end();
	given = NULL;
}

static void a_memory_that_is_cut_short_is_as_long_again(void)
{
	struct stat status;
	int a, b;

	begin();
	make_layout();
	given = &view;
	open_server(NULL, 0, NULL);
	a = join(0);
	CU_ASSERT_EQUAL(ftruncate(memory, 0), 0);
	b = join(1);
	CU_ASSERT(fstat(memory, &status) == 0 && (uint64_t)status.st_size == length);
	check_header();
	CU_ASSERT(qrt_shmem_get_life(&view, 0) != 0 && qrt_shmem_get_life(&view, 1) != 0);
	CU_ASSERT_EQUAL(ftruncate(memory, 4096), 0);
	close(a);
	look();
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 0), 0);
	close(b);
	end();
	given = NULL;
}

static void no_layout_that_cannot_be_is_taken(void)
{
	struct qrt_shmem_view wrong = {.peers = 0, .ring_bytes = RING};
	struct qrt_ivshmem_server_config config = {
		.size = sizeof(config), .flags = QRT_IVSHMEM_SERVER_CLEAN, .layout = &wrong};

	begin();
	config.memory_fd = memory;
	CU_ASSERT_EQUAL(qrt_ivshmem_server_open(&config, &server, NULL), -EINVAL);
	server = NULL;
	end();
}

/* ---- over servers ---- */

static struct qrt_ivshmem_kept kept[16];
static char names[16][65];
static uint32_t count;

static int put(void *data, const char *name, int fd)
{
	(void)data;
	CU_ASSERT_FATAL(count < 16);
	strcpy(names[count], name);
	kept[count] = (struct qrt_ivshmem_kept){.name = names[count], .fd = dup(fd)};
	count++;
	return 0;
}

static void a_life_goes_on_with_the_next_server(void)
{
	static const struct qrt_ivshmem_store store = {.put = put};
	uint32_t lives[2], i;
	int a, b;

	begin();
	make_layout();
	open_server(NULL, 0, &store);
	a = join(0);
	b = join(1);
	look();
	for (i = 0; i < 2; i++)
		lives[i] = qrt_shmem_get_life(&view, i);
	qrt_ivshmem_server_leave(server);
	/* Of 1 something is missing: it is gone, and its life too. */
	for (i = 0; i < count && strncmp(names[i], "v.1.", 4) != 0; i++)
		;
	CU_ASSERT_FATAL(i < count);
	close(kept[i].fd);
	kept[i] = kept[--count];
	open_server(kept, count, NULL);
	look();
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 0), lives[0]);
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 1), 0);
	close(a);
	close(b);
	end();
}

static const struct tap_test tests[] = {
	{"lives begin and end with their peers", lives_begin_and_end_with_their_peers},
	{"who was there before the layout lives when it is there",
	 who_was_there_before_the_layout_lives_when_it_is_there},
	{"a layout that lies there is cleaned of who is gone",
	 a_layout_that_lies_there_is_cleaned_of_who_is_gone},
	{"a layout that is given counts", a_layout_that_is_given_counts},
	{"a memory that is cut short is as long again", a_memory_that_is_cut_short_is_as_long_again},
	{"no layout that cannot be is taken", no_layout_that_cannot_be_is_taken},
	{"a life goes on with the next server", a_life_goes_on_with_the_next_server},
};

TAP_MAIN("ivshmem life", tests)
