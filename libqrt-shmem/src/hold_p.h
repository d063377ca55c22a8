/* SPDX-License-Identifier: MIT */
/*
 * What servers and holders say to each other, a datagram each, with at most one descriptor:
 *
 *	server to holder	T	give me what there is
 *				P name	hold this (with a descriptor); one of that name is replaced. The
 *					record: whatever there is is mine now
 *				D name	hold that no more
 *				S	I stand still
 *				W ms	wait so long for the next one, where there is none (decimal)
 *				E	end
 *	holder to server	K name	this is held (with a descriptor)
 *				. yes	that was all; Y will be said
 *				Y	it is yours
 *				R	another server may take over: stand still
 *				C	it did not: go on
 *				G	it did: leave
 */
#ifndef QRT_SHMEM_HOLD_P_H
#define QRT_SHMEM_HOLD_P_H

#include <qrt/ivshmem_hold.h>

#define QRT_SHMEM_P_HOLD_NAME_MAX 64
#define QRT_SHMEM_P_HOLD_RECORD   "record"
#define QRT_SHMEM_P_HOLD_SAYS_YES "yes"

struct qrt_shmem_p_note {
	char verb;
	char name[QRT_SHMEM_P_HOLD_NAME_MAX + 1];
	int fd; /* -1: none */
};

/* May wait for as long as the socket's timeout says. `flags`: of sendmsg. Negative errno. */
int qrt_shmem_p_note_send(int socket, char verb, const char *name, int fd, int flags);
/* 1; 0: the other end closed; -EPROTO; other negative errno. The descriptor is the caller's. `flags`: of
 * recvmsg. */
int qrt_shmem_p_note_receive(int socket, struct qrt_shmem_p_note *ret_note, int flags);

/* ---- a holder's table (hold_table.c) ---- */

struct qrt_shmem_p_held {
	char name[QRT_SHMEM_P_HOLD_NAME_MAX + 1];
	int fd, is_heirs;
	struct qrt_shmem_p_held *next, *previous; /* in the order in which they came */
};

struct qrt_shmem_p_table {
	void *tree; /* by name, tsearch(3) */
	struct qrt_shmem_p_held *first, *last;
};

/* NULL: nothing has that name. */
struct qrt_shmem_p_held *qrt_shmem_p_held_find(const struct qrt_shmem_p_table *table, const char *name);
void qrt_shmem_p_held_drop(struct qrt_shmem_p_table *table, struct qrt_shmem_p_held *held);
/* Takes the descriptor. */
void qrt_shmem_p_held_put(struct qrt_shmem_p_table *table, const char *name, int fd, int is_heirs);
/* What an heir put stays, or is dropped. */
void qrt_shmem_p_held_settle_heirs(struct qrt_shmem_p_table *table, int is_kept);

/* ---- the server's side ---- */

/* What a holder that takes nothing just now is told later (hold_later.c). */
struct qrt_shmem_p_later {
	struct qrt_shmem_p_later *next;
	char verb;
	char name[QRT_SHMEM_P_HOLD_NAME_MAX + 1];
	int fd; /* -1: none; a dup */
};

struct qrt_ivshmem_hold {
	int socket; /* to the holder, or to the service manager */
	int epoll;  /* of the socket and the timer: what callers wait for */
	int timer;
	struct qrt_shmem_p_later *later, **later_end;
	int is_systemd, is_gone;
	int is_heir;       /* the holder has still to say whether it is ours */
	int is_still;      /* another server may take over */
	char address[108]; /* systemd's */
	uint32_t address_length;
	struct qrt_ivshmem_store store;
	struct qrt_ivshmem_kept *kept;
	uint32_t kept_count;
	int is_taken; /* what was kept is somebody else's */
	int *activated;
	uint32_t activated_count;
};

/* Says it, or notes it to be said later, behind what is noted already: without waiting. -ENOMEM, -EMFILE, and
 * what the socket answers where it is of no use any more. */
int qrt_shmem_p_hold_say(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd);
/* Says what was noted, as far as it is taken, and looks again after a while. */
void qrt_shmem_p_hold_say_later(struct qrt_ivshmem_hold *hold);
void qrt_shmem_p_hold_forget_later(struct qrt_ivshmem_hold *hold);
/* A note of systemd's kind. */
int qrt_shmem_p_hold_send_systemd(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd);
/* Epoll and timer. Negative errno. */
int qrt_shmem_p_hold_begin(struct qrt_ivshmem_hold *hold);

/* To the service manager; fd -1: none. Negative errno. (hold_systemd.c) */
int qrt_shmem_p_hold_notify(struct qrt_ivshmem_hold *hold, const char *text, int fd, int flags);
int qrt_shmem_p_hold_add_kept(struct qrt_ivshmem_hold *hold, const char *name, int fd);

#endif
