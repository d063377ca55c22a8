/* SPDX-License-Identifier: MIT */
#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG  16
#define PAUSE_US 50000

static int fill(const char *path, struct sockaddr_un *ret_address)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	strcpy(ret_address->sun_path, path);
	return 0;
}

static int close_after(int fd, int rc)
{
	close(fd);
	return rc;
}

int unix_socket_connect(const char *path, int type)
{
	struct sockaddr_un address;
	int rc = fill(path, &address), fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? close_after(fd, -errno)
										   : fd;
}

static gboolean is_socket(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static gboolean is_refused(const char *path, int type)
{
	int fd = is_socket(path) ? unix_socket_connect(path, type | SOCK_NONBLOCK) : -ENOENT;

	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

/* Twice: one that is just being made does not listen yet. */
static gboolean is_left(const char *path, int type)
{
	if (!is_refused(path, type))
		return FALSE;
	g_usleep(PAUSE_US);
	return is_refused(path, type);
}

void unix_socket_remove_left(const GPtrArray *paths, int type)
{
	g_autoptr(GPtrArray) refused = g_ptr_array_new();
	guint i;

	for (i = 0; i < paths->len; i++) {
		if (is_refused(paths->pdata[i], type))
			g_ptr_array_add(refused, paths->pdata[i]);
	}
	if (refused->len)
		g_usleep(PAUSE_US);
	for (i = 0; i < refused->len; i++) {
		if (is_refused(refused->pdata[i], type))
			unlink(refused->pdata[i]);
	}
}

void unix_socket_remove(const char *path)
{
	if (is_socket(path))
		unlink(path);
}

static int bind_to(int fd, const struct sockaddr_un *address, int type)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_left(address->sun_path, type))
		return -EADDRINUSE;
	unlink(address->sun_path);
	return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
}

/* Who connects before listen() is refused, so that nobody does with other permissions. */
int unix_socket_listen(const char *path, int type)
{
	struct sockaddr_un address;
	int rc = fill(path, &address), fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = bind_to(fd, &address, type);
	if (rc < 0)
		return close_after(fd, rc);
	if (chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	unlink(path);
	return close_after(fd, rc);
}
