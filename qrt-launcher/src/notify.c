/* SPDX-License-Identifier: MIT */
/* The protocol of sd_notify(3), by hand: one datagram, to a path or a name without one. */
#include "heartbeat.h"

#include <glib.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
	int fd;
	struct sockaddr_un address;
	socklen_t len;
	uint64_t interval_ns; /* of WATCHDOG=1, 0: not asked for */
	uint64_t last_ns;
};

/* WATCHDOG_PID names the process that is meant, where it is there. */
static uint64_t read_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000 / 2;
}

struct notify *notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	struct notify *notify;

	if (len < 2 || (path[0] != '/' && path[0] != '@') || len >= sizeof(notify->address.sun_path))
		return NULL;
	notify = g_new0(struct notify, 1);
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, path, len);
	if (path[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	notify->interval_ns = read_interval();
	if (notify->fd >= 0)
		return notify;
	g_free(notify);
	return NULL;
}

struct notify *notify_close(struct notify *notify)
{
	if (notify)
		close(notify->fd);
	g_free(notify);
	return NULL;
}

void notify_send(struct notify *notify, const char *text)
{
	if (notify)
		(void)sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (const struct sockaddr *)&notify->address, notify->len);
}

void notify_beat(struct notify *notify, uint64_t now_ns)
{
	if (!notify || notify->interval_ns == 0 ||
	    (notify->last_ns && now_ns - notify->last_ns < notify->interval_ns))
		return;
	notify->last_ns = now_ns;
	notify_send(notify, "WATCHDOG=1");
}
