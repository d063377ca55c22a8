/* SPDX-License-Identifier: MIT */
/* systemd's store of descriptors, by the protocols of sd_listen_fds(3) and sd_notify(3). */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "error_p.h"
#include "hold_p.h"

#define FIRST_FD 3
#define FDS_MAX  200000

/* ---- telling ---- */

int qrt_shmem_p_hold_notify(struct qrt_ivshmem_hold *hold, const char *text, int fd, int flags)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr message = {.msg_name = &address, .msg_iov = &iov, .msg_iovlen = 1};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;

	memcpy(address.sun_path, hold->address, hold->address_length);
	message.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + hold->address_length);
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	return sendmsg(hold->socket, &message, MSG_NOSIGNAL | flags) < 0 ? -errno : 0;
}

/* FDPOLL=0: a client that hangs up is the server's to notice, not systemd's. */
int qrt_shmem_p_hold_send_systemd(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd)
{
	char text[128];

	snprintf(text, sizeof(text),
		 verb == 'P' ? "FDSTORE=1\nFDPOLL=0\nFDNAME=%s" : "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return qrt_shmem_p_hold_notify(hold, text, fd, MSG_DONTWAIT);
}

static int put(void *data, const char *name, int fd)
{
	return qrt_shmem_p_hold_say(data, 'P', name, fd);
}

static int drop(void *data, const char *name)
{
	return qrt_shmem_p_hold_say(data, 'D', name, -1);
}

/* "/path", or "@name": one without a file. */
static int take_address(struct qrt_ivshmem_hold *hold)
{
	const char *text = getenv("NOTIFY_SOCKET");

	if (!text || (text[0] != '/' && text[0] != '@') || strlen(text) > sizeof(hold->address))
		return -ENOENT;
	hold->address_length = (uint32_t)strlen(text);
	memcpy(hold->address, text, hold->address_length);
	if (text[0] == '@')
		hold->address[0] = 0;
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

/* ---- what came ---- */

static long number_of(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long number;

	if (!text || !*text)
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno || *end ? -1 : number;
}

/* A socket that systemd listens on for us: what the store gives back is never one but for our own, whose
 * names begin with "l.". */
static int is_activated(int fd, const char *name)
{
	socklen_t length = sizeof(int);
	int is_listening = 0;

	return strncmp(name, "l.", 2) &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) >= 0 && is_listening;
}

static int take_fd(struct qrt_ivshmem_hold *hold, int fd, const char *name)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!is_activated(fd, name))
		return qrt_shmem_p_hold_add_kept(hold, name, fd);
	hold->activated[hold->activated_count++] = fd;
	return 0;
}

static int take_fds(struct qrt_ivshmem_hold *hold, char *names, long count)
{
	char *name, *rest = names;
	long i;
	int rc = 0;

	hold->activated = calloc((size_t)count + 1, sizeof(*hold->activated));
	if (!hold->activated)
		return -ENOMEM;
	for (i = 0; i < count && rc >= 0; i++) {
		name = strsep(&rest, ":");
		rc = take_fd(hold, FIRST_FD + (int)i, name ? name : "unknown");
	}
	return rc;
}

static int take_environment(struct qrt_ivshmem_hold *hold)
{
	const char *names = getenv("LISTEN_FDNAMES");
	char *own = strdup(names ? names : "");
	long count = number_of("LISTEN_FDS");
	int rc = own ? 0 : -ENOMEM;

	if (number_of("LISTEN_PID") == getpid() && count > 0 && count <= FDS_MAX && own)
		rc = take_fds(hold, own, count);
	free(own);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return rc;
}

int qrt_ivshmem_hold_open_systemd(struct qrt_ivshmem_hold **ret_hold, struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_hold *hold = calloc(1, sizeof(*hold));
	int rc;

	if (!hold)
		return qrt_shmem_p_error(reterr, -ENOMEM, "out of memory");
	hold->is_systemd = 1;
	hold->epoll = hold->timer = -1;
	hold->store = (struct qrt_ivshmem_store){.put = put, .drop = drop, .data = hold};
	hold->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = hold->socket < 0 ? -errno : take_address(hold);
	if (rc >= 0)
		rc = qrt_shmem_p_hold_begin(hold);
	if (rc >= 0)
		rc = take_environment(hold);
	if (rc < 0) {
		qrt_ivshmem_hold_close(hold);
		return qrt_shmem_p_error(reterr, rc, "this is no service of systemd's that may notify it");
	}
	*ret_hold = hold;
	return 0;
}
