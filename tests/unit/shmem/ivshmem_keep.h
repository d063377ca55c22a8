/* SPDX-License-Identifier: MIT */
/* Servers in processes of their own, one after another, with a holder; and what their clients know. */
#ifndef QRT_TESTS_IVSHMEM_KEEP_H
#define QRT_TESTS_IVSHMEM_KEEP_H

#include <sys/types.h>

#include "ivshmem_help.h"

#define VECTORS 3 /* of each client */

extern char holder_path[64], socket_path[64];
extern pid_t holder, child; /* child: the server */

/* ---- processes ---- */

int listen_at(const char *path);
void start_holder(void);
/* It ends with 3: it was asked to leave, and did; 4: another one took over. */
pid_t start_server(void);
/* Its status; number: a signal, 0 for none. */
int end_process(pid_t pid, int number);
/* A holder and a server, and the end of both. */
void keep_begin(void);
void keep_end(void);

/* ---- clients ---- */

void pause_us(unsigned us);
struct client *connect_patiently(void);
int id_of(const struct client *client);
/* Vectors that it has of a peer, itself too: since it was last told that the peer left. */
int vectors_of(const struct client *client, int id);
/* Until it knows so many vectors of that peer (-1: of itself), or is ended: 0. */
int await(struct client *client, int id, int vectors);
/* One rings another, who has just that ring. */
int rings(const struct client *from, const struct client *to);

#endif
