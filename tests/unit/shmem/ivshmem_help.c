/* SPDX-License-Identifier: MIT */
#include "ivshmem_help.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct qrt_ivshmem_server *server;
char server_path[64];
struct qrt_ivshmem_event seen[256];
static int paths;

int server_listen(const struct qrt_ivshmem_listen_config *config, char *ret_path)
{
	struct qrt_ivshmem_listen_config own = {.size = sizeof(own)};
	struct qrt_shmem_error error;
	int rc;

	if (config)
		own = *config;
	snprintf(ret_path, 64, "/tmp/qrt-ivshmem-%d-%d", getpid(), paths++);
	own.size = sizeof(own);
	own.path = ret_path;
	rc = qrt_ivshmem_server_listen(server, &own, &error);
	if (rc < 0)
		fprintf(stderr, "# %s\n", error.message);
	return rc;
}

void server_begin(const struct qrt_ivshmem_server_config *config,
		  const struct qrt_ivshmem_listen_config *socket)
{
	struct qrt_ivshmem_server_config own = {.size = sizeof(own)};
	int memory = memfd_create("test", MFD_CLOEXEC);

	if (config)
		own = *config;
	own.size = sizeof(own);
	own.memory_fd = memory;
	CU_ASSERT_EQUAL_FATAL(ftruncate(memory, 65536), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_server_open(&own, &server, NULL), 0);
	close(memory);
	CU_ASSERT_FATAL(server_listen(socket, server_path) >= 0);
}

void server_end(void)
{
	server = qrt_ivshmem_server_close(server);
}

static int is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

int server_run(void)
{
	int all = 0, count, rounds = 0;

	while (is_readable(qrt_ivshmem_server_get_fd(server)) && rounds++ < 100000) {
		count = qrt_ivshmem_server_harvest(server, seen, 256);
		CU_ASSERT_FATAL(count >= 0);
		all += count;
		if (!count && !is_readable(qrt_ivshmem_server_get_fd(server)))
			break;
		if (count && is_readable(qrt_ivshmem_server_get_fd(server)))
			continue;
	}
	CU_ASSERT_FATAL(rounds < 100000);
	return all;
}

void client_name(int socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static int number;
	int length = snprintf(address.sun_path + 1, 100, "qrt-ivshmem-peer.test-%d-%d", getpid(), number++);

	CU_ASSERT_EQUAL_FATAL(bind(socket, (struct sockaddr *)&address,
				   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
			      0);
}

static struct client *connect_to(const char *path, int is_named)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client *client = calloc(1, sizeof(*client));

	CU_ASSERT_PTR_NOT_NULL_FATAL(client);
	strcpy(address.sun_path, path);
	client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (is_named)
		client_name(client->socket);
	CU_ASSERT_EQUAL_FATAL(connect(client->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

struct client *client_connect(const char *path)
{
	return connect_to(path, 0);
}

struct client *client_connect_named(const char *path)
{
	return connect_to(path, 1);
}

static int take_fd(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (part)
		memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}

void client_read(struct client *client)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr message;
	ssize_t got;

	while (!client->is_ended && client->count < TOLD_MAX) {
		iov = (struct iovec){.iov_base = client->part, .iov_len = 8};
		message = (struct msghdr){.msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control.room)};
		got = recvmsg(client->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			client->is_ended = 1;
			return;
		}
		CU_ASSERT_EQUAL_FATAL(got, 8);
		memcpy(&client->told[client->count].value, client->part, 8);
		client->told[client->count++].fd = take_fd(&message);
	}
}

struct client *client_close(struct client *client)
{
	int i;

	for (i = 0; i < client->count; i++) {
		if (client->told[i].fd >= 0)
			close(client->told[i].fd);
	}
	close(client->socket);
	free(client);
	return NULL;
}

const char *client_text(struct client *client)
{
	static char text[4096];
	int i, at = 0;

	client_read(client);
	text[0] = 0;
	for (i = 0; i < client->count && at < 4000; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%lld%s", i ? " " : "",
			       (long long)client->told[i].value, client->told[i].fd >= 0 ? "+" : "");
	if (client->is_ended)
		snprintf(text + at, sizeof(text) - (size_t)at, " end");
	return text;
}

int client_count(struct client *client, int64_t value, int with_fd)
{
	int i, count = 0;

	client_read(client);
	for (i = 0; i < client->count; i++)
		count += client->told[i].value == value && (client->told[i].fd >= 0) == with_fd;
	return count;
}

struct client *client_join(void)
{
	struct client *client = client_connect(server_path);

	CU_ASSERT_EQUAL(server_run(), 1);
	CU_ASSERT_EQUAL(seen[0].kind, QRT_IVSHMEM_JOINED);
	return client;
}

void client_leave(struct client **client)
{
	*client = client_close(*client);
	server_run();
}
