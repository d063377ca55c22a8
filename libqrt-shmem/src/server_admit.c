/* SPDX-License-Identifier: MIT */
/* What the caller does with clients by itself. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error_p.h"
#include "server_p.h"

static struct qrt_shmem_p_client *find(const struct qrt_ivshmem_server *server, uint32_t id)
{
	if (id >= QRT_IVSHMEM_IDS || !server->by_id[id] || qrt_shmem_p_server_find_absent(server, id))
		return NULL;
	return server->slots[server->by_id[id] - 1];
}

int qrt_ivshmem_server_add(struct qrt_ivshmem_server *server, uint32_t listener, int fd)
{
	int own, rc;

	if (listener >= server->listener_count)
		return -EINVAL;
	rc = qrt_shmem_p_server_settle(server);
	if (rc < 0)
		return rc;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : qrt_shmem_p_server_join(server, &server->listeners[listener], own);
}

int qrt_ivshmem_server_drop(struct qrt_ivshmem_server *server, uint32_t id)
{
	struct qrt_shmem_p_client *client;
	int rc = qrt_shmem_p_server_settle(server);

	if (rc < 0)
		return rc;
	client = find(server, id);
	if (!client)
		return -ENOENT;
	qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_DROPPED);
	return 0;
}

int qrt_ivshmem_server_renew(struct qrt_ivshmem_server *server, uint32_t id)
{
	int rc = qrt_shmem_p_server_settle(server);

	if (rc < 0)
		return rc;
	if (!find(server, id))
		return -ENOENT;
	qrt_shmem_p_server_begin_life(server, id, 1);
	return 0;
}

/* ---- clients without a socket ---- */

static int check(const struct qrt_ivshmem_server *server, const struct qrt_ivshmem_client_config *config,
		 struct qrt_shmem_error *reterr)
{
	uint32_t i;

	if (config->flags & ~(QRT_IVSHMEM_CLIENT_ID | QRT_IVSHMEM_CLIENT_PEER))
		return qrt_shmem_p_error(reterr, -EINVAL, "unknown flags of a client");
	if (config->vectors > QRT_IVSHMEM_VECTORS_MAX)
		return qrt_shmem_p_error(reterr, -EINVAL, "%u vectors: a client has at most %u",
					 config->vectors, QRT_IVSHMEM_VECTORS_MAX);
	if (config->name && strlen(config->name) > QRT_IVSHMEM_NAME_MAX)
		return qrt_shmem_p_error(reterr, -ENAMETOOLONG, "a name has at most %u characters",
					 QRT_IVSHMEM_NAME_MAX);
	if (!(config->flags & QRT_IVSHMEM_CLIENT_ID))
		return 0;
	if (config->id >= server->ids)
		return qrt_shmem_p_error(reterr, -EINVAL, "id %u: ids are 0 to %u here", config->id,
					 server->ids - 1);
	for (i = 0; i < server->listener_count; i++) {
		if ((server->listeners[i].flags & QRT_IVSHMEM_LISTEN_ID) &&
		    server->listeners[i].id == config->id)
			return qrt_shmem_p_error(reterr, -EBUSY, "id %u is a socket's", config->id);
	}
	return 0;
}

/* What a socket would be that has this client alone. */
static void fill(struct qrt_shmem_p_listener *listener, const struct qrt_ivshmem_client_config *config)
{
	memset(listener, 0, sizeof(*listener));
	listener->number = QRT_IVSHMEM_NO_LISTENER;
	listener->flags = config->flags & QRT_IVSHMEM_CLIENT_ID ? QRT_IVSHMEM_LISTEN_ID : 0;
	listener->id = config->id;
	listener->vectors = config->vectors ? config->vectors : 1;
	listener->is_peer = (config->flags & QRT_IVSHMEM_CLIENT_PEER) != 0;
	if (config->name)
		memcpy(listener->name, config->name, strlen(config->name));
}

static const char *why(int rc)
{
	switch (rc) {
	case -EBUSY:
		return "the id is in use";
	case -ENOSPC:
		return "no id, vector or slot is free";
	case -EADDRNOTAVAIL:
		return "the ids that are free wait until clients that know they left are gone";
	case -ESTALE:
		return "another server has taken over";
	default:
		return strerror(-rc);
	}
}

/* Takes the descriptor. */
static int join(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_client_config *config, int fd,
		struct qrt_shmem_error *reterr)
{
	struct qrt_shmem_p_listener listener;
	int rc;

	fill(&listener, config);
	rc = qrt_shmem_p_server_join(server, &listener, fd);
	return rc < 0 ? qrt_shmem_p_error(reterr, rc, "no client more: %s", why(rc)) : rc;
}

/* The server is one that has taken over, and the config is this version's, and sound. */
static int begin(struct qrt_ivshmem_server *server, struct qrt_ivshmem_client_config *own,
		 const struct qrt_ivshmem_client_config *config, struct qrt_shmem_error *reterr)
{
	int rc = qrt_p_struct_take(own, sizeof(*own), config);

	if (rc < 0)
		return qrt_shmem_p_error(reterr, rc, "a client's config is of another version");
	rc = check(server, own, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_shmem_p_server_settle(server);
	return rc < 0 ? qrt_shmem_p_error(reterr, rc, "no client more: %s", why(rc)) : 0;
}

static int is_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t length = sizeof(int), also = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) >= 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &also) >= 0 && domain == AF_UNIX &&
	       type == SOCK_STREAM;
}

int qrt_ivshmem_server_admit(struct qrt_ivshmem_server *server,
			     const struct qrt_ivshmem_client_config *config, struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_client_config own;
	int rc = begin(server, &own, config, reterr), fd;

	if (rc < 0)
		return rc;
	if (!is_stream(own.fd))
		return qrt_shmem_p_error(reterr, -ENOTSOCK, "a client's connection is a Unix stream socket");
	fd = fcntl(own.fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? qrt_shmem_p_error(reterr, -errno, "no client more: %s", strerror(errno))
		      : join(server, &own, fd, reterr);
}

int qrt_ivshmem_server_connect(struct qrt_ivshmem_server *server,
			       const struct qrt_ivshmem_client_config *config, int *ret_fd,
			       struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_client_config own;
	int rc = begin(server, &own, config, reterr), pair[2];

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return qrt_shmem_p_error(reterr, -errno, "no client more: %s", strerror(errno));
	rc = join(server, &own, pair[0], reterr);
	if (rc < 0)
		close(pair[1]);
	else
		*ret_fd = pair[1];
	return rc;
}
