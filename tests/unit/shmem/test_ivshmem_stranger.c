/* SPDX-License-Identifier: MIT */
/* A program as a peer of whatever may answer in a server's place, and beside whatever other peers there may
 * be. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qrt/ivshmem.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer_p.h"
#include "tap.h"

static struct qrt_ivshmem_event events[64];
static int count;

static int other_end;

static struct qrt_ivshmem_peer *meet(uint32_t flags)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .flags = flags, .peers_max = 2};
	struct qrt_ivshmem_peer *peer = NULL;
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	config.fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &peer, NULL), 0);
	close(pair[0]);
	other_end = pair[1];
	return peer;
}

static void say(int64_t value, int fd)
{
	struct mmsghdr message;

	CU_ASSERT_EQUAL(qrt_shmem_p_wire_send(other_end, value, fd, &message), 0);
}

static void part(struct qrt_ivshmem_peer *peer)
{
	qrt_ivshmem_peer_close(peer);
	close(other_end);
}

static int memory_of(off_t length)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, length), 0);
	return fd;
}

struct word {
	int64_t value;
	char what; /* nothing, memory, eventfd, pipe, empty memory */
};

static int fd_of(char what)
{
	int pipes[2];

	switch (what) {
	case 'm':
		return memory_of(8192);
	case '0':
		return memory_of(0);
	case 'e':
		return eventfd(0, EFD_CLOEXEC);
	case 'p':
		if (pipe2(pipes, O_CLOEXEC) < 0)
			return -1;
		close(pipes[0]);
		return pipes[1];
	default:
		return -1;
	}
}

/* Returns what harvest() says at the end. */
static int hear(const struct word *words)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int rc, fd;

	for (; words->what != '.'; words++) {
		fd = fd_of(words->what);
		say(words->value, fd);
		if (fd >= 0)
			close(fd);
	}
	do {
		rc = qrt_ivshmem_peer_harvest(peer, events, 64);
	} while (rc > 0);
	part(peer);
	return rc;
}

#define HEAR(...) hear((const struct word[]){__VA_ARGS__, {0, '.'}})

static void what_is_no_server_is_told(void)
{
	CU_ASSERT_EQUAL(HEAR({1, ' '}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, 'e'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {-1, ' '}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {65536, ' '}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, ' '}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, '0'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {0, 'm'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, 'm'}, {70000, 'e'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, 'm'}, {-2, 'e'}), -EPROTO);
	/* To ring one of these might wait. */
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, 'm'}, {1, 'p'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, 'm'}, {5, 'm'}), -EPROTO);
	CU_ASSERT_EQUAL(HEAR({0, ' '}, {5, ' '}, {-1, 'm'}, {1, 'e'}, {5, 'e'}, {9, ' '}, {1, ' '}), 0);
}

static void more_peers_than_there_is_room_for_are_not_there(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int memory = memory_of(4096), vector = eventfd(0, EFD_CLOEXEC), id;

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	for (id = 0; id < 4; id++)
		say(id, vector);
	count = qrt_ivshmem_peer_harvest(peer, events, 64);
	CU_ASSERT_EQUAL(count, 3); /* ready, and two */
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_list(peer, NULL, 0), 2);
	say(0, -1);
	say(3, vector);
	count = qrt_ivshmem_peer_harvest(peer, events, 64);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_vectors(peer, 3), 1);
	close(memory);
	close(vector);
	part(peer);
}

static void events_beyond_the_callers_room_come_later(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int memory = memory_of(4096), vector = eventfd(0, EFD_CLOEXEC);

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	say(1, vector);
	say(2, vector);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_id(peer), -EAGAIN);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 1), 1);
	CU_ASSERT_EQUAL(events[0].kind, QRT_IVSHMEM_READY);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 1), 1);
	CU_ASSERT_EQUAL(events[0].id, 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 1), 1);
	CU_ASSERT_EQUAL(events[0].id, 2);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 0), -EINVAL);
	close(memory);
	close(vector);
	part(peer);
}

static void a_message_in_pieces_is_one(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	const unsigned char zero[8] = {0};
	int i;

	for (i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(write(other_end, zero + i, 1), 1);
		CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	}
	say(3, -1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	CU_ASSERT_EQUAL(write(other_end, zero, 3), 3);
	close(other_end);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), -EPROTO);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	qrt_ivshmem_peer_close(peer);
}

static void a_memory_that_may_shrink_is_refused_where_that_is_asked_for(void)
{
	struct qrt_ivshmem_peer *peer = meet(QRT_IVSHMEM_PEER_SEALED);
	int memory = memory_of(4096);

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), -EPERM);
	part(peer);
	peer = meet(QRT_IVSHMEM_PEER_SEALED);
	CU_ASSERT_EQUAL(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	say(0, -1);
	say(9, -1);
	say(-1, memory);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 1);
	close(memory);
	part(peer);
}

static void who_waits_is_told_why_in_vain(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	struct qrt_shmem_error error;

	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, 1, 30, &error), -ETIMEDOUT);
	close(other_end);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, 1, 1000, &error), -EPIPE);
	CU_ASSERT(strlen(error.message) > 20);
	qrt_ivshmem_peer_close(peer);
}

