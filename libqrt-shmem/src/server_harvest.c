/* SPDX-License-Identifier: MIT */
/* What a server does: it hears, and tells. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server_p.h"

#define BUDGET     4096u /* messages of one harvest */
#define EVENTS_MAX 64

uint64_t qrt_shmem_p_mark_of(const struct qrt_shmem_p_client *client)
{
	return QRT_SHMEM_P_MARK_CLIENT | (uint64_t)client->slot << 32 | client->entry->serial;
}

uint64_t qrt_shmem_p_mark_of_listener(uint32_t listener)
{
	return QRT_SHMEM_P_MARK_LISTENER | listener;
}

static size_t take_sayings(struct qrt_ivshmem_server *server, struct qrt_ivshmem_event *ret_events,
			   size_t max)
{
	struct qrt_shmem_p_saying *saying;
	size_t count = 0;

	while (count < max && (saying = server->sayings)) {
		ret_events[count++] = saying->event;
		server->sayings = saying->next;
		free(saying);
	}
	if (!server->sayings)
		server->sayings_end = &server->sayings;
	return count;
}

static void watch_client(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, int also_room)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (also_room ? (uint32_t)EPOLLOUT : 0),
				    .data.u64 = qrt_shmem_p_mark_of(client)};

	epoll_ctl(server->epoll, EPOLL_CTL_MOD, client->socket, &event);
}

static struct qrt_shmem_p_client *client_of(const struct qrt_ivshmem_server *server, uint64_t mark)
{
	uint32_t slot = (uint32_t)(mark >> 32) & 0xffffff, serial = (uint32_t)mark;
	struct qrt_shmem_p_client *client = slot < server->peers_max ? server->slots[slot] : NULL;

	return client && client->entry->serial == serial ? client : NULL;
}

/* Clients have nothing to say. */
static void hear(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client)
{
	char byte;
	ssize_t got = recv(client->socket, &byte, 1, MSG_DONTWAIT);

	if (got > 0)
		qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_TALKED);
	else if (!got || (errno != EAGAIN && errno != EINTR))
		qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_BY_ITSELF);
}

static void look_at_client(struct qrt_ivshmem_server *server, const struct epoll_event *event)
{
	struct qrt_shmem_p_client *client = client_of(server, event->data.u64);

	if (!client)
		return;
	if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		hear(server, client);
		return;
	}
	client->waits = QRT_SHMEM_P_WAITS_NOT;
	watch_client(server, client, 0);
}

/* epoll says that there is room where most of what lay there was taken; one that takes something, but slowly,
 * is no client that takes nothing. One that took all waits for the kernel alone. */
static void look_at_slow(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint64_t now)
{
	int unsent = qrt_shmem_p_count_unread(client->socket);

	if (!unsent)
		client->slow_since_ns = 0;
	else if (unsent < client->unsent)
		client->slow_since_ns = now;
	client->waits = QRT_SHMEM_P_WAITS_NOT;
	if (client->slow_since_ns && now - client->slow_since_ns >= server->stall_ns)
		qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_STALLED);
}

static void look_at_timer(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_client *client, *next;
	uint64_t expirations, now = qrt_shmem_p_now_ns();

	if (read(server->timer, &expirations, sizeof(expirations)) < 0)
		return;
	for (client = server->first; client; client = next) {
		next = client->next;
		if (client->waits != QRT_SHMEM_P_WAITS_NOT)
			look_at_slow(server, client, now);
	}
}

static void look_at(struct qrt_ivshmem_server *server, const struct epoll_event *event)
{
	uint64_t wakes;

	switch (event->data.u64 & QRT_SHMEM_P_MARK_KIND) {
	case QRT_SHMEM_P_MARK_LISTENER:
		qrt_shmem_p_server_accept(server, (uint32_t)event->data.u64);
		break;
	case QRT_SHMEM_P_MARK_CLIENT:
		look_at_client(server, event);
		break;
	case QRT_SHMEM_P_MARK_TIMER:
		look_at_timer(server);
		break;
	default:
		if (read(server->more, &wakes, sizeof(wakes)) > 0)
			server->is_more = 0;
	}
}

static void look(struct qrt_ivshmem_server *server)
{
	struct epoll_event events[EVENTS_MAX];
	int found = epoll_wait(server->epoll, events, EVENTS_MAX, 0), i;

	for (i = 0; i < found; i++)
		look_at(server, &events[i]);
}

/* ---- telling ---- */

static void wait_for(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, int rc)
{
	client->unsent = qrt_shmem_p_count_unread(client->socket);
	client->waits = rc == -ENOBUFS ? QRT_SHMEM_P_WAITS_FOR_TIME : QRT_SHMEM_P_WAITS_FOR_SOCKET;
	if (client->unsent && !client->slow_since_ns)
		client->slow_since_ns = qrt_shmem_p_now_ns();
	if (rc == -EAGAIN)
		watch_client(server, client, 1);
}

static int tell_client(struct qrt_ivshmem_server *server, struct qrt_shmem_p_client *client, uint32_t *budget)
{
	int rc = qrt_shmem_p_tell_on(server, client, budget);

	if (rc >= 0)
		return rc;
	if (rc == -ESTALE)
		return 0;
	if (rc == -EAGAIN || rc == -ENOBUFS)
		wait_for(server, client, rc);
	else
		qrt_shmem_p_server_part(server, client, QRT_IVSHMEM_BY_ITSELF);
	return 0;
}

static void set_timer(struct qrt_ivshmem_server *server, int is_on)
{
	uint64_t every = server->stall_ns / 4 < 100000000 ? server->stall_ns / 4 : 100000000;
	struct itimerspec times = {.it_interval = {.tv_nsec = is_on ? (long)every + 1 : 0},
				   .it_value = {.tv_nsec = is_on ? (long)every + 1 : 0}};

	if (is_on == server->is_timer_on)
		return;
	timerfd_settime(server->timer, 0, &times, NULL);
	server->is_timer_on = is_on;
}

static void tell(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_client *client, *next;
	uint32_t budget = BUDGET;
	int is_anybody_slow = 0, is_more = 0;

	for (client = server->first; client; client = next) {
		next = client->next;
		if (client->waits == QRT_SHMEM_P_WAITS_NOT)
			is_more |= tell_client(server, client, &budget);
	}
	for (client = server->first; client; client = client->next)
		is_anybody_slow |= client->waits != QRT_SHMEM_P_WAITS_NOT;
	set_timer(server, is_anybody_slow);
	if (is_more)
		qrt_shmem_p_server_want_more(server);
}

int qrt_ivshmem_server_harvest(struct qrt_ivshmem_server *server, struct qrt_ivshmem_event *ret_events,
			       size_t max)
{
	size_t count;
	int rc;

	if (!max || !ret_events)
		return -EINVAL;
	rc = qrt_shmem_p_server_settle(server);
	if (rc < 0)
		return rc;
	qrt_shmem_p_server_look_for_layout(server);
	look(server);
	tell(server);
	count = take_sayings(server, ret_events, max);
	if (server->sayings)
		qrt_shmem_p_server_want_more(server);
	return (int)count;
}

int qrt_ivshmem_server_get_fd(const struct qrt_ivshmem_server *server)
{
	return server->epoll;
}
