/* SPDX-License-Identifier: MIT */
/*
 * The server's parts.
 *
 * All that a server after this one has to know lies in a record (server_record.c), a memory that the store
 * holds: who is there, and for each client of whom it was told. There is no list of messages: what a client
 * must be told is the difference between that and who is there. Queues only say where to look, in the order
 * of what happened: first for those that left, then for those that are there. So a client that is told of a
 * join was told of every leave before it, also where slots and ids are used again: an id is in one slot at
 * most of what it was told.
 *
 * QEMU's device uses what it freed when an id of which it was told that it left is there again. So a client
 * that is no program of this library is told of an id's leave once at most, and of nobody by that id after
 * that: eventfds of a bound id stay, and it goes on believing in them (server_absent.c); other ids wait
 * (server_heard.c).
 */
#ifndef QRT_SHMEM_SERVER_P_H
#define QRT_SHMEM_SERVER_P_H

#include <qrt/ivshmem.h>
#include <qrt/shmem_layout.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* ---- the record (server_record.c) ---- */

enum qrt_shmem_p_phase {
	QRT_SHMEM_P_FREE,
	QRT_SHMEM_P_JOINING, /* it was told nothing, and nobody of it */
	QRT_SHMEM_P_GREET_VERSION,
	QRT_SHMEM_P_GREET_ID,
	QRT_SHMEM_P_GREET_MEMORY,
	QRT_SHMEM_P_GREET_PEERS, /* and last itself */
	QRT_SHMEM_P_GREETED,
	QRT_SHMEM_P_LEAVING, /* what the store has of it is being dropped */
	QRT_SHMEM_P_ABSENT,  /* eventfds of a bound id, which wait for their next client */
};

/* Of whom a client was told, and how many vectors. serial 0: of nobody. Programs of this library go by the
 * serial of the client, others by that of the eventfds. */
struct qrt_shmem_p_told {
	uint32_t serial;
	uint16_t id, vectors;
};

enum qrt_shmem_p_sending {
	QRT_SHMEM_P_SENDS_NOTHING,
	QRT_SHMEM_P_SENDS_GREETING, /* of this phase */
	QRT_SHMEM_P_SENDS_VECTOR,   /* this one, of the slot's */
	QRT_SHMEM_P_SENDS_LEAVE,    /* of who was in the slot */
};

struct qrt_shmem_p_entry {
	uint32_t phase;
	uint32_t serial; /* tells clients that had the same slot or id one after another apart; 0: absent */
	uint32_t origin; /* serial of the first one who had these eventfds */
	uint32_t id, vectors, listener;
	uint32_t fds;     /* eventfds: more than vectors, where the client before had more */
	uint32_t partial; /* slot + 1 of whom it is being told; 0: nobody */
	uint32_t sending, sending_slot,
		sending_which; /* the message of which `message` says whether it went */
	int32_t pid;
	uint32_t uid, gid;
	uint32_t is_bound;   /* its id is its socket's */
	uint32_t is_peer;    /* a program of this library */
	uint64_t socket_key; /* of its socket, whatever number that has */
	uint64_t joined_ns, told;
	char name[QRT_IVSHMEM_NAME_MAX + 1];
	struct mmsghdr message; /* msg_len: the kernel's word, see server_tell.c */
	uint64_t reserved[8];
};

struct qrt_shmem_p_head {
	uint64_t magic;
	uint32_t version, peers_max, entry_bytes;
	uint32_t generation;
	uint32_t next_id, next_serial;
	uint64_t joined, left, stalled, talked, refused, messages, in_doubt;
	uint64_t no_id;
	uint32_t ids, reserved;
};

struct qrt_shmem_p_record {
	int fd;
	uint64_t length;
	struct qrt_shmem_p_head *head;
};

/* A new one, for so many clients and ids. Negative errno. */
int qrt_shmem_p_record_new(struct qrt_shmem_p_record *record, uint32_t peers_max, uint32_t ids);
/* Takes the descriptor. -EBADMSG: it is no record, or another version's. */
int qrt_shmem_p_record_open(struct qrt_shmem_p_record *record, int fd);
void qrt_shmem_p_record_close(struct qrt_shmem_p_record *record);
struct qrt_shmem_p_entry *qrt_shmem_p_record_entry(const struct qrt_shmem_p_record *record, uint32_t slot);
/* What the client of a slot was told, one for each slot. */
struct qrt_shmem_p_told *qrt_shmem_p_record_told(const struct qrt_shmem_p_record *record, uint32_t slot);
/* A bit for each id of which it was ever told that it is there. */
unsigned char *qrt_shmem_p_record_heard(const struct qrt_shmem_p_record *record, uint32_t slot);
void qrt_shmem_p_record_clear(const struct qrt_shmem_p_record *record, uint32_t slot);

