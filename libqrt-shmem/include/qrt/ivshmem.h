/* SPDX-License-Identifier: MIT */
/*
 * libqrt-shmem: ivshmem, revision 1 of its protocol and of its device (QEMU, docs/specs/ivshmem-spec).
 *
 * A server gives each peer (a virtual machine, or a program) a memory that all of them have, an id, and one
 * eventfd for each interrupt vector of each other peer: to ring a peer is to write to its eventfd, by which
 * the server is not bothered. Here are the server, a program as a peer, and the PCI device's registers for
 * virtual machine monitors. Conventions as in <qrt/shmem.h>.
 *
 * Rings have no content and coalesce: one that comes means "look again". What to look at is in the memory,
 * see <qrt/shmem_layout.h>. In this revision each peer can write to all of the memory: peers that do not
 * trust each other need a server each.
 */
#ifndef QRT_IVSHMEM_H
#define QRT_IVSHMEM_H

#include <qrt/shmem.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_IVSHMEM_VERSION     0     /* of the protocol */
#define QRT_IVSHMEM_IDS         65536 /* ids are 0 .. 65535 */
#define QRT_IVSHMEM_VECTORS_MAX 1024  /* of one peer; QEMU's device has 2048 at most, Linux uses fewer */
#define QRT_IVSHMEM_NAME_MAX    63    /* characters of a name */

/* ---- server -------------------------------------------------------------------------------- */

/*
 * Without threads: all that it does it does in harvest(), which is to be called when its descriptor is
 * readable. It never waits for a client. What a client still has to be told is kept as the difference between
 * what there is and what it was told, so that one that does not read costs a bounded amount of memory, and
 * nobody else anything; after stall_ms without a byte taken it is dropped, as one that left.
 */
struct qrt_ivshmem_server;

/* Where descriptors outlive the server: a process that holds them (<qrt/ivshmem_hold.h>), or systemd's store.
 * A name is [a-z0-9.-]{1,64}. Both return 0 or a negative errno; `data` is the caller's. */
struct qrt_ivshmem_store {
	int (*put)(void *data, const char *name, int fd); /* dups it */
	int (*drop)(void *data, const char *name);
	void *data;
};

/* One that was in the store when a server before this one ended. */
struct qrt_ivshmem_kept {
	const char *name;
	int32_t fd; /* is the server's from open() on; where that fails it is closed, and the store has it
		       still */
};

#define QRT_IVSHMEM_SERVER_LOWEST_IDS                                                                        \
	1u                          /* the lowest free id; else the next one, as QEMU's own server does */
#define QRT_IVSHMEM_SERVER_CLEAN 2u /* a layout's slots are cleaned for each new life of a peer */

/* `claim_fd` is there, and kept beside the memory. */
#define QRT_IVSHMEM_SERVER_CLAIM 4u

struct qrt_shmem_view; /* <qrt/shmem_layout.h> */

struct qrt_ivshmem_server_config {
	uint32_t size;
	uint32_t flags;       /* QRT_IVSHMEM_SERVER_* */
	int32_t memory_fd;    /* what all share; is dup'ed */
	uint32_t peers_max;   /* at the same time; 0: 1024, or that of the server before; at most 65536 */
	uint32_t vectors_max; /* of all of them; 0: 65536 */
	uint32_t stall_ms;    /* 0: 10000 */
	uint32_t ids;         /* ids are 0 .. ids - 1; 0: 65536, or that of the server before */
	uint32_t kept_count;
	const struct qrt_ivshmem_store *store; /* NULL: all ends with the server. Is copied */
	const struct qrt_ivshmem_kept *kept;   /* what the store had */
	/* What has to live as long as the memory is in use, qrt_shmem_memory_get_claim() say; no client gets
	 * it. Is dup'ed. */
	int32_t claim_fd;
	uint32_t reserved;
	/* CLEAN: what the layout in the memory is like, from where no peer can write; is copied, and its base
	 * does not count. Its header is written again where a peer wrote over it. NULL: what the memory says,
	 * once. */
	const struct qrt_shmem_view *layout;
};

/* Where the store has what a server before left, that one's clients are this one's only with the first
 * harvest (or add, drop, renew): what is called before that changes nothing for them, leave neither, so that
 * a server that cannot go on with them leaves them where they are.
 *
 * The descriptors of `kept` are taken in any case: where it fails they are closed, and what the store holds
 * stays there for the next one. -EINVAL, -E2BIG, -ENOMEM, -EMFILE; -EBADMSG: what was kept is not a server's,
 * or not this version's; -ESTALE: the holder turned to another server, or ended: open it anew, and ask again.
 * [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_open(const struct qrt_ivshmem_server_config *config,
					  struct qrt_ivshmem_server **ret_server,
					  struct qrt_shmem_error *reterr);
/* Clients and sockets end, and leave the store. NULL is fine; returns NULL. [setup] */
QRT_SHMEM_API struct qrt_ivshmem_server *qrt_ivshmem_server_close(struct qrt_ivshmem_server *server);
/* Ends the server, and nothing else: what is in the store is for the next one; sockets that it made before it
 * took over go. [setup] */
