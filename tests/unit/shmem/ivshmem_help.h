/* SPDX-License-Identifier: MIT */
/* A server in this process, and clients that write down, byte for byte, what they are told. */
#ifndef QRT_TESTS_IVSHMEM_HELP_H
#define QRT_TESTS_IVSHMEM_HELP_H

#include <qrt/ivshmem.h>

#define TOLD_MAX 20000

/* A message as a client saw it. */
struct told {
	int64_t value;
	int fd; /* -1: none */
};

struct client {
	int socket;
	struct told told[TOLD_MAX];
	int count;
	int is_ended; /* the connection was */
	unsigned char part[8];
	int have;
};

extern struct qrt_ivshmem_server *server;
extern char server_path[64];

/* A server with a memory of 64 KiB, and a socket; config NULL: the default one. */
void server_begin(const struct qrt_ivshmem_server_config *config,
		  const struct qrt_ivshmem_listen_config *socket);
void server_end(void);
/* Harvests until nothing is left to do; returns how many events there were, of which the last are in `seen`.
 */
int server_run(void);
extern struct qrt_ivshmem_event seen[256];
/* One more socket, at another path. */
int server_listen(const struct qrt_ivshmem_listen_config *config, char *ret_path);

struct client *client_connect(const char *path);
/* As a program of the library: its end of the connection has a name. */
void client_name(int socket);
struct client *client_connect_named(const char *path);
/* At server_path; the server takes it in, or lets it go. */
struct client *client_join(void);
void client_leave(struct client **client);
/* Takes in what is there. */
void client_read(struct client *client);
struct client *client_close(struct client *client);
/* What it was told, as text: "0 5 -1+ 3+ 3+ 5+": + for a descriptor. */
const char *client_text(struct client *client);
/* Counts how many messages of this value it has, with or without a descriptor. */
int client_count(struct client *client, int64_t value, int with_fd);

#endif