/* ---- clients ---- */

enum qrt_shmem_p_wait {
	QRT_SHMEM_P_WAITS_NOT,
	QRT_SHMEM_P_WAITS_FOR_SOCKET, /* to take more: epoll says when */
	QRT_SHMEM_P_WAITS_FOR_TIME,   /* the kernel has no room for it, which may not be its fault */
};

/* Slots to look at, each once at most (server_tell.c). */
struct qrt_shmem_p_queue {
	uint32_t *slots;
	uint32_t first, count;
	uint8_t *is_in; /* bits */
};

struct qrt_shmem_p_client {
	struct qrt_shmem_p_client *next, *previous; /* in the order of joining */
	struct qrt_shmem_p_entry *entry;
	struct qrt_shmem_p_told *told;
	unsigned char *heard;
	uint32_t slot;
	int socket; /* -1: absent */
	int *fds;
	uint32_t fd_count;
	struct qrt_shmem_p_queue left, there;
	uint32_t room;               /* of a queue: a power of two, as many as there are slots */
	enum qrt_shmem_p_wait waits; /* for what, before it can be told more */
	uint64_t slow_since_ns;      /* 0: it is not */
	int unsent;                  /* what lay in its socket when it began to wait */
};

struct qrt_shmem_p_listener {
	int fd;
	char *path;
	uint32_t vectors, flags, id;
	uint64_t key; /* 0: of a client without a socket */
	uint32_t number;
	int is_peer; /* its clients are programs of this library */
	int is_made; /* by this server */
	/* One of the server before: whose it was, and for whom. */
	int is_changed;
	uint32_t mode_before, owner_before, group_before;
	uint32_t *uids, *gids;
	uint32_t uid_count, gid_count;
	char name[QRT_IVSHMEM_NAME_MAX + 1];
};

/* An event that the caller was not told yet. */
struct qrt_shmem_p_saying {
	struct qrt_shmem_p_saying *next;
	struct qrt_ivshmem_event event;
};

/* A connection that was ended before its client had read all (server_unread.c). */
struct qrt_shmem_p_unread {
	struct qrt_shmem_p_unread *next;
	int socket;
	uint32_t uid;
};

struct qrt_shmem_p_kept {
	char name[65];
	int fd; /* -1: taken */
};

struct qrt_ivshmem_server {
	int epoll, timer, more, spare; /* more: an eventfd, readable while there is work that was put off */
	int memory, claim;             /* claim: -1: none */
	uint32_t flags, peers_max, vectors_max, ids;
	uint64_t stall_ns;
	struct qrt_ivshmem_store store;
	struct qrt_shmem_p_record record;
	struct qrt_shmem_p_client **slots;
	struct qrt_shmem_p_client *first, *last;
	uint32_t *by_id;    /* slot + 1, of an absent one, too; 0: free */
	uint32_t *heard_by; /* how many clients that are no programs of this library were told of an id */
	uint32_t clients, vectors;
	uint32_t absent;
	uint32_t fds;        /* eventfds, those of absent ones too */
	uint32_t generation; /* of this server: the record names that of the present one */
	struct qrt_shmem_p_listener *listeners;
	uint32_t listener_count;
	struct qrt_shmem_p_saying *sayings, **sayings_end;
	struct qrt_shmem_p_unread *unread;
	struct qrt_shmem_p_kept *kept;
	uint32_t kept_count;
	int is_timer_on, is_more, is_settled, has_before; /* has_before: a server was there */
	void *map; /* of the memory, where slots of a layout are cleaned */
	uint64_t map_length;
	struct qrt_shmem_view view;
	int has_view, is_view_given; /* given: by who opened the server, not by the memory */
};

/* What epoll says: a kind, and which one. */
#define QRT_SHMEM_P_MARK_CLIENT   (1ull << 56)
#define QRT_SHMEM_P_MARK_LISTENER (2ull << 56)
#define QRT_SHMEM_P_MARK_TIMER    (3ull << 56)
#define QRT_SHMEM_P_MARK_MORE     (4ull << 56)
#define QRT_SHMEM_P_MARK_KIND     (0xffull << 56)

uint64_t qrt_shmem_p_now_ns(void);
/* Another server has taken over what the store holds. */
int qrt_shmem_p_server_is_replaced(const struct qrt_ivshmem_server *server);
/* What epoll says of a client: which it is, and not just its slot. */
uint64_t qrt_shmem_p_mark_of(const struct qrt_shmem_p_client *client);
/* The descriptor is readable until harvest() has nothing left to do. */
void qrt_shmem_p_server_want_more(struct qrt_ivshmem_server *server);
uint64_t qrt_shmem_p_mark_of_listener(uint32_t listener);
/* For the caller, with the next harvest(). */
void qrt_shmem_p_server_say(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_event *event);
void qrt_shmem_p_server_say_joined(struct qrt_ivshmem_server *server, uint32_t id);