QRT_SHMEM_API struct qrt_ivshmem_server *qrt_ivshmem_server_leave(struct qrt_ivshmem_server *server);

#define QRT_IVSHMEM_LISTEN_ID    1u /* its one client has the id `id` */
#define QRT_IVSHMEM_LISTEN_OWNER 2u /* the socket belongs to `owner` */
#define QRT_IVSHMEM_LISTEN_GROUP 4u /* and to `group` */

/* A socket to which clients connect. Who connects to it has its vectors, name and, where it is bound, its id:
 * one socket for each VM binds id and name to the VM by the permissions of the socket. */
struct qrt_ivshmem_listen_config {
	uint32_t size;
	uint32_t flags;   /* QRT_IVSHMEM_LISTEN_* */
	const char *path; /* made; what lies there and is a socket that nobody listens to is replaced */
	/* path NULL: a listening socket, is dup'ed, and its file not removed at the end; -1: none, clients
	 * come by add(). */
	int32_t fd;
	uint32_t mode; /* permissions of the socket; 0: 0600 */
	uint32_t owner, group;
	uint32_t vectors; /* of each client; 0: 1 */
	uint32_t id;
	uint32_t uid_count, gid_count;
	const char *name; /* of its clients, up to QRT_IVSHMEM_NAME_MAX characters; NULL: "" */
	/* Who may connect: a process of one of these users, or groups, supplementary ones as well
	 * (SO_PEERCRED, SO_PEERGROUPS). Both empty: whom the permissions let in. */
	const uint32_t *uids, *gids;
};

/* Adds a socket. A path that the server before had, too, goes on: nobody who waits there is lost.
 * -EADDRINUSE: somebody listens there; -EBUSY: another socket has that id; -EINVAL (a count without its list,
 * too), -ENAMETOOLONG. Returns its number. [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_listen(struct qrt_ivshmem_server *server,
					    const struct qrt_ivshmem_listen_config *config,
					    struct qrt_shmem_error *reterr);
/* Adds a client whose connection is there already, as one of that socket's. The descriptor is dup'ed. Returns
 * its id; -ENOSPC: no id, vector or slot is free; -EADDRNOTAVAIL: see QRT_IVSHMEM_NO_ID; -EBUSY: the id is
 * in use; -ESTALE: see harvest(). [setup]
 */
QRT_SHMEM_API int qrt_ivshmem_server_add(struct qrt_ivshmem_server *server, uint32_t listener, int fd);
#define QRT_IVSHMEM_CLIENT_ID   1u /* it has the id `id`, which stays with its next client, as LISTEN_ID */
#define QRT_IVSHMEM_CLIENT_PEER 2u /* the other end is this library's, see qrt_ivshmem_server(3), Ids */

/* A client without a socket, for a virtual machine monitor that has the server inside. */
struct qrt_ivshmem_client_config {
	uint32_t size;
	uint32_t flags; /* QRT_IVSHMEM_CLIENT_* */
	uint32_t id;
	uint32_t vectors; /* 0: 1 */
	const char *name; /* up to QRT_IVSHMEM_NAME_MAX characters; NULL: "" */
	int32_t fd;       /* admit(): its connection, a stream socket of the Unix domain; is dup'ed */
	uint32_t reserved;
};

/* A connection that is there becomes a client. Returns its id. -EINVAL, -ENAMETOOLONG, -E2BIG; -ENOTSOCK: no
 * such socket; as add(): -ENOSPC, -EADDRNOTAVAIL, -EBUSY (an id that is a socket's as well), -ESTALE. [setup]
 */
QRT_SHMEM_API int qrt_ivshmem_server_admit(struct qrt_ivshmem_server *server,
					   const struct qrt_ivshmem_client_config *config,
					   struct qrt_shmem_error *reterr);
