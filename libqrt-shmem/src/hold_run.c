/* SPDX-License-Identifier: MIT */
/*
 * The holder. It is to be simpler than what it outlives: a table of names and descriptors, the server, and
 * the one that comes after it, the heir. A handover is all or nothing: the server stands still while the heir
 * looks whether it can go on with all that there is; when that one says so, by putting the record, it is the
 * server, and the one before is told to leave; when it says nothing, or goes, the one before goes on.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "hold_p.h"

#define PATIENCE_MS      2000  /* for a server that is to stand still, and an heir that is to ask */
#define HEIR_PATIENCE_MS 10000 /* for an heir that was given everything, while others wait for it */

enum heir_state {
	HEIR_CAME,
	HEIR_ASKED, /* the server is to stand still */
	HEIR_GIVEN, /* it has a copy of everything */
};

struct holder {
	struct qrt_shmem_p_table table;
	int listener;
	int server, heir; /* -1: none */
	enum heir_state state;
	uint64_t since_ms; /* it is the heir's */
	int is_still;      /* the server stands still */
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

/* ---- the server ---- */

static void lose_server(struct holder *holder)
{
	close(holder->server);
	holder->server = -1;
	holder->alone_since_ms = now_ms();
}

/* One that reads nothing is not waited for. */
static void tell_server(const struct holder *holder, char verb)
{
	if (holder->server >= 0)
		qrt_shmem_p_note_send(holder->server, verb, "", -1, MSG_DONTWAIT);
}

static void obey(struct holder *holder, const struct qrt_shmem_p_note *note)
{
	if (note->verb == 'P' && note->fd >= 0) {
		qrt_shmem_p_held_put(&holder->table, note->name, note->fd, 0);
		return;
	}
	if (note->fd >= 0)
		close(note->fd);
	if (note->verb == 'D')
		qrt_shmem_p_held_drop(&holder->table, qrt_shmem_p_held_find(&holder->table, note->name));
	else if (note->verb == 'S')
		holder->is_still = 1;
	else if (note->verb == 'W')
		holder->alone_ms = (uint32_t)strtoul(note->name, NULL, 10);
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

/* ---- the heir ---- */

static void set_state(struct holder *holder, enum heir_state state)
{
	holder->state = state;
	holder->since_ms = now_ms();
}

/* Nothing became of it. */
static void lose_heir(struct holder *holder)
{
	qrt_shmem_p_held_settle_heirs(&holder->table, 0);
	close(holder->heir);
	holder->heir = -1;
	if (holder->state != HEIR_CAME)
		tell_server(holder, 'C');
}

/* May wait for it to take it all, as long as it takes some: the server stands still. */
static int give_all(const struct holder *holder)
{
	const struct qrt_shmem_p_held *held;
	int rc = 0;

	for (held = holder->table.first; held && rc >= 0; held = held->next)
		rc = qrt_shmem_p_note_send(holder->heir, 'K', held->name, held->fd, 0);
	return rc < 0 ? rc : qrt_shmem_p_note_send(holder->heir, '.', QRT_SHMEM_P_HOLD_SAYS_YES, -1, 0);
}

/* What the server said before it stood still is taken in by then. */
static void give(struct holder *holder)
{
	if (holder->server >= 0)
		hear_server(holder);
	if (give_all(holder) < 0)
		lose_heir(holder);
	else
		set_state(holder, HEIR_GIVEN);
}

static int is_gone(int socket)
{
	struct pollfd fd = {.fd = socket};

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR));
}

/* From here on there is no way back. One that did not wait for this word is no server. */
static void succeed(struct holder *holder, int record)
{
	if (is_gone(holder->heir)) {
		close(record);
		lose_heir(holder);
		return;
	}
	qrt_shmem_p_held_put(&holder->table, QRT_SHMEM_P_HOLD_RECORD, record, 0);
	qrt_shmem_p_held_settle_heirs(&holder->table, 1);
	tell_server(holder, 'G');
	if (holder->server >= 0)
		close(holder->server);
	holder->server = holder->heir;
	holder->heir = -1;
	tell_server(holder, 'Y');
}

