/* SPDX-License-Identifier: MIT */
/* A server with a store in this process, and clients that believe what they are told. */
#ifndef QRT_TESTS_BELIEVERS_H
#define QRT_TESTS_BELIEVERS_H

#include <qrt/ivshmem.h>
#include <qrt/ivshmem_hold.h>
#include <stdint.h>

#define BOUND   4  /* sockets with an id of their own: 8 and on */
#define IDS     12 /* those below 8 are free */
#define VECTORS 3
#define MOST    10 /* clients at the same time */
#define KEPT    1024

/* ---- the store and its server ---- */

extern uint32_t told_vectors; /* of each client from now on */
extern char told_names[KEPT][65];
extern uint32_t told_kept_count;

int told_drop(void *data, const char *name);
int told_put(void *data, const char *name, int fd);
void told_begin(void);
void told_replace(void);

/* ---- clients ---- */

struct believer {
	int socket, greeted, id, is_named;
	int fds[IDS][VECTORS + 1];
	int counts[IDS], has_left[IDS];
};

extern struct believer *believers[MOST];

void believer_forget(struct believer *believer, int id);
void believers_hear_all(void);
int believer_hear_some(struct believer *believer, int most);
void believer_join(struct believer **place, uint32_t listener);
void believer_leave(struct believer **place);
void believers_expect_truth(void);
void believers_end_all(void);

#endif
