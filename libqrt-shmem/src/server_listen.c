/* SPDX-License-Identifier: MIT */
/* Sockets to which clients connect. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error_p.h"
#include "server_p.h"

static void unmake(struct qrt_ivshmem_server *server, const char *path)
{
	char name[65];

	qrt_shmem_p_name_listener(name, sizeof(name), path);
	qrt_shmem_p_unkeep(server, name);
	unlink(path);
}

static int make_and_keep(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
			 const char *name, struct qrt_shmem_error *reterr)
{
	int fd = qrt_shmem_p_make_socket(config, reterr), rc;

	if (fd < 0)
		return fd;
	rc = qrt_shmem_p_keep(server, name, fd);
	if (rc >= 0)
		return fd;
	unlink(config->path);
	close(fd);
	return qrt_shmem_p_error(reterr, rc, "the store does not take the socket: %s", strerror(-rc));
}

/* One that the server before had goes on, so that who waits there is not lost. */
static int have_path(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
		     struct qrt_shmem_p_listener *listener, struct qrt_shmem_error *reterr)
{
	char name[65];

	qrt_shmem_p_name_listener(name, sizeof(name), config->path);
	listener->fd = qrt_shmem_p_server_take_kept(server, name);
	if (listener->fd >= 0)
		return qrt_shmem_p_change_socket(listener, config, reterr);
	listener->fd = make_and_keep(server, config, name, reterr);
	listener->is_made = listener->fd >= 0;
	return listener->fd < 0 ? listener->fd : 0;
}

static int take_socket(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
		       struct qrt_shmem_p_listener *listener, struct qrt_shmem_error *reterr)
{
	if (config->path)
		return have_path(server, config, listener, reterr);
	if (config->fd == -1)
		return 0;
	listener->fd = qrt_shmem_p_dup_socket(config->fd, reterr);
	return listener->fd < 0 ? listener->fd : 0;
}

/* ---- what a socket is for ---- */

static uint32_t *copy_list(const uint32_t *list, uint32_t count)
{
	uint32_t *copy = malloc(sizeof(*copy) * (count + 1));

	if (copy && count)
		memcpy(copy, list, sizeof(*copy) * count);
	return copy;
}

static void free_listener(struct qrt_shmem_p_listener *listener)
{
	free(listener->uids);
	free(listener->gids);
	free(listener->path);
}

static int fill_listener(struct qrt_shmem_p_listener *listener, uint32_t number,
			 const struct qrt_ivshmem_listen_config *config)
{
	memset(listener, 0, sizeof(*listener));
	listener->fd = -1;
	listener->vectors = config->vectors ? config->vectors : 1;
	listener->flags = config->flags;
	listener->id = config->id;
	listener->number = number;
	listener->key = config->path ? qrt_shmem_p_key_of(config->path) : number + 1u;
	listener->uid_count = config->uid_count;
	listener->gid_count = config->gid_count;
	if (config->name)
		memcpy(listener->name, config->name, strlen(config->name));
	listener->uids = copy_list(config->uids, config->uid_count);
	listener->gids = copy_list(config->gids, config->gid_count);
	listener->path = config->path ? strdup(config->path) : NULL;
	if (listener->uids && listener->gids && (!config->path || listener->path))
		return 0;
	free_listener(listener);
	return -ENOMEM;
}

static int check_id(const struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
		    struct qrt_shmem_error *reterr)
{
	uint32_t i;

	if (!(config->flags & QRT_IVSHMEM_LISTEN_ID))
		return 0;
	if (config->id >= server->ids)
		return qrt_shmem_p_error(reterr, -EINVAL, "id %u: ids are 0 to %u here", config->id,
					 server->ids - 1);
	for (i = 0; i < server->listener_count; i++) {
		if ((server->listeners[i].flags & QRT_IVSHMEM_LISTEN_ID) &&
		    server->listeners[i].id == config->id)
			return qrt_shmem_p_error(reterr, -EBUSY, "id %u is another socket's", config->id);
	}
	return 0;
}

