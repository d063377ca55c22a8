/* SPDX-License-Identifier: MIT */
#include "unix_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_US 20000

/* Where the row of waiting clients is full the kernel lets nobody wait for a place in it. */
static int connect_until(int fd, const struct sockaddr_un *address, gint64 deadline)
{
	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (g_get_monotonic_time() >= deadline)
			return -ETIMEDOUT;
		g_usleep(RETRY_US);
	}
	return 0;
}

int unix_client_connect(const char *path, gint64 deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect_until(fd, &address, deadline);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}
