/* SPDX-License-Identifier: MIT */
/* The tool as a peer of a server. */
#ifndef QRT_SHMEM_MEMBER_H
#define QRT_SHMEM_MEMBER_H

#include <qrt/ivshmem.h>
#include <qrt/shmem_layout.h>

#include "tool.h"

struct member {
	const char *path;
	struct qrt_ivshmem_peer *peer;
	void *memory;
	guint64 length;
	guint32 id;
	struct qrt_shmem_view view;
	int layout; /* 0: there is one; else what qrt_shmem_attach() says */
	struct qrt_shmem_state said;
};

/* Joins, with a vector, in so many seconds (0: ten). Negative: it was said why not. The path stays the
 * caller's. */
int member_join(struct member *member, const char *path, double wait_s);
void member_leave(struct member *member);
/* Negative where there is no layout with a slot for this peer, which is said. */
int member_need_layout(const struct member *member);
/* Others see in its state that it is ready, and, called again, that it lives. */
void member_beat(struct member *member);
/* A number that nobody else draws. */
guint32 member_draw(void);
/* A peer's id: EXIT_OK, or EXIT_USAGE, which was said. */
int member_take_id(const char *name, const char *text, guint32 *id);

#endif
