/* SPDX-License-Identifier: MIT */
/*
 * libqrt-shmem: what lets an ivshmem server (<qrt/ivshmem.h>) be replaced, or crash, without its clients
 * noticing.
 *
 * Two stores for its descriptors: a holder, which is a small process of its own that does nothing but keep
 * them; and systemd, for a service with FileDescriptorStoreMax=. In both a server that begins gets what the
 * one before had. Conventions as in <qrt/shmem.h>.
 */
#ifndef QRT_IVSHMEM_HOLD_H
#define QRT_IVSHMEM_HOLD_H

#include <qrt/ivshmem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the holder's process ---- */

#define QRT_IVSHMEM_HOLD_FOREVER 0xffffffffu

/*
 * Holds, until a server ends it, or there was none for alone_ms. `listener`: a listening socket of type
 * SOCK_SEQPACKET, to which only servers may be able to connect: who does gets everything. One server at a
 * time: for the next one the one before is asked to stand still, and once it does, or after two seconds, or
 * at once where it is gone, the next one has a copy of everything. Its first harvest makes it the server:
 * then the one before is to leave. Where it goes without that, or ten seconds go by, the one before goes on
 * as if nothing had been. Who connects and asks for nothing is turned away after two seconds. RETURN 0 when
 * it is over, negative errno. It is a loop that waits: give it a process of its own, which nobody kills along
 * with the server. [setup]
 */
QRT_SHMEM_API int qrt_ivshmem_hold_run(int listener, uint32_t alone_ms);

/* ---- the server's side ---- */

/* A store, of either kind. */
struct qrt_ivshmem_hold;

/* Connects to the holder that listens at `path`, and waits for what it has. -ENOENT, -ECONNREFUSED: there is
 * no holder; -ETIMEDOUT: it did not answer in timeout_ms, 0: for ever; -EPIPE: it turned this one away, since
 * another server waits already; -EPROTO: it is none; -EACCES, -ENAMETOOLONG, -ENOMEM. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_open(const char *path, uint32_t timeout_ms,
					struct qrt_ivshmem_hold **ret_hold, struct qrt_shmem_error *reterr);
/* The service manager's store: descriptors come by sd_listen_fds(3) and go by sd_notify(3), whose variables
 * are taken out of the environment. -ENOENT: this is no service that may notify. Sockets that systemd made
 * for the service are not in the store: see get_activated(). [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_open_systemd(struct qrt_ivshmem_hold **ret_hold,
						struct qrt_shmem_error *reterr);
/* What is held stays where it is. NULL is fine; returns NULL. [setup] */
QRT_SHMEM_API struct qrt_ivshmem_hold *qrt_ivshmem_hold_close(struct qrt_ivshmem_hold *hold);
/* From now on the holder waits so long for a next server, as qrt_ivshmem_hold_run(); for one that is the
 * server: after its first harvest. systemd has times of its own. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_set_alone(struct qrt_ivshmem_hold *hold, uint32_t alone_ms);
/* Nothing is to be held any more: the holder ends; systemd empties its store by itself. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_end(struct qrt_ivshmem_hold *hold);
/* Tells the service manager something more, such as "READY=1" (sd_notify(3)), whose variable is not in the
 * environment any more; of a holder: nothing. Negative errno: it was not told. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_notify(struct qrt_ivshmem_hold *hold, const char *text);

/* For struct qrt_ivshmem_server_config: what was held, whose descriptors are the caller's from then on (the
 * second call finds nothing), and the store; valid as long as the hold is open. [setup] */
QRT_SHMEM_API const struct qrt_ivshmem_kept *qrt_ivshmem_hold_take_kept(struct qrt_ivshmem_hold *hold,
									uint32_t *ret_count);
QRT_SHMEM_API const struct qrt_ivshmem_store *qrt_ivshmem_hold_get_store(const struct qrt_ivshmem_hold *hold);
/* Listening sockets that systemd made for the service (socket activation), in the order in which it passes
 * them; up to max; returns how many there are. They stay the hold's. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_get_activated(const struct qrt_ivshmem_hold *hold, int *ret_fds,
						 size_t max);

/* Readable when check() has something to do or to say; constant, and quiet once -EPIPE was said. [rt] */
QRT_SHMEM_API int qrt_ivshmem_hold_get_fd(const struct qrt_ivshmem_hold *hold);
/* 0; -EINPROGRESS: another server may take over: call nothing of the server's that changes anything, harvest
 * neither, until this says something else; -ESTALE: it has taken over: call qrt_ivshmem_server_leave() and
 * close this, now; -EPIPE: the holder is gone, and all ends with this server. Call it before each harvest: a
 * server that stood still for reasons of its own learns here that it is to go on doing so. [setup] */
QRT_SHMEM_API int qrt_ivshmem_hold_check(struct qrt_ivshmem_hold *hold);

#ifdef __cplusplus
}
#endif

#endif /* QRT_IVSHMEM_HOLD_H */
