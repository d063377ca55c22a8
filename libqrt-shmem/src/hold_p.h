/* SPDX-License-Identifier: MIT */
/*
 * What servers and holders say to each other, a datagram each, with at most one descriptor:
 *
 *	server to holder	T	give me what there is
 *				P name	hold this (with a descriptor); one of that name is replaced
 *				D name	hold that no more
 *				E	end
 *	holder to server	K name	this is held (with a descriptor)
 *				.	that was all
 *				R	another server takes over
 */
#ifndef QRT_SHMEM_HOLD_P_H
#define QRT_SHMEM_HOLD_P_H

#include <qrt/ivshmem_hold.h>

#define QRT_SHMEM_P_HOLD_NAME_MAX 64

struct qrt_shmem_p_note {
	char verb;
	char name[QRT_SHMEM_P_HOLD_NAME_MAX + 1];
	int fd; /* -1: none */
};

/* May wait for as long as the socket's timeout says. Negative errno. */
int qrt_shmem_p_note_send(int socket, char verb, const char *name, int fd);
/* 1; 0: the other end closed; -EPROTO; other negative errno. The descriptor is the caller's. `flags`: of
 * recvmsg. */
int qrt_shmem_p_note_receive(int socket, struct qrt_shmem_p_note *ret_note, int flags);

struct qrt_ivshmem_hold {
	int socket; /* to the holder, or to the service manager */
	int is_systemd, is_gone;
	char address[108]; /* systemd's */
	uint32_t address_length;
	struct qrt_ivshmem_store store;
	struct qrt_ivshmem_kept *kept;
	uint32_t kept_count;
	int is_taken; /* what was kept is somebody else's */
	int *activated;
	uint32_t activated_count;
};

/* To the service manager; fd -1: none. Negative errno. (hold_systemd.c) */
int qrt_shmem_p_hold_notify(struct qrt_ivshmem_hold *hold, const char *text, int fd);
int qrt_shmem_p_hold_add_kept(struct qrt_ivshmem_hold *hold, const char *name, int fd);

#endif