/* For anybody but the heir. */
static int holds_nothing(const struct holder *holder)
{
	return !holder->table.first || holder->table.first->is_heirs;
}

/* What it puts before it is the server is dropped again where it never is; of what is there it changes
 * nothing. */
static void obey_heir(struct holder *holder, const struct qrt_shmem_p_note *note)
{
	struct qrt_shmem_p_held *held = qrt_shmem_p_held_find(&holder->table, note->name);

	if (note->verb == 'P' && note->fd >= 0 && strcmp(note->name, QRT_SHMEM_P_HOLD_RECORD) == 0) {
		succeed(holder, note->fd);
		return;
	}
	if (note->verb == 'P' && note->fd >= 0 && (!held || held->is_heirs)) {
		qrt_shmem_p_held_put(&holder->table, note->name, note->fd, 1);
		return;
	}
	if (note->fd >= 0)
		close(note->fd);
	if (note->verb == 'D' && held && held->is_heirs)
		qrt_shmem_p_held_drop(&holder->table, held);
	/* Where nothing is held for anybody else. */
	if (note->verb == 'E' && holder->server < 0)
		holder->is_over = holds_nothing(holder);
}

static void ask(struct holder *holder, const struct qrt_shmem_p_note *note)
{
	if (note->fd >= 0)
		close(note->fd);
	if (note->verb != 'T') {
		lose_heir(holder);
		return;
	}
	set_state(holder, HEIR_ASKED);
	holder->is_still = 0;
	tell_server(holder, 'R');
}

static void hear_heir(struct holder *holder)
{
	struct qrt_shmem_p_note note;
	int rc = 1;

	while (holder->heir >= 0) {
		rc = qrt_shmem_p_note_receive(holder->heir, &note, MSG_DONTWAIT);
		if (rc <= 0)
			break;
		if (holder->state == HEIR_GIVEN)
			obey_heir(holder, &note);
		else
			ask(holder, &note);
	}
	if (holder->heir >= 0 && rc != -EAGAIN)
		lose_heir(holder);
}

static uint64_t waited_ms(const struct holder *holder)
{
	return now_ms() - holder->since_ms;
}

/* A large memory takes its time. Where nobody stands still for the heir it has as much as clients have; where
 * there are none, as much as it wants; and somebody else may be quicker. */
static uint64_t patience_ms(const struct holder *holder)
{
	if (holder->state != HEIR_GIVEN)
		return PATIENCE_MS;
	if (holder->server >= 0)
		return HEIR_PATIENCE_MS;
	if (holds_nothing(holder) || holder->alone_ms == QRT_IVSHMEM_HOLD_FOREVER)
		return UINT64_MAX;
	return holder->alone_ms > HEIR_PATIENCE_MS ? holder->alone_ms : HEIR_PATIENCE_MS;
}

static void admit(struct holder *holder)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	int socket = accept4(holder->listener, NULL, NULL, SOCK_CLOEXEC);

	if (socket < 0)
		return;
	if (holder->heir >= 0 && waited_ms(holder) >= HEIR_PATIENCE_MS)
		lose_heir(holder);
	if (holder->heir >= 0) { /* one after another */
		close(socket);
		return;
	}
	setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	holder->heir = socket;
	set_state(holder, HEIR_CAME);
}

/* One that asks for nothing must not keep others out, nor one that hangs. */
static void turn_over(struct holder *holder)
{
	if (holder->heir < 0)
		return;
	if (holder->state == HEIR_ASKED &&
	    (holder->server < 0 || holder->is_still || waited_ms(holder) >= PATIENCE_MS))
		give(holder);
	else if (waited_ms(holder) >= patience_ms(holder))
		lose_heir(holder);
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
	while (holder.table.first)
		qrt_shmem_p_held_drop(&holder.table, holder.table.first);
	if (holder.server >= 0)
		close(holder.server);
	if (holder.heir >= 0)
		close(holder.heir);
	return rc;
}