static int is_readable(const struct qrt_ivshmem_peer *peer)
{
	struct pollfd fd = {.fd = qrt_ivshmem_peer_get_fd(peer), .events = POLLIN};

	return poll(&fd, 1, 0);
}

/* What came before an error is not lost by it, nor the error by what came before: each is said once. */
static void events_come_before_an_error(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int memory = memory_of(4096), vector = eventfd(0, EFD_CLOEXEC);

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	say(9, vector);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 1);
	CU_ASSERT_EQUAL(eventfd_write(vector, 1), 0);
	say(3, vector);
	say(70000, -1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 2);
	CU_ASSERT_EQUAL(events[0].kind, QRT_IVSHMEM_RING);
	CU_ASSERT(events[1].kind == QRT_IVSHMEM_JOINED && events[1].id == 3);
	CU_ASSERT_TRUE(is_readable(peer));
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), -EPROTO);
	CU_ASSERT_FALSE(is_readable(peer));
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(peer, 3, 0), 0);
	close(memory);
	close(vector);
	part(peer);
}

static void that_the_server_went_is_said_after_all_was_there(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int memory = memory_of(4096), vector = eventfd(0, EFD_CLOEXEC);

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	say(9, vector);
	CU_ASSERT_EQUAL(eventfd_write(vector, 1), 0);
	close(other_end);
	/* It looks once, and takes in no more than it needs: no ring either. */
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, 1, 0, NULL), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 2);
	CU_ASSERT(events[0].kind == QRT_IVSHMEM_RING || events[1].kind == QRT_IVSHMEM_RING);
	CU_ASSERT(events[0].kind == QRT_IVSHMEM_GONE || events[1].kind == QRT_IVSHMEM_GONE);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, 2, 0, NULL), -EPIPE);
	close(memory);
	close(vector);
	qrt_ivshmem_peer_close(peer);
}

/* Another peer, which has the same descriptors, fills the counter and makes it one that waits. */
static void no_other_peer_can_make_a_ring_wait(void)
{
	struct qrt_ivshmem_peer *peer = meet(0);
	int memory = memory_of(4096), own = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);

	say(0, -1);
	say(9, -1);
	say(-1, memory);
	say(9, own);
	say(3, other);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ready(peer, 1, 0, NULL), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 1);
	fcntl(own, F_SETFL, fcntl(own, F_GETFL) & ~O_NONBLOCK);
	fcntl(other, F_SETFL, fcntl(other, F_GETFL) & ~O_NONBLOCK);
	CU_ASSERT_EQUAL(eventfd_write(other, UINT64_MAX - 1), 0);
	alarm(5);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(peer, 3, 0), 0);
	CU_ASSERT_EQUAL(qrt_shmem_p_peer_take_rings(own), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_wait_ring(peer, 0, 0), -ETIMEDOUT);
	alarm(0);
	close(memory);
	close(own);
	close(other);
	part(peer);
}

static void ids_of_others_are_listed_in_order(void)
{
	static const int64_t ids[] = {65535, 0, 511, 256, 255, 512};
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config)};
	struct qrt_ivshmem_peer *peer = NULL;
	int memory = memory_of(4096), vector = eventfd(0, EFD_CLOEXEC), pair[2], i;
	uint32_t list[8] = {0};

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	config.fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &peer, NULL), 0);
	close(pair[0]);
	other_end = pair[1];
	say(0, -1);
	say(9, -1);
	say(-1, memory);
	for (i = 0; i < 6; i++)
		say(ids[i], vector);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 7);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_list(peer, list, 8), 6);
	CU_ASSERT(list[0] == 0 && list[1] == 255 && list[2] == 256 && list[3] == 511 && list[4] == 512 &&
		  list[5] == 65535);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_list(peer, list, 2), 6);
	say(256, -1);
	say(511, -1);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_harvest(peer, events, 64), 2);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_list(peer, list, 8), 4);
	CU_ASSERT(list[1] == 255 && list[2] == 512);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(peer, 256, 0), -ENOENT);
	close(memory);
	close(vector);
	part(peer);
}

static const struct tap_test tests[] = {
	{"what is no server is told", what_is_no_server_is_told},
	{"more peers than there is room for are not there", more_peers_than_there_is_room_for_are_not_there},
	{"events beyond the caller's room come later", events_beyond_the_callers_room_come_later},
	{"a message in pieces is one", a_message_in_pieces_is_one},
	{"a memory that may shrink is refused where that is asked for",
	 a_memory_that_may_shrink_is_refused_where_that_is_asked_for},
	{"who waits is told why in vain", who_waits_is_told_why_in_vain},
	{"events come before an error", events_come_before_an_error},
	{"that the server went is said after all was there",
	 that_the_server_went_is_said_after_all_was_there},
	{"no other peer can make a ring wait", no_other_peer_can_make_a_ring_wait},
	{"ids of others are listed in order", ids_of_others_are_listed_in_order},
};

TAP_MAIN("ivshmem stranger", tests)
