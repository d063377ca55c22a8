/* SPDX-License-Identifier: MIT */
/* A real server in a process of its own, at a name without a file, and peers of it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MEMORY_BYTES (1u << 20)
#define EVENTS       64

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static socklen_t fill(const struct bench *bench, struct sockaddr_un *address)
{
	size_t length = strlen(bench->address);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path + 1, bench->address, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int listen_here(const struct bench *bench)
{
	struct sockaddr_un address;
	socklen_t length = fill(bench, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, length) == 0 &&
	    listen(fd, BENCH_CLIENTS * 2) == 0)
		return fd;
	complain("bench: no socket for a server: %s", g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- the server's process ---- */

static struct qrt_ivshmem_server *open_here(int listener)
{
	struct qrt_shmem_memory_config memory_config = {.size = sizeof(memory_config),
							.length = MEMORY_BYTES};
	struct qrt_ivshmem_listen_config listen_config = {.size = sizeof(listen_config), .fd = listener};
	struct qrt_ivshmem_server_config config = {.size = sizeof(config)};
	struct qrt_ivshmem_server *server;
	struct qrt_shmem_memory *memory;
	struct qrt_shmem_error error;
	int rc = qrt_shmem_memory_open(&memory_config, &memory, &error);

	if (rc >= 0) {
		config.memory_fd = qrt_shmem_memory_get_fd(memory);
		rc = qrt_ivshmem_server_open(&config, &server, &error);
	}
	if (rc >= 0)
		rc = qrt_ivshmem_server_listen(server, &listen_config, &error);
	if (rc >= 0)
		return server;
	complain("bench: %s", error.message);
	return NULL;
}

static void serve(struct bench *bench, int listener)
{
	struct qrt_ivshmem_server *server = open_here(listener);
	struct qrt_ivshmem_event events[EVENTS];
	struct pollfd fd = {.events = POLLIN};

	if (!server)
		return;
	bench_pin(bench->cpu[1]);
	fd.fd = qrt_ivshmem_server_get_fd(server);
	while (qrt_ivshmem_server_harvest(server, events, EVENTS) >= 0)
		poll(&fd, 1, -1);
}

int bench_open_server(struct bench *bench)
{
	int listener;

	raise_limit();
	snprintf(bench->address, sizeof(bench->address), "qrt-shmem-bench-%d", getpid());
	listener = listen_here(bench);
	if (listener < 0)
		return -1;
	bench->server = fork();
	if (bench->server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(bench, listener);
		_exit(EXIT_FAILED);
	}
	close(listener);
	if (bench->server > 0) {
		bench->peer = bench_join(bench);
		return bench->peer ? 0 : -1;
	}
	complain("bench: no process can be started: %s", g_strerror(errno));
	return -1;
}

void bench_close_server(struct bench *bench)
{
	bench->peer = qrt_ivshmem_peer_close(bench->peer);
	if (bench->server <= 0)
		return;
	kill(bench->server, SIGKILL);
	waitpid(bench->server, NULL, 0);
	bench->server = 0;
}

/* ---- peers ---- */

struct qrt_ivshmem_peer *bench_connect(struct bench *bench)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config)};
	struct qrt_ivshmem_peer *peer = NULL;
	struct qrt_shmem_error error = {.message = ""};
	struct sockaddr_un address;
	socklen_t length = fill(bench, &address);

	config.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (config.fd < 0 || connect(config.fd, (const struct sockaddr *)&address, length) < 0)
		complain("bench: the server does not answer: %s", g_strerror(errno));
	else if (qrt_ivshmem_peer_open(&config, &peer, &error) < 0)
		complain("bench: %s", error.message);
	if (config.fd >= 0)
		close(config.fd);
	return peer;
}

struct qrt_ivshmem_peer *bench_join(struct bench *bench)
{
	struct qrt_ivshmem_peer *peer = bench_connect(bench);
	struct qrt_shmem_error error;

	if (!peer || qrt_ivshmem_peer_wait_ready(peer, 1, BENCH_PATIENCE, &error) >= 0)
		return peer;
	complain("bench: %s", error.message);
	return qrt_ivshmem_peer_close(peer);
}