/* A connection is made; *ret_fd is the client's end of it, CLOEXEC, and the caller's: for a device of its
 * own, qrt_ivshmem_peer_open(), or a process that it starts (`-chardev socket,fd=`). Returns the id. As
 * admit(). [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_connect(struct qrt_ivshmem_server *server,
					     const struct qrt_ivshmem_client_config *config, int *ret_fd,
					     struct qrt_shmem_error *reterr);
/* Drops a client, as one that left. -ENOENT, -ESTALE. [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_drop(struct qrt_ivshmem_server *server, uint32_t id);
/* The peer was reset: its slot of the layout is cleaned, and a new life begins for it. -ENOENT, -ESTALE.
 * [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_renew(struct qrt_ivshmem_server *server, uint32_t id);

enum qrt_ivshmem_event_kind {
	QRT_IVSHMEM_JOINED,
	QRT_IVSHMEM_LEFT,
	QRT_IVSHMEM_REFUSED, /* a connection; server only */
	QRT_IVSHMEM_READY,   /* id and memory are there; peer only */
	QRT_IVSHMEM_RING,    /* a vector of this peer; peer only */
	QRT_IVSHMEM_GONE,    /* the server is; rings and memory go on. Peer only */
};

enum qrt_ivshmem_reason {
	QRT_IVSHMEM_BY_ITSELF,  /* it closed its connection, or ended */
	QRT_IVSHMEM_STALLED,    /* it took nothing for too long */
	QRT_IVSHMEM_TALKED,     /* it sent something: clients have nothing to say */
	QRT_IVSHMEM_DROPPED,    /* drop() */
	QRT_IVSHMEM_NOT_LISTED, /* refused: its user is not on the list */
	QRT_IVSHMEM_IN_USE,     /* refused: the socket's id is in use */
	QRT_IVSHMEM_FULL,       /* refused: no id, vector, slot or descriptor is free, or too much of what its
				   user was sent is not read */
	QRT_IVSHMEM_NO_ID,      /* refused: the ids that are free wait until clients who know that they
				   left are gone */
};

struct qrt_ivshmem_event {
	uint32_t kind;    /* enum qrt_ivshmem_event_kind */
	uint32_t id;      /* of the peer; RING: own vector; REFUSED: number of the socket */
	uint32_t reason;  /* LEFT and REFUSED of a server: enum qrt_ivshmem_reason */
	uint32_t vectors; /* JOINED: how many it has, of a peer's: so far */
	int32_t pid;      /* of a server's: who connected, as its kernel sees it */
	uint32_t uid;
	uint64_t rings; /* RING: how many since the last time */
};

/* Readable when there is something to do; constant. [rt] */
QRT_SHMEM_API int qrt_ivshmem_server_get_fd(const struct qrt_ivshmem_server *server);
/* Does what there is to do without waiting, and says up to `max` events of it. Returns how many; as long as
 * there is more to say or to do the descriptor stays readable. One call sends 4096 messages at most. -ESTALE:
 * another server has taken over what the store holds: all that is left to do is leave(); -EINVAL: no room for
 * events. [setup] */
QRT_SHMEM_API int qrt_ivshmem_server_harvest(struct qrt_ivshmem_server *server,
					     struct qrt_ivshmem_event *ret_events, size_t max);

#define QRT_IVSHMEM_NO_LISTENER                                                                              \
	0xffffffffu /* its socket is none of this server's, but was one of one before */

struct qrt_ivshmem_client {
	uint32_t id, vectors, listener;
	uint32_t is_greeted; /* it was told all of its own */
	uint32_t waiting;    /* of how many peers it was not yet told what became of them */
	int32_t pid;
	uint32_t uid, gid;
	uint64_t joined_ns; /* CLOCK_MONOTONIC */
	uint64_t told;      /* messages */
	uint64_t slow_ns;   /* for how long it has taken nothing though there is something; 0: it does */
	char name[QRT_IVSHMEM_NAME_MAX + 1];
};

/* Fills up to max, in the order of joining; returns how many there are. [rt, and takes time with their
 * number] */
QRT_SHMEM_API int qrt_ivshmem_server_list(const struct qrt_ivshmem_server *server,
					  struct qrt_ivshmem_client *ret_clients, size_t max);

/* The same of those that are absent: clients of a bound id that left, whose eventfds wait for the next one;
 * waiting, told and slow_ns are 0. [rt, likewise] */
QRT_SHMEM_API int qrt_ivshmem_server_list_absent(const struct qrt_ivshmem_server *server,
						 struct qrt_ivshmem_client *ret_clients, size_t max);

struct qrt_ivshmem_statistics {
	uint32_t size;
	uint32_t clients, vectors; /* now */
	uint32_t generation;       /* how many servers there were, this one too */
	uint64_t joined, left, stalled, talked, refused, messages;
	uint64_t in_doubt; /* clients to whom a server was sending something when it was killed: the next one
			      knows whether that went */
	uint32_t absent;   /* bound ids whose eventfds wait for the next client, now */
	uint32_t ids_waiting; /* ids that nobody has, and that are not given again before the clients who know
				 that they left are gone, now */
	uint64_t no_id;       /* refused for that */
};

