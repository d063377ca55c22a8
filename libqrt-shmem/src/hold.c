/* SPDX-License-Identifier: MIT */
/* A server's side of a holder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "error_p.h"
#include "hold_p.h"

#define TAKE_OVER_MS 5000 /* for the holder's word */

int qrt_shmem_p_hold_add_kept(struct qrt_ivshmem_hold *hold, const char *name, int fd)
{
	struct qrt_ivshmem_kept *more;
	char *own = strdup(name);

	/* Twice as many each time that their number is a power of two. */
	if (own && !(hold->kept_count & (hold->kept_count - 1))) {
		more = realloc(hold->kept, sizeof(*more) * (hold->kept_count ? hold->kept_count * 2ul : 1ul));
		if (more)
			hold->kept = more;
		else {
			free(own);
			own = NULL;
		}
	}
	if (!own)
		return -ENOMEM;
	hold->kept[hold->kept_count].name = own;
	hold->kept[hold->kept_count++].fd = fd;
	return 0;
}

/* ---- the store ---- */

/* A holder that is gone holds nothing, which is no reason to turn clients away; check() says it. */
static int tell(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd)
{
	int rc = hold->is_gone ? 0 : qrt_shmem_p_hold_say(hold, verb, name, fd);

	return rc == -EPIPE || rc == -ECONNRESET || rc == -ENOTCONN ? 0 : rc;
}

