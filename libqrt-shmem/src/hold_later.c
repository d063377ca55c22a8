/* SPDX-License-Identifier: MIT */
/*
 * A holder that stands still holds nobody up: what it does not take now it is told later, in the same order.
 * Of each descriptor there is one note at most, so that their number is bounded by what there is to hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hold_p.h"

#define AGAIN_NS 100000000l

/* Not the socket's fault but a matter of time: it is full, or too many descriptors are on their way. */
static int is_for_later(int rc)
{
	return rc == -EAGAIN || rc == -ETOOMANYREFS || rc == -ENOBUFS || rc == -ENOMEM || rc == -EINTR;
}

static int say_now(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd)
{
	return hold->is_systemd ? qrt_shmem_p_hold_send_systemd(hold, verb, name, fd)
				: qrt_shmem_p_note_send(hold->socket, verb, name, fd, MSG_DONTWAIT);
}

static void set_timer(const struct qrt_ivshmem_hold *hold, int is_on)
{
	struct itimerspec times = {.it_value = {.tv_nsec = is_on ? AGAIN_NS : 0}};

	timerfd_settime(hold->timer, 0, &times, NULL);
}

static void drop_first(struct qrt_ivshmem_hold *hold)
{
	struct qrt_shmem_p_later *later = hold->later;

	hold->later = later->next;
	if (!hold->later)
		hold->later_end = &hold->later;
	if (later->fd >= 0)
		close(later->fd);
	free(later);
}

void qrt_shmem_p_hold_forget_later(struct qrt_ivshmem_hold *hold)
{
	while (hold->later)
		drop_first(hold);
}

void qrt_shmem_p_hold_say_later(struct qrt_ivshmem_hold *hold)
{
	uint64_t expirations;
	ssize_t got = read(hold->timer, &expirations, sizeof(expirations));
	int rc = 0;

	(void)got;
	while (hold->later) {
		rc = say_now(hold, hold->later->verb, hold->later->name, hold->later->fd);
		if (is_for_later(rc))
			break;
		drop_first(hold);
	}
	set_timer(hold, hold->later != NULL);
}

/* One that was to be held, and is not to be any more: neither has to be said. 1: that is all. */
static int cancel(struct qrt_ivshmem_hold *hold, const char *name)
{
	struct qrt_shmem_p_later **at, *later;

	for (at = &hold->later; (later = *at); at = &later->next) {
		if (later->verb != 'P' || strcmp(later->name, name) != 0)
			continue;
		*at = later->next;
		if (!later->next)
			hold->later_end = at;
		close(later->fd);
		free(later);
		return 1;
	}
	return 0;
}

static int add(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd)
{
	struct qrt_shmem_p_later *later = calloc(1, sizeof(*later));

	if (!later)
		return -ENOMEM;
	later->verb = verb;
	later->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && later->fd < 0) {
		free(later);
		return -errno;
	}
	memcpy(later->name, name, strnlen(name, QRT_SHMEM_P_HOLD_NAME_MAX));
	if (!hold->later)
		set_timer(hold, 1);
	*hold->later_end = later;
	hold->later_end = &later->next;
	return 0;
}

int qrt_shmem_p_hold_say(struct qrt_ivshmem_hold *hold, char verb, const char *name, int fd)
{
	int rc = -EAGAIN;

	if (verb == 'D' && cancel(hold, name))
		return 0;
	if (!hold->later)
		rc = say_now(hold, verb, name, fd);
	return is_for_later(rc) ? add(hold, verb, name, fd) : rc;
}

static int watch(const struct qrt_ivshmem_hold *hold, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(hold->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int qrt_shmem_p_hold_begin(struct qrt_ivshmem_hold *hold)
{
	int rc;

	hold->later_end = &hold->later;
	hold->epoll = epoll_create1(EPOLL_CLOEXEC);
	hold->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (hold->epoll < 0 || hold->timer < 0)
		return -errno;
	rc = watch(hold, hold->timer);
	return rc < 0 || hold->is_systemd ? rc : watch(hold, hold->socket);
}
