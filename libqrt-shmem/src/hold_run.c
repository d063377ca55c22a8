/* SPDX-License-Identifier: MIT */
/*
 * The holder. It is to be simpler than what it outlives: a table of names and descriptors, the server, and
 * the one that comes after it.
 */
#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "hold_p.h"

#define PATIENCE_MS 2000 /* for a server that is to leave */

struct held {
	char name[QRT_SHMEM_P_HOLD_NAME_MAX + 1];
	int fd;
	struct held *next, *previous; /* in the order in which they came */
};

struct holder {
	void *tree; /* by name, tsearch(3) */
	struct held *first, *last;
	int listener;
	int server, heir;           /* -1: none */
	uint64_t came_ms, asked_ms; /* the heir; 0: it has not asked yet */
	uint64_t alone_since_ms;
	uint32_t alone_ms;
	int is_over;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct held *)a)->name, ((const struct held *)b)->name);
}

static struct held *find(struct holder *holder, const char *name)
{
	struct held key;
	void *found;

	strcpy(key.name, name);
	found = tfind(&key, &holder->tree, compare);
	return found ? *(struct held **)found : NULL;
}

static void drop(struct holder *holder, struct held *held)
{
	if (!held)
		return;
	tdelete(held, &holder->tree, compare);
	*(held->previous ? &held->previous->next : &holder->first) = held->next;
	*(held->next ? &held->next->previous : &holder->last) = held->previous;
	close(held->fd);
	free(held);
}

static void hold(struct holder *holder, const char *name, int fd)
{
	struct held *held;

	drop(holder, find(holder, name));
	held = calloc(1, sizeof(*held));
	if (!held || !(strcpy(held->name, name), tsearch(held, &holder->tree, compare))) {
		free(held);
		close(fd);
		return;
	}
	held->fd = fd;
	held->previous = holder->last;
	*(holder->last ? &holder->last->next : &holder->first) = held;
	holder->last = held;
}

/* ---- servers ---- */

static void lose_server(struct holder *holder)
{
	close(holder->server);
	holder->server = -1;
	holder->alone_since_ms = now_ms();
}

/* May wait for the server to take it all: it asked for it, and nobody else is there to be served. */
static int give_all(const struct holder *holder, int server)
{
	const struct held *held;
	int rc = 0;

	for (held = holder->first; held && rc >= 0; held = held->next)
		rc = qrt_shmem_p_note_send(server, 'K', held->name, held->fd);
	return rc < 0 ? rc : qrt_shmem_p_note_send(server, '.', "", -1);
}

/* What the server before said to its end is taken in by then. */
static void succeed(struct holder *holder)
{
	holder->server = holder->heir;
	holder->heir = -1;
	if (give_all(holder, holder->server) < 0)
		lose_server(holder);
}

static void obey(struct holder *holder, const struct qrt_shmem_p_note *note)
{
	if (note->verb == 'P' && note->fd >= 0) {
		hold(holder, note->name, note->fd);
		return;
	}
	if (note->fd >= 0)
		close(note->fd);
	if (note->verb == 'D')
		drop(holder, find(holder, note->name));
	else if (note->verb == 'E')
		holder->is_over = 1;
}

/* All that is there: a server that dies has said all of it. */
static void hear_server(struct holder *holder)
{
	struct qrt_shmem_p_note note;
	int rc;

	while ((rc = qrt_shmem_p_note_receive(holder->server, &note, MSG_DONTWAIT)) > 0)
		obey(holder, &note);
	if (rc != -EAGAIN)
		lose_server(holder);
}

static void lose_heir(struct holder *holder)
{
	close(holder->heir);
	holder->heir = -1;
}

static void hear_heir(struct holder *holder)
{
	struct qrt_shmem_p_note note;
	int rc = qrt_shmem_p_note_receive(holder->heir, &note, MSG_DONTWAIT);

	if (rc == -EAGAIN)
		return;
	if (rc > 0 && note.fd >= 0)
		close(note.fd);
	if (rc <= 0 || note.verb != 'T' || holder->asked_ms) {
		lose_heir(holder);
		return;
	}
	holder->asked_ms = now_ms();
	if (holder->server >= 0)
		qrt_shmem_p_note_send(holder->server, 'R', "", -1);
}

static void admit(struct holder *holder)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	int socket = accept4(holder->listener, NULL, NULL, SOCK_CLOEXEC);

	if (socket < 0)
		return;
	if (holder->heir >= 0) { /* one after another */
		close(socket);
		return;
	}
	setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	holder->heir = socket;
	holder->came_ms = now_ms();
	holder->asked_ms = 0;
}

/* One that asks for nothing must not keep others out. */
static void turn_over(struct holder *holder)
{
	if (holder->heir < 0)
		return;
	if (!holder->asked_ms) {
		if (now_ms() - holder->came_ms >= PATIENCE_MS)
			lose_heir(holder);
		return;
	}
	if (holder->server >= 0 && now_ms() - holder->asked_ms < PATIENCE_MS)
		return;
	if (holder->server >= 0) {
		hear_server(holder);
		if (holder->server >= 0)
			lose_server(holder);
	}
	succeed(holder);
}

/* ---- the loop ---- */

static int wait_ms(const struct holder *holder)
{
	uint64_t alone;

	if (holder->heir >= 0)
		return 100;
	if (holder->server >= 0 || holder->alone_ms == QRT_IVSHMEM_HOLD_FOREVER)
		return -1;
	alone = now_ms() - holder->alone_since_ms;
	return alone >= holder->alone_ms
		       ? 0
		       : (int)(holder->alone_ms - alone > 60000 ? 60000 : holder->alone_ms - alone);
}

static int is_forgotten(const struct holder *holder)
{
	return holder->server < 0 && holder->heir < 0 && holder->alone_ms != QRT_IVSHMEM_HOLD_FOREVER &&
	       now_ms() - holder->alone_since_ms >= holder->alone_ms;
}

static int turn(struct holder *holder)
{
	struct pollfd fds[3] = {{.fd = holder->listener, .events = POLLIN},
				{.fd = holder->server, .events = POLLIN},
				{.fd = holder->heir, .events = POLLIN}};

	if (poll(fds, 3, wait_ms(holder)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents)
		hear_server(holder);
	if (fds[2].revents)
		hear_heir(holder);
	if (fds[0].revents)
		admit(holder);
	turn_over(holder);
	return 0;
}

int qrt_ivshmem_hold_run(int listener, uint32_t alone_ms)
{
	struct holder holder = {.listener = listener, .server = -1, .heir = -1, .alone_ms = alone_ms};
	int rc = 0;

	holder.alone_since_ms = now_ms();
	while (rc >= 0 && !holder.is_over && !is_forgotten(&holder))
		rc = turn(&holder);
	while (holder.first)
		drop(&holder, holder.first);
	if (holder.server >= 0)
		close(holder.server);
	if (holder.heir >= 0)
		close(holder.heir);
	return rc;
}