/* Since the first of these servers, where a store kept that. -EINVAL: no size. [rt] */
QRT_SHMEM_API int qrt_ivshmem_server_get_statistics(const struct qrt_ivshmem_server *server,
						    struct qrt_ivshmem_statistics *ret_statistics);

/* ---- peer ---------------------------------------------------------------------------------- */

/* A program as a peer. Without threads, like the server; ring() alone may be called from any thread while no
 * other thread harvests or closes. */
struct qrt_ivshmem_peer;

/* A memory that the server, or another peer, can still make shorter (to touch what is gone is SIGBUS) is
 * refused
 * (-EPERM): of those that qrt_shmem_memory_open() makes, take QRT_SHMEM_MEMORY_FIXED. */
#define QRT_IVSHMEM_PEER_SEALED 1u

struct qrt_ivshmem_peer_config {
	uint32_t size;
	uint32_t flags;      /* QRT_IVSHMEM_PEER_* */
	const char *path;    /* the server's socket */
	int32_t fd;          /* path NULL: a connection; is dup'ed */
	uint32_t peers_max;  /* more are not taken in: 0: 1024 */
	uint64_t length_max; /* a memory that is longer is refused: 0: 1 TiB */
};

/* Connects, in five seconds at most; the server's greeting is taken in by harvest(), and READY is the event
 * that says so. -ENOENT, -ECONNREFUSED: no server is there; -ETIMEDOUT: it takes no connection; -EACCES.
 * [setup] */
QRT_SHMEM_API int qrt_ivshmem_peer_open(const struct qrt_ivshmem_peer_config *config,
					struct qrt_ivshmem_peer **ret_peer, struct qrt_shmem_error *reterr);
/* The memory is unmapped. NULL is fine; returns NULL. [setup] */
QRT_SHMEM_API struct qrt_ivshmem_peer *qrt_ivshmem_peer_close(struct qrt_ivshmem_peer *peer);
/* Takes in what the server says until id, memory and `vectors` own vectors are there, and nothing after that.
 * The peers that were there before are listed then; events of the server's in between are dropped, rings stay
 * for harvest(). timeout_ms 0: looks once. -ETIMEDOUT: it may be called again; -EPIPE: the server went;
 * -EPROTO: it is none. [setup] */
QRT_SHMEM_API int qrt_ivshmem_peer_wait_ready(struct qrt_ivshmem_peer *peer, uint32_t vectors,
					      uint32_t timeout_ms, struct qrt_shmem_error *reterr);

/* Readable when there is something to harvest; constant. [rt] */
QRT_SHMEM_API int qrt_ivshmem_peer_get_fd(const struct qrt_ivshmem_peer *peer);
/* Takes in what came, without waiting: up to max events, rings first. A peer's JOINED comes with its first
 * vector. Returns how many; an error after events is the next call's, and each error or GONE is said
 * once. -EPROTO: what talks is no ivshmem server, -EPERM, -ENOMEM: its memory cannot be had; -EINVAL: max is
 * 0. Memory and vectors stay. [setup, and rt once READY: then it allocates for peers that join only] */
QRT_SHMEM_API int qrt_ivshmem_peer_harvest(struct qrt_ivshmem_peer *peer,
					   struct qrt_ivshmem_event *ret_events, size_t max);
/* Waits for one own vector alone, and takes its rings: the shortest way. Returns how many, at most INT_MAX;
 * -ETIMEDOUT, -EINTR, -ENOENT: there is no such vector. timeout_ms < 0: for ever; 0: looks. [rt but for the
 * wait] */
QRT_SHMEM_API int qrt_ivshmem_peer_wait_ring(struct qrt_ivshmem_peer *peer, uint32_t vector, int timeout_ms);
/* Rings, and does not wait where the counter is full, which is success. -ENOENT: no such peer or vector, as
 * far as is known. [rt] */
QRT_SHMEM_API int qrt_ivshmem_peer_ring(const struct qrt_ivshmem_peer *peer, uint32_t id, uint32_t vector);

/* Own id, -EAGAIN before READY. [rt] */
QRT_SHMEM_API int qrt_ivshmem_peer_get_id(const struct qrt_ivshmem_peer *peer);
/* Own vectors so far, or those of another peer; -ENOENT. [rt] */
QRT_SHMEM_API int qrt_ivshmem_peer_get_vectors(const struct qrt_ivshmem_peer *peer, uint32_t id);
/* The memory and its length; NULL before READY. It stays until close, also when the server goes. [rt] */
QRT_SHMEM_API void *qrt_ivshmem_peer_get_memory(const struct qrt_ivshmem_peer *peer, uint64_t *ret_length);
/* Ids of the other peers, ascending, up to max; returns how many there are. [rt] */
QRT_SHMEM_API int qrt_ivshmem_peer_list(const struct qrt_ivshmem_peer *peer, uint32_t *ret_ids, size_t max);

