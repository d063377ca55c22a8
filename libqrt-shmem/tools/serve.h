/* SPDX-License-Identifier: MIT */
/* The parts of `serve`. */
#ifndef QRT_SHMEM_SERVE_H
#define QRT_SHMEM_SERVE_H

#include <qrt/ivshmem.h>
#include <qrt/ivshmem_hold.h>
#include <qrt/shmem_layout.h>

#include "tool.h"

/* ---- sockets (serve_socket.c) ---- */

struct serve_socket {
	char *path, *name;
	guint32 flags, vectors, id, mode, owner, group; /* as in struct qrt_ivshmem_listen_config */
	GArray *uids, *gids;                            /* guint32 */
	int fd;                                         /* the service manager's; -1: it is to be made */
};

/* "SOCKET[,KEY=VALUE...]". NULL: it was said what is wrong. */
struct serve_socket *serve_socket_parse(const char *argument);
struct serve_socket *serve_socket_new(const char *path);
void serve_socket_free(struct serve_socket *serve_socket);
/* Those that are sockets of one server: EXIT_OK, or EXIT_USAGE, which was said. */
int serve_socket_check_all(const GPtrArray *sockets, guint32 ids);
/* Negative: it was said why not. */
int serve_socket_listen(const struct serve_socket *serve_socket, struct qrt_ivshmem_server *server);

/* ---- memory (serve_memory.c) ---- */

struct serve_memory_plan {
	guint64 size;
	gboolean has_size;
	char *file;
	gboolean is_huge, is_locked, is_populated;
	guint32 page_shift; /* 0: the kernel's default */
	guint64 nodes;
	gboolean has_layout, is_new_layout; /* is_new: one that lies in a file is made anew */
	guint64 peers, values, ring_bytes;
};

struct serve_memory {
	struct qrt_shmem_memory *memory;
	struct qrt_shmem_view view;
	gboolean has_view; /* of a layout */
};

/* What can be said without making it. EXIT_OK, EXIT_USAGE. */
int serve_memory_check(const struct serve_memory_plan *plan);
/* A new one, or what a server before had, with its descriptor and that of its shape, -1: none. Negative: it
 * was said why not. */
int serve_memory_make(const struct serve_memory_plan *plan, struct serve_memory *memory);
int serve_memory_take(const struct serve_memory_plan *plan, int fd, int shape_fd,
		      struct serve_memory *memory);
void serve_memory_close(struct serve_memory *memory);

/* ---- the layout in it (serve_layout.c) ---- */

/* The one that is asked for: a new one, or that of a file. Negative: it was said why not. */
int serve_layout_have(const struct serve_memory_plan *plan, struct serve_memory *memory);
/* What the memory says. As qrt_shmem_attach(). */
int serve_layout_attach(struct serve_memory *memory);
gboolean serve_layout_is(const struct serve_memory_plan *plan, const struct serve_memory *memory);
/* Its sizes, in words. The caller's. */
char *serve_layout_describe(const struct serve_memory *memory);

/* ---- all that was asked for (serve_option.c) ---- */

struct serve_options {
	GPtrArray *sockets; /* struct serve_socket */
	struct serve_memory_plan memory;
	guint64 peers, vectors_max; /* 0: the library's default */
	double stall_s, hold_s;
	gboolean is_lowest_ids, is_kept;
	char *events; /* NULL: nobody wants to know */
	int ready_fd; /* -1: none */
};

/* EXIT_OK, OPTION_HELP, EXIT_USAGE. */
int serve_option_parse(char **argv, struct serve_options *options);
void serve_option_clear(struct serve_options *options);

/* ---- what outlives a server (serve_keep.c, serve_holder.c) ---- */

enum serve_keep_kind {
	SERVE_KEEP_NONE,
	SERVE_KEEP_HOLDER,
	SERVE_KEEP_SYSTEMD,
};

struct serve_keep {
	enum serve_keep_kind kind;
	struct qrt_ivshmem_hold *hold; /* NULL: there is none */
	char *path;                    /* of a holder */
	const struct qrt_ivshmem_kept *kept;
	guint32 kept_count;
	struct qrt_ivshmem_kept *own; /* `kept`, without the shape */
	int shape_fd;                 /* of the server before; -1: there is none */
};

/* Negative: it was said why not. Sockets that the service manager made are given their descriptors, and those
 * that no argument names are added. */
int serve_keep_open(struct serve_keep *keep, struct serve_options *options);
/* The memory of the server before; -1: there was none. It stays the list's. */
int serve_keep_find_memory(const struct serve_keep *keep);
/* For good: the holder ends as well. */
void serve_keep_close(struct serve_keep *keep, gboolean is_for_good);

/* A process that holds, and listens at `path`. The sockets of those paths are removed when it ends by itself.
 * 0, or negative errno; -EADDRINUSE: another one is there. */
int serve_holder_start(const char *path, guint32 alone_ms, const GPtrArray *sockets);

/* ---- what the memory is like, kept (serve_shape.c) ---- */

/* Keeps it, where anything is kept; one that was there is replaced. Negative: it was said why not. */
int serve_shape_keep(const struct serve_keep *keep, const struct serve_memory *memory);
void serve_shape_drop(const struct serve_keep *keep);
/* Out of what was kept. */
void serve_shape_take(struct serve_keep *keep);
/* The memory is as long as it was. Negative: it was said why not. */
int serve_shape_restore_length(int shape_fd, int fd);
/* The view of the layout, if there was one. Negative errno. */
int serve_shape_attach(int shape_fd, struct serve_memory *memory);
/* Of a memory with a layout: length and header are what they were. FALSE: it is shorter, and stays so. */
gboolean serve_shape_mend(const struct serve_memory *memory);

/* ---- events (serve_events.c) ---- */

/* A file, which is appended to, or "-". NULL: it was said why not. */
struct serve_events *serve_events_open(const char *path);
void serve_events_close(struct serve_events *events);
/* `name`: the client's. `where`: the socket's path, NULL where it is not known. */
void serve_events_tell(struct serve_events *events, const struct qrt_ivshmem_event *event, const char *name,
		       const char *where);

/* ---- all of it (cmd_serve.c, serve_run.c) ---- */

struct serve {
	struct serve_options options;
	struct serve_memory memory;
	struct serve_keep keep;
	struct qrt_ivshmem_server *server;
	struct serve_events *events;
	struct serve_control *control;
	GHashTable *names; /* id -> name: of those that left, too, until somebody else has the id */
	gboolean is_no_id_said;
};

/* Takes over what there was, and serves until it is over. The exit code; negative: it did not take over,
 * which was said; -ESTALE: its turn was over, of which nothing was said. */
int serve_run(struct serve *serve);

/* ---- what the server says (serve_hear.c) ---- */

const char *serve_first_path(const struct serve *serve);
/* One that left is in no list any more, but its event wants a name. */
void serve_learn_names(struct serve *serve);
/* Of a server before: which of its clients are not what is asked for now. */
void serve_say_kept(const struct serve *serve);
void serve_hear(struct serve *serve, const struct qrt_ivshmem_event *events, int count);

/* ---- the control socket (serve_control.c, serve_report.c) ---- */

/* Beside the path of one before, so that this one stays as long as it is needed. NULL: it was said why not.
 */
struct serve_control *serve_control_open(const struct serve *serve);
/* In the place of one before. */
void serve_control_publish(struct serve_control *control);
void serve_control_close(struct serve_control *control);
/* The same; a socket that was published stays for the next server. */
void serve_control_leave(struct serve_control *control);

/* All that there is to know, one JSON object and a newline. The caller's. */
char *serve_report_make(const struct serve *serve);

#endif
