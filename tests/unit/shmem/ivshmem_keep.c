/* SPDX-License-Identifier: MIT */
#include "ivshmem_keep.h"

#include <errno.h>
#include <poll.h>
#include <qrt/ivshmem_hold.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

char holder_path[64], socket_path[64];
pid_t holder, child;

/* ---- processes ---- */

int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 4), 0);
	return fd;
}

void start_holder(void)
{
	int fd;

	snprintf(holder_path, sizeof(holder_path), "/tmp/qrt-hold-%d", getpid());
	snprintf(socket_path, sizeof(socket_path), "/tmp/qrt-held-%d", getpid());
	fd = listen_at(holder_path);
	holder = fork();
	if (!holder) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(qrt_ivshmem_hold_run(fd, 10000) < 0);
	}
	close(fd);
}

static int serve(void)
{
	struct qrt_ivshmem_listen_config listen_config = {
		.size = sizeof(listen_config), .path = socket_path, .vectors = VECTORS};
	struct qrt_ivshmem_server_config config = {.size = sizeof(config)};
	struct qrt_ivshmem_event events[16];
	struct qrt_ivshmem_hold *hold;
	struct pollfd fds[2];
	int rc;

	if (qrt_ivshmem_hold_open(holder_path, 5000, &hold, NULL) < 0)
		return 1;
	config.memory_fd = memfd_create("held", MFD_CLOEXEC);
	config.store = qrt_ivshmem_hold_get_store(hold);
	config.kept = qrt_ivshmem_hold_take_kept(hold, &config.kept_count);
	if (ftruncate(config.memory_fd, 65536) < 0 || qrt_ivshmem_server_open(&config, &server, NULL) < 0 ||
	    qrt_ivshmem_server_listen(server, &listen_config, NULL) < 0)
		return 2;
	close(config.memory_fd);
	fds[0] = (struct pollfd){.fd = qrt_ivshmem_server_get_fd(server), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = qrt_ivshmem_hold_get_fd(hold), .events = POLLIN};
	for (;;) {
		rc = qrt_ivshmem_hold_check(hold);
		if (rc == -ESTALE) {
			qrt_ivshmem_server_leave(server);
			qrt_ivshmem_hold_close(hold);
			return 3;
		}
		if (rc != -EINPROGRESS && qrt_ivshmem_server_harvest(server, events, 16) == -ESTALE)
			return 4;
		poll(fds + (rc == -EINPROGRESS), rc == -EINPROGRESS ? 1 : 2, -1);
	}
}

pid_t start_server(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(3, ~0u, 0); /* clients' ends are theirs alone */
		_exit(serve());
	}
	return pid;
}

int end_process(pid_t pid, int number)
{
	int status = -1;

	CU_ASSERT_FATAL(pid > 0);
	if (number)
		kill(pid, number);
	waitpid(pid, &status, 0);
	return status;
}

/* ---- what clients know ---- */

void pause_us(unsigned us)
{
	struct timespec time = {.tv_nsec = (long)us * 1000};

	nanosleep(&time, NULL);
}

struct client *connect_patiently(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client *client = calloc(1, sizeof(*client));
	int i, probe = -1, rc = -1;

	strcpy(address.sun_path, socket_path);
	for (i = 0; i < 5000 && rc < 0; i++) {
		probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = connect(probe, (struct sockaddr *)&address, sizeof(address));
		if (rc < 0)
			close(probe);
		pause_us(rc < 0 ? 1000 : 0);
	}
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	client->socket = probe;
	return client;
}

int id_of(const struct client *client)
{
	return client->count > 1 ? (int)client->told[1].value : -1;
}

int vectors_of(const struct client *client, int id)
{
	int i, count = 0;

	for (i = 3; i < client->count; i++) {
		if (client->told[i].value == id)
			count = client->told[i].fd >= 0 ? count + 1 : 0;
	}
	return count;
}

static int last_fd_of(const struct client *client, int id)
{
	int i, fd = -1;

	for (i = 3; i < client->count; i++) {
		if (client->told[i].value == id)
			fd = client->told[i].fd;
	}
	return fd;
}

int await(struct client *client, int id, int vectors)
{
	int i;

	for (i = 0; i < 8000; i++) {
		client_read(client);
		if (client->is_ended || (id_of(client) >= 0 && client->count > 2 &&
					 vectors_of(client, id < 0 ? id_of(client) : id) == vectors))
			return !client->is_ended;
		pause_us(1000);
	}
	fprintf(stderr, "# waited for %d vectors of %d: %s\n", vectors, id, client_text(client));
	return 0;
}

int rings(const struct client *from, const struct client *to)
{
	const uint64_t one = 1;
	uint64_t count = 0;

	return write(last_fd_of(from, id_of(to)), &one, 8) == 8 &&
	       read(last_fd_of(to, id_of(to)), &count, 8) == 8 && count == 1;
}

void keep_begin(void)
{
	start_holder();
	child = start_server();
}

void keep_end(void)
{
	end_process(child, SIGKILL);
	end_process(holder, SIGKILL);
	unlink(holder_path);
	unlink(socket_path);
}
