/* SPDX-License-Identifier: MIT */
/* How others in the guest tell the agent that runs what the guest is at: a datagram of one word. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"

#define SAY_S 1

static int fill(const char *path, struct sockaddr_un *ret_address)
{
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -1;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	strcpy(ret_address->sun_path, path);
	return 0;
}

static int is_answered(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	rc = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) >= 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

int control_listen(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (fill(path, &address) < 0) {
		complain("%s is too long for a socket", path);
		return -1;
	}
	if (is_answered(&address)) {
		complain("another agent runs: it listens at %s", path);
		return -1;
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	umask(077);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
		return fd;
	complain("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int control_take(int fd)
{
	char word[32];
	ssize_t got = recv(fd, word, sizeof(word) - 1, 0);
	int state;

	if (got < 0)
		return -EAGAIN;
	word[got] = 0;
	state = state_parse(word);
	return state < 0 ? -EAGAIN : state;
}

int control_say(const char *path, uint32_t state)
{
	const struct timeval patience = {.tv_sec = SAY_S};
	const char *word = state_name(state);
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0 || fill(path, &address) < 0)
		return -EINVAL;
	/* One that stands still, and whose queue is full, holds up no shutdown. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	rc = sendto(fd, word, strlen(word), 0, (struct sockaddr *)&address, sizeof(address)) < 0 ? -ENOENT
												 : 0;
	close(fd);
	return rc;
}