static int await_word(int socket)
{
	struct pollfd answer = {.fd = socket, .events = POLLIN};
	int rc;

	do {
		rc = poll(&answer, 1, TAKE_OVER_MS);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* One that was given everything takes it over by this; the holder may have turned to the server before by
 * then, or have ended. */
static int take_over(struct qrt_ivshmem_hold *hold, int record)
{
	struct qrt_shmem_p_note note = {.fd = -1};
	int rc = qrt_shmem_p_note_send(hold->socket, 'P', QRT_SHMEM_P_HOLD_RECORD, record, 0);

	if (rc < 0)
		return -ESTALE;
	if (await_word(hold->socket))
		rc = qrt_shmem_p_note_receive(hold->socket, &note, MSG_DONTWAIT);
	if (note.fd >= 0)
		close(note.fd);
	if (rc <= 0 || note.verb != 'Y')
		return -ESTALE;
	hold->is_heir = 0;
	return 0;
}

static int put(void *data, const char *name, int fd)
{
	struct qrt_ivshmem_hold *hold = data;

	if (hold->is_heir && strcmp(name, QRT_SHMEM_P_HOLD_RECORD) == 0)
		return take_over(hold, fd);
	return tell(hold, 'P', name, fd);
}

static int drop(void *data, const char *name)
{
	return tell(data, 'D', name, -1);
}

/* ---- beginning ---- */

static void set_timeouts(int socket, uint32_t timeout_ms)
{
	struct timeval time = {.tv_sec = timeout_ms / 1000,
			       .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};

	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static int connect_to(const char *path, uint32_t timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_timeouts(fd, timeout_ms);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
		return fd;
	rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
	close(fd);
	return rc;
}

static int take_all(struct qrt_ivshmem_hold *hold)
{
	struct qrt_shmem_p_note note;
	int rc = qrt_shmem_p_note_send(hold->socket, 'T', "", -1, 0);

	while (rc >= 0) {
		rc = qrt_shmem_p_note_receive(hold->socket, &note, 0);
		if (!rc)
			return -EPIPE;
		if (rc < 0)
			break;
		if (note.verb == '.' && note.fd < 0) {
			hold->is_heir = strcmp(note.name, QRT_SHMEM_P_HOLD_SAYS_YES) == 0;
			return 0;
		}
		rc = note.verb == 'K' && note.fd >= 0 ? qrt_shmem_p_hold_add_kept(hold, note.name, note.fd)
						      : -EPROTO;
		if (rc < 0 && note.fd >= 0)
			close(note.fd);
	}
	if (rc == -ECONNRESET || rc == -ENOTCONN)
		rc = -EPIPE; /* it ends, and had not heard this one yet */
	return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

/* Who listens there gets all descriptors: in a folder that others may write to it could be anybody. */
static int check_user(const struct qrt_ivshmem_hold *hold)
{
	struct ucred who = {.pid = 0};
	socklen_t length = sizeof(who);

	if (getsockopt(hold->socket, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0)
		return -errno;
	return who.uid == 0 || who.uid == geteuid() ? 0 : -EPERM;
}

int qrt_ivshmem_hold_open(const char *path, uint32_t timeout_ms, struct qrt_ivshmem_hold **ret_hold,
			  struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_hold *hold = calloc(1, sizeof(*hold));
	int rc;

	if (!hold)
		return qrt_shmem_p_error(reterr, -ENOMEM, "out of memory");
	hold->store = (struct qrt_ivshmem_store){.put = put, .drop = drop, .data = hold};
	hold->epoll = hold->timer = -1;
	hold->socket = connect_to(path, timeout_ms);
	rc = hold->socket < 0 ? hold->socket : check_user(hold);
	if (rc >= 0)
		rc = qrt_shmem_p_hold_begin(hold);
	if (rc >= 0)
		rc = take_all(hold);
	if (rc < 0) {
		qrt_ivshmem_hold_close(hold);
		return qrt_shmem_p_error(reterr, rc, "%s: no holder: %s", path,
					 rc == -EPERM ? "another user's process listens there"
						      : strerror(-rc));
	}
	*ret_hold = hold;
	return 0;
}

struct qrt_ivshmem_hold *qrt_ivshmem_hold_close(struct qrt_ivshmem_hold *hold)
{
	uint32_t i;

	if (!hold)
		return NULL;
	for (i = 0; i < hold->kept_count; i++) {
		if (!hold->is_taken)
			close(hold->kept[i].fd);
		free((char *)(uintptr_t)hold->kept[i].name);
	}
	for (i = 0; i < hold->activated_count; i++)
		close(hold->activated[i]);
	if (hold->later)
		qrt_shmem_p_hold_say_later(hold); /* the last chance */
	qrt_shmem_p_hold_forget_later(hold);
	if (hold->socket >= 0)
		close(hold->socket);
	if (hold->timer >= 0)
		close(hold->timer);
	if (hold->epoll >= 0)
		close(hold->epoll);
	free(hold->kept);
	free(hold->activated);
	free(hold);
	return NULL;
}

int qrt_ivshmem_hold_end(struct qrt_ivshmem_hold *hold)
{
	return hold->is_systemd ? 0 : tell(hold, 'E', "", -1);
}

int qrt_ivshmem_hold_set_alone(struct qrt_ivshmem_hold *hold, uint32_t alone_ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", alone_ms);
	return hold->is_systemd ? 0 : tell(hold, 'W', text, -1);
}

int qrt_ivshmem_hold_notify(struct qrt_ivshmem_hold *hold, const char *text)
{
	return hold->is_systemd ? qrt_shmem_p_hold_notify(hold, text, -1, 0) : 0;
}

/* ---- what there is ---- */

/* Once: the descriptors are not this handle's any more, the names are. */
const struct qrt_ivshmem_kept *qrt_ivshmem_hold_take_kept(struct qrt_ivshmem_hold *hold, uint32_t *ret_count)
{
	*ret_count = hold->is_taken ? 0 : hold->kept_count;
	hold->is_taken = 1;
	return hold->kept;
}

const struct qrt_ivshmem_store *qrt_ivshmem_hold_get_store(const struct qrt_ivshmem_hold *hold)
{
	return &hold->store;
}

int qrt_ivshmem_hold_get_activated(const struct qrt_ivshmem_hold *hold, int *ret_fds, size_t max)
{
	uint32_t i;

	for (i = 0; i < hold->activated_count && i < max; i++)
		ret_fds[i] = hold->activated[i];
	return (int)hold->activated_count;
}

int qrt_ivshmem_hold_get_fd(const struct qrt_ivshmem_hold *hold)
{
	return hold->epoll;
}

/* The descriptor stays one and the same, and nothing comes of it any more. */
static void lose_holder(struct qrt_ivshmem_hold *hold)
{
	hold->is_gone = 1;
	qrt_shmem_p_hold_forget_later(hold);
	qrt_shmem_p_hold_say_later(hold); /* the timer is off */
	close(hold->socket);
	hold->socket = -1;
}

/* 1: there may be more to hear. */
static int hear(struct qrt_ivshmem_hold *hold)
{
	struct qrt_shmem_p_note note;
	int rc = qrt_shmem_p_note_receive(hold->socket, &note, MSG_DONTWAIT);

	if (rc == -EAGAIN)
		return hold->is_still ? -EINPROGRESS : 0;
	if (rc <= 0) {
		hold->is_still = 0;
		lose_holder(hold);
		return -EPIPE;
	}
	if (note.fd >= 0)
		close(note.fd);
	if (note.verb == 'G')
		return -ESTALE;
	if (note.verb == 'R' || note.verb == 'C')
		hold->is_still = note.verb == 'R';
	if (note.verb == 'R')
		tell(hold, 'S', "", -1);
	return 1;
}

int qrt_ivshmem_hold_check(struct qrt_ivshmem_hold *hold)
{
	int rc = 1;

	if (hold->is_gone)
		return -EPIPE;
	qrt_shmem_p_hold_say_later(hold);
	if (hold->is_systemd)
		return 0;
	while (rc > 0)
		rc = hear(hold);
	return rc;
}
