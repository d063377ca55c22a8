/* SPDX-License-Identifier: MIT */
/* Sockets in the file system. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "error_p.h"
#include "server_p.h"

#define BACKLOG 128

static int fill_address(const char *path, struct sockaddr_un *ret_address)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	strcpy(ret_address->sun_path, path);
	return 0;
}

/* What lies there is a socket that nobody listens to any more. */
static int is_left_behind(const struct sockaddr_un *address)
{
	struct stat status;
	int probe, rc;

	if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return 0;
	/* Of another type: who listens there is found, and not bothered. */
	probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return 0;
	rc = connect(probe, (const struct sockaddr *)address, sizeof(*address));
	rc = rc < 0 && errno == ECONNREFUSED;
	close(probe);
	return rc;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) >= 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_left_behind(address))
		return -EADDRINUSE;
	unlink(address->sun_path);
	return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
}

/* Permissions before anybody can connect: who does before listen() is refused. */
static int open_to(const char *path, const struct qrt_ivshmem_listen_config *config)
{
	uid_t owner = config->flags & QRT_IVSHMEM_LISTEN_OWNER ? config->owner : (uid_t)-1;
	gid_t group = config->flags & QRT_IVSHMEM_LISTEN_GROUP ? config->group : (gid_t)-1;

	if (chmod(path, config->mode ? config->mode & 0777 : 0600) < 0)
		return -errno;
	return lchown(path, owner, group) < 0 ? -errno : 0;
}

int qrt_shmem_p_make_socket(const struct qrt_ivshmem_listen_config *config, struct qrt_shmem_error *reterr)
{
	struct sockaddr_un address;
	int rc = fill_address(config->path, &address), fd;

	if (rc < 0)
		return qrt_shmem_p_error(reterr, rc, "%s: a socket's path has at most %zu characters",
					 config->path, sizeof(address.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return qrt_shmem_p_error(reterr, -errno, "no socket: %s", strerror(errno));
	rc = bind_to(fd, &address);
	if (rc < 0) {
		close(fd);
		return qrt_shmem_p_error(reterr, rc, "%s: %s", config->path,
					 rc == -EADDRINUSE
						 ? "something is there already: another server, or a file"
						 : strerror(-rc));
	}
	rc = open_to(config->path, config);
	if (rc >= 0 && listen(fd, BACKLOG) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(config->path);
		close(fd);
		return qrt_shmem_p_error(reterr, rc, "%s: owner or permissions: %s", config->path,
					 strerror(-rc));
	}
	return fd;
}

int qrt_shmem_p_dup_socket(int fd, struct qrt_shmem_error *reterr)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return qrt_shmem_p_error(reterr, -errno, "no listening socket: %s", strerror(errno));
	fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
	return own;
}

int qrt_shmem_p_change_socket(struct qrt_shmem_p_listener *listener,
			      const struct qrt_ivshmem_listen_config *config, struct qrt_shmem_error *reterr)
{
	struct stat status;
	int rc;

	if (lstat(config->path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return qrt_shmem_p_error(reterr, -ENOTSOCK,
					 "%s: the socket of the server before is not there any more",
					 config->path);
	listener->is_changed = 1;
	listener->mode_before = status.st_mode & 0777;
	listener->owner_before = status.st_uid;
	listener->group_before = status.st_gid;
	rc = open_to(config->path, config);
	return rc < 0 ? qrt_shmem_p_error(reterr, rc, "%s: owner or permissions: %s", config->path,
					  strerror(-rc))
		      : 0;
}

void qrt_shmem_p_change_back(const struct qrt_shmem_p_listener *listener)
{
	const struct qrt_ivshmem_listen_config before = {
		.flags = QRT_IVSHMEM_LISTEN_OWNER | QRT_IVSHMEM_LISTEN_GROUP,
		.mode = listener->mode_before,
		.owner = listener->owner_before,
		.group = listener->group_before,
	};

	if (listener->is_changed)
		open_to(listener->path, &before);
}