/* ---- sockets (server_listen.c) ---- */

/* Takes one connection, if there is one (server_accept.c). */
void qrt_shmem_p_server_accept(struct qrt_ivshmem_server *server, uint32_t listener);
void qrt_shmem_p_server_end_listeners(struct qrt_ivshmem_server *server, int is_for_good);

/* Makes the socket of a config, or dups the one that it has (server_socket.c). The descriptor. */
int qrt_shmem_p_make_socket(const struct qrt_ivshmem_listen_config *config, struct qrt_shmem_error *reterr);
int qrt_shmem_p_dup_socket(int fd, struct qrt_shmem_error *reterr);
/* One of the server before gets the permissions of a config; and those from before again. */
int qrt_shmem_p_change_socket(struct qrt_shmem_p_listener *listener,
			      const struct qrt_ivshmem_listen_config *config, struct qrt_shmem_error *reterr);
void qrt_shmem_p_change_back(const struct qrt_shmem_p_listener *listener);

/* ---- places (server_place.c) ---- */

/* A free slot, -ENOSPC. */
int qrt_shmem_p_server_find_slot(const struct qrt_ivshmem_server *server);
/* An id for a client of that socket. Whoever had a bound one and is gone parts. -EBUSY; -ENOSPC;
 * -EADDRNOTAVAIL: those that are free wait (server_heard.c). */
int qrt_shmem_p_server_choose_id(struct qrt_ivshmem_server *server,
				 const struct qrt_shmem_p_listener *listener);

/* ---- coming and going (server_join.c) ---- */

/* A connection becomes a client; takes the descriptor, also where it fails. Its id; -EBUSY, -ENOSPC, -ENOMEM,
 * -EMFILE. */
int qrt_shmem_p_server_join(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_listener *listener,
			    int socket);
/* Something became of a slot: all but one are to be told what they do not know. */
void qrt_shmem_p_server_tell_all(struct qrt_ivshmem_server *server, uint32_t slot,
				 const struct qrt_shmem_p_client *but);
/* A serial that nobody had. */
uint32_t qrt_shmem_p_server_draw_serial(struct qrt_ivshmem_server *server);
/* Who it is that connected, to which socket: all of an entry but its phase and its eventfds. */
void qrt_shmem_p_server_introduce(struct qrt_shmem_p_entry *entry,
				  const struct qrt_shmem_p_listener *listener, int socket);
int qrt_shmem_p_server_keep_socket(struct qrt_ivshmem_server *server,
				   const struct qrt_shmem_p_client *client);
/* The eventfds from `first` on, as the entry counts them. */
int qrt_shmem_p_server_make_fds(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
				uint32_t first);