#define KNOWN_FLAGS (QRT_IVSHMEM_LISTEN_ID | QRT_IVSHMEM_LISTEN_OWNER | QRT_IVSHMEM_LISTEN_GROUP)

static int check(const struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
		 struct qrt_shmem_error *reterr)
{
	if (config->flags & ~KNOWN_FLAGS)
		return qrt_shmem_p_error(reterr, -EINVAL, "unknown flags of a socket");
	if (config->vectors > QRT_IVSHMEM_VECTORS_MAX)
		return qrt_shmem_p_error(reterr, -EINVAL, "%u vectors: a client has at most %u",
					 config->vectors, QRT_IVSHMEM_VECTORS_MAX);
	if ((config->uid_count && !config->uids) || (config->gid_count && !config->gids))
		return qrt_shmem_p_error(reterr, -EINVAL, "there is no list of so many users or groups");
	if (config->name && strlen(config->name) > QRT_IVSHMEM_NAME_MAX)
		return qrt_shmem_p_error(reterr, -ENAMETOOLONG, "a name has at most %u characters",
					 QRT_IVSHMEM_NAME_MAX);
	return check_id(server, config, reterr);
}

/* Room for one more, which counts once it is watched. */
static struct qrt_shmem_p_listener *reserve(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_listener *more = realloc(server->listeners,
						    sizeof(*more) * (server->listener_count + 1));

	if (!more)
		return NULL;
	server->listeners = more;
	return &more[server->listener_count];
}

static int add(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_listener *listener)
{
	struct epoll_event event = {.events = EPOLLIN,
				    .data.u64 = qrt_shmem_p_mark_of_listener(server->listener_count)};

	if (listener->fd >= 0 && epoll_ctl(server->epoll, EPOLL_CTL_ADD, listener->fd, &event) < 0)
		return -errno;
	return (int)server->listener_count++;
}

static int begin(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_listen_config *config,
		 struct qrt_shmem_p_listener *listener, struct qrt_shmem_error *reterr)
{
	int rc = take_socket(server, config, listener, reterr);

	if (rc >= 0) {
		rc = add(server, listener);
		if (rc >= 0)
			return rc;
		qrt_shmem_p_error(reterr, rc, "the socket cannot be watched: %s", strerror(-rc));
	}
	if (listener->is_made)
		unmake(server, config->path);
	qrt_shmem_p_change_back(listener);
	if (listener->fd >= 0)
		close(listener->fd);
	return rc;
}

int qrt_ivshmem_server_listen(struct qrt_ivshmem_server *server,
			      const struct qrt_ivshmem_listen_config *config, struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_listen_config own;
	struct qrt_shmem_p_listener *listener;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0)
		return qrt_shmem_p_error(reterr, rc, "a socket's config is of another version");
	rc = check(server, &own, reterr);
	if (rc < 0)
		return rc;
	listener = reserve(server);
	if (!listener || fill_listener(listener, server->listener_count, &own) < 0)
		return qrt_shmem_p_error(reterr, -ENOMEM, "out of memory");
	rc = begin(server, &own, listener, reterr);
	if (rc < 0)
		free_listener(listener);
	return rc;
}

/* Those of a server that never took over were for nobody. */
void qrt_shmem_p_server_end_listeners(struct qrt_ivshmem_server *server, int is_for_good)
{
	struct qrt_shmem_p_listener *listener;
	uint32_t i;

	for (i = 0; i < server->listener_count; i++) {
		listener = &server->listeners[i];
		if (listener->path &&
		    (is_for_good || (listener->is_made && server->has_before && !server->is_settled)))
			unmake(server, listener->path);
		if (server->has_before && !server->is_settled)
			qrt_shmem_p_change_back(listener);
		if (listener->fd >= 0)
			close(listener->fd);
		free_listener(listener);
	}
	free(server->listeners);
	server->listeners = NULL;
	server->listener_count = 0;
}
