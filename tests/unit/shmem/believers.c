/* SPDX-License-Identifier: MIT */
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

/* ---- a store in this process ---- */

uint32_t told_vectors = VECTORS; /* of each client from now on */
static struct qrt_ivshmem_kept told_kept[KEPT];
char told_names[KEPT][65];
uint32_t told_kept_count;

int told_drop(void *data, const char *name)
{
	uint32_t i;

	(void)data;
	for (i = 0; i < told_kept_count && strcmp(told_names[i], name) != 0; i++)
		;
	if (i == told_kept_count)
		return 0;
	close(told_kept[i].fd);
	told_kept_count--;
	told_kept[i].fd = told_kept[told_kept_count].fd;
	memcpy(told_names[i], told_names[told_kept_count], sizeof(told_names[i]));
	return 0;
}

int told_put(void *data, const char *name, int fd)
{
	told_drop(data, name);
	CU_ASSERT_FATAL(told_kept_count < KEPT);
	told_kept[told_kept_count].fd = dup(fd);
	told_kept[told_kept_count].name = told_names[told_kept_count];
	snprintf(told_names[told_kept_count++], sizeof(told_names[0]), "%s", name);
	return 0;
}

static const struct qrt_ivshmem_store told_store = {.put = told_put, .drop = told_drop};

/* What a store gives a server is a copy of what it holds. */
static void open_server(int memory)
{
	struct qrt_ivshmem_kept copies[KEPT];
	struct qrt_ivshmem_server_config config = {.size = sizeof(config), .ids = IDS, .peers_max = MOST + 2};
	uint32_t i;

	for (i = 0; i < told_kept_count; i++)
		copies[i] = (struct qrt_ivshmem_kept){.name = told_names[i], .fd = dup(told_kept[i].fd)};
	config.memory_fd = memory;
	config.stall_ms = 600000;
	config.store = &told_store;
	config.kept = copies;
	config.kept_count = told_kept_count;
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_open(&config, &server, NULL), 0);
}

static void open_sockets(void)
{
	struct qrt_ivshmem_listen_config any = {.size = sizeof(any), .fd = -1, .vectors = told_vectors};
	uint32_t i;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &any, NULL), 0);
	any.flags = QRT_IVSHMEM_LISTEN_ID;
	for (i = 0; i < BOUND; i++) {
		any.id = IDS - BOUND + i;
		CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_listen(server, &any, NULL), 1 + (int)i);
	}
}

void told_begin(void)
{
	int memory = memfd_create("told", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(ftruncate(memory, 65536), 0);
	open_server(memory);
	open_sockets();
	close(memory);
}

void told_replace(void)
{
	server = qrt_ivshmem_server_leave(server);
	told_begin();
}

static void told_end(void)
{
	server = qrt_ivshmem_server_close(server);
	CU_ASSERT_EQUAL(told_kept_count, 0);
}

/* ---- clients that believe what they are told ---- */

struct believer *believers[MOST];

void believer_forget(struct believer *believer, int id)
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
		believer_forget(believer, (int)value);
		believer->has_left[value] = 1;
		return;
	}
	CU_ASSERT(believer->is_named || !believer->has_left[value]);
	/* One that is there already cannot join. */
	CU_ASSERT_FATAL(believer->counts[value] < (int)told_vectors);
	believer->fds[value][believer->counts[value]++] = fd;
}

int believer_hear_some(struct believer *believer, int most)
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

void believer_join(struct believer **place, uint32_t listener)
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

void believer_leave(struct believer **place)
{
	for (int id = 0; *place && id < IDS; id++)
		believer_forget(*place, id);
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
		count += believers[i] ? believer_hear_some(believers[i], 1000) : 0;
	return count;
}

void believers_hear_all(void)
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

void believers_expect_truth(void)
{
	int i, k, there = 0;

	believers_hear_all();
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

void believers_end_all(void)
{
	for (int i = 0; i < MOST; i++)
		believer_leave(&believers[i]);
	server_run();
	told_end();
}