/* It is there: its greeting begins, and others are told of it. Its id. */
int qrt_shmem_p_server_begin(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* It left: everybody else is to be told; harvest() says so. (server_leave.c) */
void qrt_shmem_p_server_part(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
			     uint32_t reason);
/* Counts it, and says so with the next harvest(). */
void qrt_shmem_p_server_say_left(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_entry *entry,
				 uint32_t reason);
/* It is listened to, and counts. */
int qrt_shmem_p_server_admit(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* One that was not admitted. */
void qrt_shmem_p_server_free(struct qrt_shmem_p_client *client);
/* It counts no more. */
void qrt_shmem_p_server_unlink(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* Frees what is here of it, and nothing else. */
void qrt_shmem_p_server_forget(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* A client as its entry says; takes nothing. NULL: no memory. */
struct qrt_shmem_p_client *qrt_shmem_p_server_take_in(struct qrt_ivshmem_server *server, uint32_t slot,
						      int socket);

/* ---- what nobody reads (server_unread.c) ---- */

/* What lies in a socket, as the kernel counts it; -1: that is not known. */
int qrt_shmem_p_count_unread(int socket);
/* A client's connection was ended: where something lies in it the socket is not the client's any more. */
void qrt_shmem_p_server_hold_unread(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* Too many of a user's connections were ended like that, and are not read. */
int qrt_shmem_p_server_is_unread(struct qrt_ivshmem_server *server, uint32_t uid);
void qrt_shmem_p_server_end_unread(struct qrt_ivshmem_server *server);

/* ---- absent ones (server_absent.c) ---- */

static inline int qrt_shmem_p_is_absent(const struct qrt_shmem_p_client *client)
{
	return client->entry->phase == QRT_SHMEM_P_ABSENT;
}

/* Its eventfds wait for the next client of its socket: its id is that of one. */
int qrt_shmem_p_server_stays(const struct qrt_ivshmem_server *server,
			     const struct qrt_shmem_p_client *client);
/* A client becomes absent; it was unlinked. */
void qrt_shmem_p_server_be_absent(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* It counts as absent: it was just made, or found in the record. */
void qrt_shmem_p_server_link_absent(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
void qrt_shmem_p_server_end_absence(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* The server before was killed while somebody came back: it is absent as before. */
void qrt_shmem_p_server_forget_return(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* NULL: there is none of that id. */
struct qrt_shmem_p_client *qrt_shmem_p_server_find_absent(const struct qrt_ivshmem_server *server,
							  uint32_t id);
/* A connection goes on with the eventfds of an absent one; takes the descriptor. As join(). */
int qrt_shmem_p_server_come_back(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
				 const struct qrt_shmem_p_listener *listener, int socket);
/* It is gone for good. */
void qrt_shmem_p_server_retire(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* One that nobody believes in makes room. 0: there is none. */
int qrt_shmem_p_server_retire_any(struct qrt_ivshmem_server *server);
void qrt_shmem_p_server_end_absent(struct qrt_ivshmem_server *server, int is_for_good);

/* ---- ids that clients were told of (server_heard.c) ---- */

int qrt_shmem_p_has_heard(const struct qrt_shmem_p_client *client, uint32_t id);
/* It is being told of it. Of programs of this library nothing is noted: to them ids may come back. */
void qrt_shmem_p_hear_of(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t id);
/* A client comes, or goes: what it has heard of counts, or counts no more. */
void qrt_shmem_p_count_heard(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_client *client,
			     int by);
/* Ids that nobody has, and that wait until clients who were told of them are gone. */
uint32_t qrt_shmem_p_count_waiting_ids(const struct qrt_ivshmem_server *server);

/* ---- what clients are told (server_tell.c) ---- */

/* Something became of that slot. There is room for each: nobody's notice depends on memory. */
void qrt_shmem_p_tell(const struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
		      uint32_t slot);
/* A server was killed while it sent something: where that was sent, it is noted now. 1: it was sending. */
int qrt_shmem_p_finish_sending(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client);
/* Of how many peers it was not yet told what became of them. */
uint32_t qrt_shmem_p_count_waiting(const struct qrt_shmem_p_client *client);
/* Sends what can be sent, `*budget` messages at most. 1: there is more; 0: there is not; -EAGAIN: the socket
 * takes no more; -ENOBUFS: the kernel does not, and all leaves that it does take are told; others: the
 * connection is of no use any more. */
int qrt_shmem_p_tell_on(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client,
			uint32_t *budget);

/* ---- the store (server_keep.c) ---- */

int qrt_shmem_p_keep(struct qrt_ivshmem_server *server, const char *name, int fd);
void qrt_shmem_p_unkeep(struct qrt_ivshmem_server *server, const char *name);
void qrt_shmem_p_name_socket(char *name, size_t size, uint32_t slot, uint32_t serial);
void qrt_shmem_p_name_vector(char *name, size_t size, uint32_t slot, uint32_t serial, uint32_t vector);
/* Of a socket's path, the same for each server. */
uint64_t qrt_shmem_p_key_of(const char *path);
void qrt_shmem_p_name_listener(char *name, size_t size, const char *path);
/* The store is rid of it, and its slot is free. */
void qrt_shmem_p_server_clear_slot(struct qrt_ivshmem_server *server, uint32_t slot);
/* What the store had is the server's to take. -ENOMEM: it is closed. */
int qrt_shmem_p_server_receive_kept(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_kept *kept,
				    uint32_t count);
/* Closes what nobody claimed; for good: in the store, too. */
void qrt_shmem_p_server_drop_kept(struct qrt_ivshmem_server *server, int is_for_good);
/* The descriptor of that name, which is the caller's then; -ENOENT. */
int qrt_shmem_p_server_take_kept(struct qrt_ivshmem_server *server, const char *name);
/* Takes up what the server before had, and changes nothing of it: that one may still go on
 * (server_restore.c). */
int qrt_shmem_p_server_restore(struct qrt_ivshmem_server *server);
/* Once: from now on it is this server's. What was left half done is done, those that were just joining join,
 * what nobody claimed is dropped. (server_settle.c) -ESTALE: it is another one's. */
int qrt_shmem_p_server_settle(struct qrt_ivshmem_server *server);

/* ---- the layout's slots (server_clean.c) ---- */

/* Where there is one since the last look: a life for each who is there and has none. */
void qrt_shmem_p_server_look_for_layout(struct qrt_ivshmem_server *server);
void qrt_shmem_p_server_begin_life(struct qrt_ivshmem_server *server, uint32_t id, int is_alive);

#endif
