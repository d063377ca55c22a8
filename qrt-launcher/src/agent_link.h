/* SPDX-License-Identifier: MIT */
/*
 * The host's end of what a VM's guest agent says: an ivshmem server for this VM alone, in this process. QEMU
 * has the one end of a socket pair, so that there is no socket that anybody else could connect to. The host
 * is peer 0, the guest peer 1. All of the memory is the guest's to write to: what is read there is believed
 * of this guest alone.
 */
#ifndef QRT_LAUNCHER_AGENT_LINK_H
#define QRT_LAUNCHER_AGENT_LINK_H

#include <qrt/shmem_agent.h>

#define AGENT_LINK_FDS   2
#define AGENT_LINK_GUEST 1u /* the guest's id and slot */

struct agent_link;

/* Both ends are there, and the memory is laid out. Says what is wrong. */
int agent_link_open(const char *vm, struct agent_link **ret_link);
/* NULL is fine; returns NULL. */
struct agent_link *agent_link_close(struct agent_link *link);
/* QEMU's end, -1 for NULL; and once QEMU has it. */
int agent_link_get_far_fd(const struct agent_link *link);
void agent_link_close_far_fd(struct agent_link *link);

/* Readable when there is something to be taken in: a server's and a peer's. */
void agent_link_get_fds(const struct agent_link *link, int ret_fds[AGENT_LINK_FDS]);
/* Takes it in, without waiting. */
void agent_link_serve(struct agent_link *link);
/* What the guest said in its present life; errors of qrt_shmem_read_state(). */
int agent_link_read(const struct agent_link *link, struct qrt_shmem_state *ret_said);
/* Has the guest look at its memory; where it is not there, nobody does. */
void agent_link_ring(const struct agent_link *link);
/* The guest was reset: what it said is not believed any more. */
void agent_link_renew(struct agent_link *link);
const struct qrt_shmem_view *agent_link_get_view(const struct agent_link *link);

#endif