/* ---- device model -------------------------------------------------------------------------- */

/* What the PCI device is, for who shows it to a guest. BAR 0: registers, BAR 1: the MSI-X table, BAR 2: the
 * memory. */
#define QRT_IVSHMEM_PCI_VENDOR   0x1af4u
#define QRT_IVSHMEM_PCI_DEVICE   0x1110u
#define QRT_IVSHMEM_PCI_REVISION 1u
#define QRT_IVSHMEM_PCI_CLASS    0x050000u /* memory controller, RAM */
#define QRT_IVSHMEM_BAR0_SIZE    256u

enum qrt_ivshmem_register {
	QRT_IVSHMEM_INTR_MASK = 0x0,
	QRT_IVSHMEM_INTR_STATUS = 0x4,
	QRT_IVSHMEM_IV_POSITION = 0x8,
	QRT_IVSHMEM_DOORBELL = 0xc,
};

/* What the device does to its surroundings, called in register accesses and interrupt(). NULL: nothing. */
struct qrt_ivshmem_device_operations {
	void (*ring)(void *data, uint32_t peer, uint32_t vector); /* the guest rings */
	void (*set_line)(void *data, int level); /* INTx, without MSI-X; by one thread at a time */
	void (*send_msix)(void *data, uint32_t vector);
};

#define QRT_IVSHMEM_DEVICE_MSIX 1u

struct qrt_ivshmem_device_config {
	uint32_t size;
	uint32_t flags;   /* QRT_IVSHMEM_DEVICE_* */
	uint32_t vectors; /* 1 .. QRT_IVSHMEM_VECTORS_MAX; without MSI-X they all are one line */
	const struct qrt_ivshmem_device_operations *operations; /* is copied */
	void *data;
};

/*
 * The caller's memory; members are the library's. Registers may be read and written by several threads
 * (vCPUs) at once, and interrupt() by another one: each access is one atomic step, as with a card. set_line
 * is called by one thread at a time, and its last call is what is so; a thread that comes meanwhile does not
 * wait, the other one calls again for it.
 */
struct qrt_ivshmem_device {
	struct qrt_ivshmem_device_operations operations;
	void *data;
	uint32_t flags, vectors;
	uint32_t mask, status;
	int32_t position;
	uint32_t is_msix_on;
	uint32_t comers, reserved_too;
	uint64_t reserved[3];
};

/* -EINVAL, -E2BIG. [setup] */
QRT_SHMEM_API int qrt_ivshmem_device_init(struct qrt_ivshmem_device *device,
					  const struct qrt_ivshmem_device_config *config);
/* As the bus' reset leaves it: mask and status 0, the line low, MSI-X off. The id stays. [rt] */
QRT_SHMEM_API void qrt_ivshmem_device_reset(struct qrt_ivshmem_device *device);
/* The id that the server gave; -1: none yet, which is what the guest reads. [rt] */
QRT_SHMEM_API void qrt_ivshmem_device_set_position(struct qrt_ivshmem_device *device, int32_t id);
/* Whether the guest has MSI-X switched on: as long as it has not, a device with QRT_IVSHMEM_DEVICE_MSIX
 * leaves vectors out; one without has nothing but its line. [rt] */
QRT_SHMEM_API void qrt_ivshmem_device_set_msix(struct qrt_ivshmem_device *device, int is_on);
/* An access of the guest to BAR 0, of 1, 2, 4 or 8 bytes; only aligned ones of 4 mean something, as in QEMU:
 * others read as 0 and write nothing. Reading the status clears it and lowers the line. [rt] */
QRT_SHMEM_API uint64_t qrt_ivshmem_device_read(struct qrt_ivshmem_device *device, uint64_t offset,
					       uint32_t bytes);
QRT_SHMEM_API void qrt_ivshmem_device_write(struct qrt_ivshmem_device *device, uint64_t offset,
					    uint64_t value, uint32_t bytes);
/* A peer rang this vector; one that the device does not have is left out. [rt] */
QRT_SHMEM_API void qrt_ivshmem_device_interrupt(struct qrt_ivshmem_device *device, uint32_t vector);

#ifdef __cplusplus
}
#endif

#endif /* QRT_IVSHMEM_H */
