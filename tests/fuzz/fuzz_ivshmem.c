/* SPDX-License-Identifier: MIT */
/*
 * What a peer of ivshmem takes for a server: it takes in any bytes and descriptors, or says that this is
 * none, and has no more of them than it was told to have.
 *
 * The input is a list of steps: a byte of what is sent with it (a descriptor, or less than 8 bytes), and 8
 * bytes.
 */
#include "fuzz.h"

#include <errno.h>
#include <qrt/ivshmem.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire_p.h"

#define STEP      9
#define PEERS_MAX 4

static int memory = -1, empty = -1, vector = -1, plain = -1;

static void have_fds(void)
{
	if (memory >= 0)
		return;
	memory = memfd_create("fuzz", MFD_CLOEXEC);
	empty = memfd_create("fuzz", MFD_CLOEXEC);
	vector = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	plain = dup(2);
	PROMISE(memory >= 0 && empty >= 0 && vector >= 0 && plain >= 0 && ftruncate(memory, 4096) == 0);
}

static int choose(unsigned what)
{
	const int fds[] = {-1, -1, memory, vector, vector, vector, plain, empty};

	return fds[what & 7];
}

static void send_step(int socket, const uint8_t *step)
{
	struct mmsghdr message;
	int64_t value;
	ssize_t sent = 0;

	memcpy(&value, step + 1, 8);
	/* Most values near those that mean something. */
	if (step[0] & 8)
		value = step[1] < 128 ? step[1] : step[1] - 256;
	if ((step[0] & 0xf0) == 0xf0)
		sent = send(socket, step + 1, step[0] & 7, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		qrt_shmem_p_wire_send(socket, value, choose(step[0]), &message);
	(void)sent;
}

static int take(struct qrt_ivshmem_peer *peer)
{
	struct qrt_ivshmem_event events[4];
	int rc = qrt_ivshmem_peer_harvest(peer, events, 4), i;

	PROMISE(rc <= 4);
	for (i = 0; i < rc; i++)
		PROMISE(events[i].kind <= QRT_IVSHMEM_GONE && events[i].id < QRT_IVSHMEM_IDS);
	return rc;
}

/* With all that a user does next. Own vector and those of others may be one: who rings may ring itself. */
static int look(struct qrt_ivshmem_peer *peer)
{
	uint32_t ids[PEERS_MAX];
	int rc = take(peer), i, count;

	count = qrt_ivshmem_peer_list(peer, ids, PEERS_MAX);
	PROMISE(count >= 0 && count <= PEERS_MAX);
	for (i = 0; i < count; i++) {
		PROMISE(qrt_ivshmem_peer_get_vectors(peer, ids[i]) >= 1);
		PROMISE(qrt_ivshmem_peer_ring(peer, ids[i], 0) == 0);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .peers_max = PEERS_MAX};
	struct qrt_ivshmem_peer *peer = NULL;
	size_t whole = size / STEP;
	int pair[2], rc = 0, i, errors = 0;

	have_fds();
	PROMISE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	config.fd = pair[0];
	PROMISE(qrt_ivshmem_peer_open(&config, &peer, NULL) == 0);
	close(pair[0]);
	for (; size >= STEP && rc >= 0; size -= STEP, data += STEP) {
		send_step(pair[1], data);
		rc = look(peer);
	}
	close(pair[1]);
	/* An error and the end are said once each, and then nothing is left. */
	for (i = 0; i < 4 + (int)whole && (rc = take(peer)) != 0; i++)
		errors += rc < 0;
	PROMISE(rc == 0 && errors <= 1);
	qrt_ivshmem_peer_close(peer);
	return 0;
}
